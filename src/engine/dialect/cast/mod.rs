//! DuckDB's casts: a function for every conversion that Arrow's kernels do otherwise or not at all.
//!
//! Kernels never fail: a value that doesn't fit becomes NULL, and [`convert`] turns a NULL that wasn't there before into an
//! error, which names the value. So `try_cast` and `cast` are one code.
//!
//! - `number`: numbers and booleans among themselves
//! - `text`: text → numbers, booleans, bytes, UUID, JSON; `decimal`: digits of any length
//! - `time`, `interval`: text → dates, times, timestamps, intervals, and these among themselves
//! - `format`: everything → text
//! - `nested`: lists, structs, maps

mod decimal;
mod format;
mod interval;
mod nested;
mod number;
mod text;
mod time;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, new_null_array},
        compute::{self, CastOptions},
        datatypes::{DataType, FieldRef, TimeUnit},
    },
    common::{ScalarValue, exec_err, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
    },
};

pub(super) use self::format::value_text;
use super::types::{self, Target, Text};

/// A cast as a function of one argument.
#[derive(Debug)]
pub(super) struct Cast {
    target: Target,
    /// Whether a value that doesn't fit becomes NULL.
    lenient: bool,
    /// The column or expression, for messages.
    subject: String,
    signature: Signature,
}

impl Cast {
    fn new(target: Target, lenient: bool, subject: String) -> Self {
        Self { target, lenient, subject, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl PartialEq for Cast {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.lenient == other.lenient
    }
}

impl Eq for Cast {}

impl Hash for Cast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.lenient.hash(state);
    }
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &'static str {
        if self.lenient { "try_cast" } else { "cast" }
    }

    /// Another name than that of what it casts: a join computes its keys as columns next to those that are there.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let subject = args.first().map_or_else(String::new, |arg| arg.schema_name().to_string());
        Ok(format!("cast({subject} as {})", super::types::name(&self.target.data_type)))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = args.arg_fields.first().map_or("", |field| field.name());
        Ok(Arc::new(datafusion::arrow::datatypes::Field::new(name, self.target.data_type.clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => {
                Ok(ColumnarValue::Array(convert(array, &self.target, self.lenient, &self.subject)?))
            }
            [ColumnarValue::Scalar(value)] => {
                let array = convert(&value.to_array()?, &self.target, self.lenient, &self.subject)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            _ => exec_err!("a cast takes one value"),
        }
    }
}

/// An expression as another type: as DuckDB casts, by DataFusion's own cast where both agree.
///
/// # Errors
/// If no value of the one type is a value of the other.
pub(super) fn cast(expr: Expr, from: &DataType, target: &Target, lenient: bool) -> Result<Expr> {
    if from == &target.data_type && target.text == Text::Plain {
        return Ok(expr);
    }
    let fits = match target.text {
        Text::Plain => is_possible(from, &target.data_type),
        Text::Uuid | Text::Json => types::is_text(from) || from == &DataType::Null,
    };
    if !fits {
        return plan_err!(
            "can't cast {} to {}{}",
            types::name(from),
            target.name(),
            if target.text == Text::Json { "; use to_json(…)" } else { advice(from, &target.data_type) }
        );
    }
    if let Expr::Literal(value, metadata) = &expr
        && let Ok(array) = value.to_array()
    {
        let array = convert(&array, target, lenient, "")?;
        return Ok(Expr::Literal(ScalarValue::try_from_array(&array, 0)?, metadata.clone()));
    }
    if target.text == Text::Plain && is_exact(from, &target.data_type) {
        return Ok(Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(expr), target.data_type.clone())));
    }
    let subject = expr.schema_name().to_string();
    let function = ScalarUDF::from(Cast::new(target.clone(), lenient, subject));
    Ok(Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(
        Arc::new(function),
        vec![expr],
    )))
}

/// A cast that the user wrote. A constant that is cast has its type for good: it doesn't adapt to what it meets, as a
/// literal does, so the cast stays visible.
pub(super) fn explicit(expr: Expr, from: &DataType, target: &Target, lenient: bool) -> Result<Expr> {
    let typed = cast(expr, from, target, lenient)?;
    let adapts = target.data_type.is_integer() || types::is_text(&target.data_type);
    if adapts && matches!(typed, Expr::Literal(..)) {
        return Ok(Expr::Cast(datafusion::logical_expr::Cast::new(
            Box::new(typed),
            target.data_type.clone(),
        )));
    }
    Ok(typed)
}

/// An expression as a plain type.
pub(super) fn implicit(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    cast(expr, from, &Target { data_type: to.clone(), text: Text::Plain }, false)
}

/// Returns whether Arrow's cast gives the same for every value, so that the optimizer may look through it.
fn is_exact(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    match (from, to) {
        (T::Null, _) | (T::Date32, T::Date64) | (T::Float32, T::Float64) => true,
        (from, to) if from.is_integer() && to.is_integer() => {
            matches!((from.primitive_width(), to.primitive_width()), (Some(a), Some(b))
                if a < b && (from.is_unsigned_integer() || to.is_signed_integer()))
        }
        (from, T::Float64) if from.is_integer() => true,
        (from, T::Decimal128(digits, scale)) if from.is_integer() => {
            types::digits(from).is_some_and(|(own, _)| own <= types::whole(*digits, *scale))
        }
        (T::Decimal128(a, a_scale), T::Decimal128(b, b_scale)) => {
            b_scale >= a_scale && types::whole(*b, *b_scale) >= types::whole(*a, *a_scale)
        }
        (from, to) if types::is_text(from) && types::is_text(to) => true,
        (T::Timestamp(TimeUnit::Microsecond, zone), T::Date32)
        | (T::Date32, T::Timestamp(TimeUnit::Microsecond, zone)) => is_utc(zone.as_deref()),
        (T::Timestamp(TimeUnit::Microsecond, from), T::Timestamp(TimeUnit::Microsecond, to)) => {
            is_utc(from.as_deref()) && is_utc(to.as_deref())
        }
        _ => false,
    }
}

