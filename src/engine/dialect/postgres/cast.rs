//! PostgreSQL's casts: the supported pairs of types, and the conversion of values.

mod read;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, ListArray,
            PrimitiveArray, StringArray, new_null_array,
        },
        compute::{self, CastOptions},
        datatypes::{
            ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
        },
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use crate::engine::function::postgres::{
    float_digits,
    kind::{Kind, TIMESTAMP, scale, type_name},
    output, rescaled,
};

/// A cast as a function of one argument.
#[derive(Debug)]
pub(super) struct Cast {
    to: DataType,
    /// The maximum number of characters; longer text is truncated.
    length: Option<usize>,
    signature: Signature,
}

impl PartialEq for Cast {
    fn eq(&self, other: &Self) -> bool {
        self.to == other.to && self.length == other.length
    }
}

impl Eq for Cast {}

impl Hash for Cast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to.hash(state);
        self.length.hash(state);
    }
}

impl ScalarUDFImpl for Cast {
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
    let function = Cast { to: to.clone(), length, signature: Signature::any(1, Volatility::Immutable) };
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
    use Kind as K;
    if from == to || from == &DataType::Null {
        return true;
    }
    if let (DataType::List(from), DataType::List(to)) = (from, to) {
        return is_possible(from.data_type(), to.data_type());
    }
    let (Some(from), Some(to)) = (Kind::of(from), Kind::of(to)) else { return false };
    let number =
        |kind| matches!(kind, K::SmallInt | K::Integer | K::BigInt | K::Numeric | K::Real | K::Double);
    let moment = |kind| matches!(kind, K::Date | K::Timestamp | K::Timestamptz);
    match (from, to) {
        (K::Text, to) => to != K::Bytea,
        (_, K::Text) | (K::Boolean, K::Integer) | (K::Integer, K::Boolean) => true,
        (from, to) => from == to || (number(from) && number(to)) || (moment(from) && moment(to)),
    }
}

fn fault<T>(message: impl Into<String>) -> Result<T> {
    Err(DataFusionError::Execution(message.into()))
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
        (T::Timestamp(..), T::Date32) => {
            let micros = compute::cast(&arrow(array, &TIMESTAMP)?, &T::Int64)?;
            let micros = micros.as_primitive::<Int64Type>();
            let days = |micros: i64| i32::try_from(micros.div_euclid(86_400_000_000)).unwrap_or_default();
            Ok(Arc::new(micros.unary::<_, datafusion::arrow::datatypes::Date32Type>(days)))
        }
        _ => number(array, to),
    }
}

fn arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    compute::cast_with_options(array, to, &options)
        .map_err(|_| DataFusionError::Execution(format!("{} out of range", type_name(to))))
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

/// Converts numbers to another numeric type: floats are rounded half to even, numerics half away from zero.
fn number(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::Decimal128(..), T::Float32 | T::Float64) => {
            let from = scale(array.data_type());
            let values = array.as_primitive::<Decimal128Type>();
            let double = |value: i128| decimal_text(value, from).parse::<f64>().unwrap_or(f64::NAN);
            if to == &T::Float64 {
                return Ok(Arc::new(values.unary::<_, Float64Type>(double)));
            }
            let doubles: ArrayRef = Arc::new(values.unary::<_, Float64Type>(double));
            floats(&doubles)
        }
        (T::Decimal128(..), T::Decimal128(digits, to_scale)) => {
            let from = scale(array.data_type());
            decimals(array.as_primitive::<Decimal128Type>().iter(), *digits, *to_scale, |value| {
                rescaled(value, from, *to_scale)
            })
        }
        (T::Decimal128(..), to) if to.is_integer() => {
            let from = scale(array.data_type());
            let values = array.as_primitive::<Decimal128Type>();
            let whole = values.iter().map(|value| value.and_then(|value| rescaled(value, from, 0)));
            integers(whole, to)
        }
        (T::Float32 | T::Float64, T::Decimal128(digits, to_scale)) => {
            let significant = if array.data_type() == &T::Float32 { 6 } else { 15 };
            let doubles = compute::cast(array, &T::Float64)?;
            let values = doubles.as_primitive::<Float64Type>();
            decimals(values.iter(), *digits, *to_scale, |value| {
                let text = value.is_finite().then(|| float_digits(value, significant))?;
                read::scaled(&text, *to_scale)
            })
        }
        (T::Float32 | T::Float64, to) if to.is_integer() => {
            let doubles = compute::cast(array, &T::Float64)?;
            let values = doubles.as_primitive::<Float64Type>();
            let whole = values.iter().map(|value| {
                value.map(|value| {
                    let whole = value.round_ties_even();
                    // A value beyond every integer type, so that it is out of range.
                    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
                    if whole.abs() < 1e20 { whole as i128 } else { i128::MAX }
                })
            });
            integers(whole, to)
        }
        (T::Float64, T::Float32) => floats(array),
        _ => arrow(array, to),
    }
}

fn decimal_text(value: i128, scale: i8) -> String {
    format!("{value}e-{scale}")
}

fn floats(array: &ArrayRef) -> Result<ArrayRef> {
    let values = array.as_primitive::<Float64Type>();
    let narrow = |value: Option<f64>| match value {
        None => Ok(None),
        Some(value) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the nearest float is what a cast to it means"
            )]
            let float = value as f32;
            if float.is_infinite() && value.is_finite() {
                fault("value out of range: overflow")
            } else if float == 0.0 && value != 0.0 {
                fault("value out of range: underflow")
            } else {
                Ok(Some(float))
            }
        }
    };
    Ok(Arc::new(values.iter().map(narrow).collect::<Result<Float32Array>>()?))
}

fn decimals<T: Copy>(
    values: impl Iterator<Item = Option<T>>,
    digits: u8,
    scale: i8,
    convert: impl Fn(T) -> Option<i128>,
) -> Result<ArrayRef> {
    let limit = 10_u128.pow(u32::from(digits));
    let values = values.map(|value| match value {
        None => Ok(None),
        Some(value) => match convert(value).filter(|value| value.unsigned_abs() < limit) {
            Some(value) => Ok(Some(value)),
            None => {
                fault(format!("numeric field overflow: a value doesn't fit into numeric({digits},{scale})"))
            }
        },
    });
    let made = values.collect::<Result<Decimal128Array>>()?;
    Ok(Arc::new(made.with_precision_and_scale(digits, scale)?))
}

fn integers(values: impl Iterator<Item = Option<i128>>, to: &DataType) -> Result<ArrayRef> {
    fn of<T: ArrowPrimitiveType>(
        values: impl Iterator<Item = Option<i128>>,
        to: &DataType,
    ) -> Result<ArrayRef>
    where
        T::Native: TryFrom<i128>,
    {
        let narrow = |value: Option<i128>| match value.map(T::Native::try_from).transpose() {
            Ok(value) => Ok(value),
            Err(_) => fault(format!("{} out of range", type_name(to))),
        };
        Ok(Arc::new(values.map(narrow).collect::<Result<PrimitiveArray<T>>>()?))
    }
    match to {
        DataType::Int16 => of::<Int16Type>(values, to),
        DataType::Int32 => of::<Int32Type>(values, to),
        _ => of::<Int64Type>(values, to),
    }
}

/// Parses texts as doubles.
fn doubles(texts: &StringArray) -> Result<ArrayRef> {
    let values = texts.iter().map(|text| text.map(read::double).transpose());
    Ok(Arc::new(values.collect::<Result<Float64Array>>()?))
}
