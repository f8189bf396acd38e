//! PostgreSQL's casts: the supported pairs of types, and the conversion of values.
//!
//! - `number`, `float`: numbers
//! - `read`: text to other types
//! - `arrow`: casts that Arrow computes

mod arrow;
mod float;
mod number;
mod read;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StringArray, new_null_array},
        compute,
        datatypes::{DataType, Int32Type},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use self::{
    arrow::{arrow, days},
    number::number,
};
use crate::engine::function::postgres::{
    kind::{PostgresKind, type_name},
    output,
};

/// A cast as a function of one argument.
#[derive(Debug)]
pub(super) struct PostgresCast {
    to: DataType,
    /// The maximum number of characters; longer text is truncated.
    length: Option<usize>,
    signature: Signature,
}

impl PartialEq for PostgresCast {
    fn eq(&self, other: &Self) -> bool {
        self.to == other.to && self.length == other.length
    }
}

impl Eq for PostgresCast {}

impl Hash for PostgresCast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to.hash(state);
        self.length.hash(state);
    }
}

impl ScalarUDFImpl for PostgresCast {
    fn name(&self) -> &'static str {
        "cast"
    }

    /// Returns the name of the cast expression, followed by the type.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let of = args.first().map_or_else(String::new, |arg| arg.schema_name().to_string());
        Ok(format!("{of}::{}", type_name(&self.to)))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => convert(array, &self.to, self.length).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(value)] => {
                let array = convert(&value.to_array()?, &self.to, self.length)?;
                ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar)
            }
            _ => Err(DataFusionError::Internal("a cast takes one value".into())),
        }
    }
}

/// Casts an expression to a type that it can be cast to.
pub(super) fn cast(expr: Expr, from: &DataType, to: &DataType, length: Option<usize>) -> Result<Expr> {
    if matches!(expr, Expr::Literal(..)) || (from == to && length.is_none()) {
        return literal_or_same(expr, from, to, length);
    }
    if length.is_none() && is_exact(from, to) {
        return Ok(plain(expr, to));
    }
    explicit(expr, from, to, length)
}

fn literal_or_same(expr: Expr, from: &DataType, to: &DataType, length: Option<usize>) -> Result<Expr> {
    if from == to && length.is_none() {
        return Ok(expr);
    }
    if let Expr::Literal(value, metadata) = &expr
        && let Ok(array) = value.to_array()
    {
        let array = convert(&array, to, length)?;
        let value = ScalarValue::try_from_array(&array, 0)?;
        let typed = Expr::Literal(value, metadata.clone());
        // A text literal could still become any type; a typed one keeps a cast.
        return Ok(if to == &DataType::Utf8 { plain(typed, to) } else { typed });
    }
    Ok(expr)
}

/// Plans a cast from the user's SQL. It never becomes DataFusion's cast, because that is what the planner
/// inserts by itself.
pub(super) fn explicit(expr: Expr, from: &DataType, to: &DataType, length: Option<usize>) -> Result<Expr> {
    if matches!(expr, Expr::Literal(..)) || (from == to && length.is_none()) {
        return literal_or_same(expr, from, to, length);
    }
    let function =
        PostgresCast { to: to.clone(), length, signature: Signature::any(1, Volatility::Immutable) };
    Ok(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::from(function)), vec![expr])))
}

/// Returns DataFusion's own cast, which its optimizer can look through.
fn plain(expr: Expr, to: &DataType) -> Expr {
    Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(expr), to.clone()))
}

/// Returns whether Arrow's cast matches PostgreSQL's for every value.
fn is_exact(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) | (T::Float32, T::Float64) | (T::Date32, T::Timestamp(..)) => true,
        (from, T::Float64) if from.is_integer() => true,
        (T::Timestamp(a, _), T::Timestamp(b, _)) => a == b,
        (from, to) if from.is_integer() && to.is_integer() => from.primitive_width() < to.primitive_width(),
        (T::Int16, T::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 5,
        (T::Int32, T::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 10,
        (T::Int64, T::Decimal128(p, s)) => i16::from(*p) - i16::from(*s) >= 19,
        (T::Decimal128(p, s), T::Decimal128(q, t) | T::Decimal256(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        (from, T::Decimal256(..)) => from.is_integer(),
        _ => false,
    }
}

/// Returns whether PostgreSQL has this explicit cast.
pub(super) fn is_possible(from: &DataType, to: &DataType) -> bool {
    use PostgresKind as K;
    if from == to || from == &DataType::Null {
        return true;
    }
    if let (DataType::List(from), DataType::List(to)) = (from, to) {
        return is_possible(from.data_type(), to.data_type());
    }
    let (Some(from), Some(to)) = (PostgresKind::of(from), PostgresKind::of(to)) else { return false };
    let number =
        |kind| matches!(kind, K::SmallInt | K::Integer | K::BigInt | K::Numeric | K::Real | K::Double);
    let moment = |kind| matches!(kind, K::Date | K::Timestamp | K::Timestamptz);
    match (from, to) {
        (K::Text, to) => to != K::Bytea,
        (_, K::Text) | (K::Boolean, K::Integer) | (K::Integer, K::Boolean) => true,
        (from, to) => from == to || (number(from) && number(to)) || (moment(from) && moment(to)),
    }
}

/// Converts the values of an array to another type.
pub(super) fn convert(array: &ArrayRef, to: &DataType, length: Option<usize>) -> Result<ArrayRef> {
    use DataType as T;
    let from = array.data_type();
    if from == &T::Null {
        return Ok(new_null_array(to, array.len()));
    }
    match (from, to) {
        (T::Utf8View | T::LargeUtf8 | T::Dictionary(..), _) => {
            convert(&compute::cast(array, &T::Utf8)?, to, length)
        }
        (_, T::Utf8) => texts(array, length),
        (T::Utf8, _) => read::values(array.as_string::<i32>(), to),
        (from, to) if from == to => Ok(Arc::clone(array)),
        (T::List(_), T::List(field)) => {
            let list = array.as_list::<i32>();
            let items = convert(list.values(), field.data_type(), length)?;
            let offsets = list.offsets().clone();
            Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, list.nulls().cloned())?))
        }
        (T::Boolean, T::Int32) => Ok(compute::cast(array, to)?),
        (T::Int32, T::Boolean) => {
            let values = array.as_primitive::<Int32Type>();
            Ok(Arc::new(BooleanArray::from_unary(values, |value| value != 0)))
        }
        (T::Date32 | T::Timestamp(..), T::Timestamp(..)) => arrow(array, to),
        (T::Timestamp(..), T::Date32) => days(array),
        _ => number(array, to),
    }
}

fn texts(array: &ArrayRef, length: Option<usize>) -> Result<ArrayRef> {
    let texts: StringArray = if array.data_type() == &DataType::Boolean {
        let words = |value: Option<bool>| value.map(|value| if value { "true" } else { "false" });
        array.as_boolean().iter().map(words).collect()
    } else {
        output::texts(array)?
    };
    let Some(length) = length else { return Ok(Arc::new(texts)) };
    let cut = |text: &str| text.chars().take(length).collect::<String>();
    Ok(Arc::new(texts.iter().map(|text| text.map(cut)).collect::<StringArray>()))
}