/// Returns whether timestamps of this zone count from midnight in UTC.
fn is_utc(zone: Option<&str>) -> bool {
    zone.is_none_or(|zone| matches!(zone, "UTC" | "+00:00"))
}

/// Returns whether there are values of the one type that are values of the other.
#[expect(clippy::match_same_arms, reason = "a pair of types a line")]
pub(super) fn is_possible(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let plain = |of: &DataType| types::is_number(of) || of == &T::Boolean;
    match (from, to) {
        (T::Null, _) => true,
        (T::Dictionary(_, value), to) => is_possible(value, to),
        (from, to) if types::is_text(from) || types::is_text(to) => true,
        (from, to) if plain(from) && plain(to) => true,
        (T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_), T::Binary) => true,
        (T::Date32 | T::Date64, T::Date32 | T::Timestamp(..)) => true,
        (T::Timestamp(..), T::Date32 | T::Timestamp(..) | T::Time64(_)) => true,
        (T::Time32(_) | T::Time64(_), T::Time64(_)) => true,
        (T::Interval(_) | T::Duration(_), T::Interval(_)) => true,
        (
            T::List(a) | T::LargeList(a) | T::FixedSizeList(a, _),
            T::List(b) | T::LargeList(b) | T::FixedSizeList(b, _),
        ) => is_possible(a.data_type(), b.data_type()),
        (T::Struct(a), T::Struct(b)) => {
            let shared = b.iter().filter_map(|to| Some((nested::position(a, to.name())?, to)));
            let mut shared = shared.peekable();
            shared.peek().is_some() && shared.all(|(at, to)| is_possible(a[at].data_type(), to.data_type()))
        }
        (T::Map(a, _), T::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (T::Struct(a), T::Struct(b)) => {
                a.iter().zip(b).all(|(a, b)| is_possible(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        _ => false,
    }
}

fn advice(from: &DataType, to: &DataType) -> &'static str {
    let temporal = |of: &DataType| matches!(of, DataType::Date32 | DataType::Timestamp(..));
    if types::is_number(from) && temporal(to) {
        "; for seconds since 1970 use to_timestamp(…), for days date '1970-01-01' + …"
    } else if temporal(from) && types::is_number(to) {
        "; use epoch(…) for seconds, or date_part('year', …) for a part"
    } else {
        ""
    }
}

/// The values of an array as another type. Values that don't fit are NULL if `lenient`.
///
/// # Errors
/// For the first value that doesn't fit, named with its `subject`.
pub(super) fn convert(array: &ArrayRef, target: &Target, lenient: bool, subject: &str) -> Result<ArrayRef> {
    let converted = kernel(array, target)?;
    if lenient || converted.logical_null_count() == array.logical_null_count() {
        return Ok(converted);
    }
    let (before, after) = (array.logical_nulls(), converted.logical_nulls());
    let is_null = |nulls: &Option<datafusion::arrow::buffer::NullBuffer>, row| {
        nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    };
    let Some(row) = (0..array.len()).find(|row| !is_null(&before, *row) && is_null(&after, *row)) else {
        return Ok(converted);
    };
    let text = value_text(array, row)?.unwrap_or_default();
    let value = if types::is_text(array.data_type()) { format!("'{text}'") } else { text };
    let of = if subject.is_empty() || subject == value { String::new() } else { format!(" in {subject}") };
    exec_err!("can't cast {value}{of} to {}: use try_cast to get NULL for such values", target.name())
}

/// The values as another type, NULL where they don't fit.
pub(super) fn kernel(array: &ArrayRef, target: &Target) -> Result<ArrayRef> {
    use DataType as T;
    let (from, to) = (array.data_type(), &target.data_type);
    if from == &T::Null {
        return Ok(new_null_array(to, array.len()));
    }
    if let T::Dictionary(_, value) = from {
        return kernel(&compute::cast(array, value)?, target);
    }
    if types::is_text(from) {
        let array = compute::cast(array, &T::Utf8)?;
        return text::parse(&array, target);
    }
    if from == to {
        return Ok(Arc::clone(array));
    }
    let number = |of: &DataType| types::is_number(of) || of == &T::Boolean;
    match (from, to) {
        (_, T::Utf8) => format::texts(array, target.text),
        (from, to) if number(from) && number(to) => number::convert(array, to),
        (T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Struct(_) | T::Map(..), _) => {
            nested::convert(array, to)
        }
        (T::Date32 | T::Date64 | T::Timestamp(..) | T::Time32(_) | T::Time64(_), _) => {
            time::convert(array, to)
        }
        _ => arrow(array, to),
    }
}

/// Arrow's cast, NULL where a value doesn't fit.
fn arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    Ok(compute::cast_with_options(array, to, &options)?)
}

/// The length of intervals in microseconds, by which they compare.
pub(super) fn interval_length(expr: Expr) -> Expr {
    let function = ScalarUDF::from(IntervalLength(Signature::any(1, Volatility::Immutable)));
    Expr::ScalarFunction(datafusion::logical_expr::expr::ScalarFunction::new_udf(
        Arc::new(function),
        vec![expr],
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength(Signature);

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &'static str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(types::HUGEINT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        if array.data_type() == &DataType::Null {
            return Ok(ColumnarValue::Array(new_null_array(&types::HUGEINT, array.len())));
        }
        let lengths = interval::lengths(datafusion::arrow::array::AsArray::as_primitive(&array));
        Ok(ColumnarValue::Array(lengths))
    }
}
