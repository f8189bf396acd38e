//! Exact casts: keep every value or fail. Used to cast a query's columns to the types of its target table,
//! and a table's columns to the types that a query was planned with.
//!
//! A value is kept if it can be cast back to itself. So 2.0 becomes the bigint 2, midnight becomes a date,
//! and 1.50 becomes a `decimal(10, 1)`; 2.5, noon and 1.55 are errors that name the value. Distinct values
//! stay distinct, so it is safe to compare after the cast. Start at `cast`.

#[cfg(test)]
mod tests;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, make_comparator},
        compute::{self, SortOptions},
        datatypes::{DataType, Field, FieldRef, Fields, Float32Type, Float64Type, TimeUnit},
    },
    common::{exec_err, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, cast as plain_cast, expr::ScalarFunction,
    },
};

use crate::engine::{
    cast::{
        converted, is_possible,
        types::{common, digits},
        value_text,
    },
    types::type_name,
};

/// The target of a column's values, for the error about a value that can't be kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The name of the table.
    pub table: String,
    /// The suggested fix for a value that the target column can't hold.
    pub cure: String,
}

/// The degree to which values of one type fit another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CastFit {
    /// All values are kept.
    Always,
    /// Some values are kept, so each is checked.
    ByValue,
    /// No value is kept.
    Never,
}

/// Returns whether some value of type `from` can be stored as type `to`.
#[must_use]
pub fn can_hold(from: &DataType, to: &DataType) -> bool {
    fit(from, to) != CastFit::Never
}

/// Returns the type to which a numeric or time column must be widened to hold values of both types; `None` if
/// there is none, or for other types. Doubles don't hold all decimals and bigints, so such values are still
/// checked one by one.
#[must_use]
pub fn wider(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    let is_number = |of: &DataType| of.is_numeric();
    let is_time = |of: &DataType| matches!(of, T::Date32 | T::Timestamp(..));
    match (normalized(a), normalized(b)) {
        (a, b) if is_number(&a) && is_number(&b) => match common(&a, &b)? {
            T::Float32 if a != b => Some(T::Float64),
            found => Some(found),
        },
        (a, b) if is_time(&a) && is_time(&b) => common(&a, &b),
        _ => None,
    }
}

/// Casts a column to another type with a cast that fails for a value that it would change.
///
/// # Errors
/// If no value of the column's type fits the target type.
pub(crate) fn cast(expr: Expr, own: &Field, to: &DataType, destination: &Destination) -> Result<Expr> {
    let from = own.data_type();
    match fit(from, to) {
        CastFit::Always => Ok(plain_cast(expr, to.clone())),
        CastFit::ByValue => {
            let function = ExactCast {
                to: to.clone(),
                column: own.name().clone(),
                destination: destination.clone(),
                signature: Signature::any(1, Volatility::Immutable),
            };
            let function = Arc::new(ScalarUDF::new_from_impl(function));
            Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr])))
        }
        CastFit::Never => {
            let Destination { table, cure } = destination;
            let (column, from, to) = (own.name(), type_name(from), type_name(to));
            plan_err!(
                "column {column} is {from}, and {table} has it as {to}, which holds no such value: {cure}"
            )
        }
    }
}

fn fit(from: &DataType, to: &DataType) -> CastFit {
    use DataType as T;
    if keeps_all(from, to) {
        return CastFit::Always;
    }
    // UUIDs, and types that tables can't have.
    let is_other = |of: &DataType| {
        matches!(
            of,
            T::Null
                | T::FixedSizeBinary(_)
                | T::Time32(_)
                | T::Time64(_)
                | T::Duration(_)
                | T::Interval(_)
                | T::Union(..)
        )
    };
    let (from, to) = (normalized(from), normalized(to));
    if is_other(&from) || is_other(&to) {
        CastFit::Always
    } else if from.is_nested() != to.is_nested() || !is_possible(&from, &to) {
        CastFit::Never
    } else {
        CastFit::ByValue
    }
}

/// Returns whether type `to` has every value of type `from`.
fn keeps_all(from: &DataType, to: &DataType) -> bool {
    use DataType as T;
    let (from, to) = (&normalized(from), &normalized(to));
    match (from, to) {
        (from, to) if from.equals_datatype(to) => true,
        (T::Timestamp(_, from), T::Timestamp(_, to)) => from.is_some() == to.is_some(),
        (T::Float32, T::Float64) => true,
        (from, T::Float64) if from.is_integer() => from.primitive_width().is_some_and(|bytes| bytes <= 4),
        (from, T::Float32) if from.is_integer() => from.primitive_width().is_some_and(|bytes| bytes <= 2),
        (from, to) if from.is_integer() && to.is_integer() => {
            matches!((from.primitive_width(), to.primitive_width()), (Some(a), Some(b))
                if (from.is_signed_integer() == to.is_signed_integer() && a <= b)
                    || (from.is_unsigned_integer() && a < b))
        }
        (from, T::Decimal128(digits_to, scale_to)) => digits(from).is_some_and(|(digits, scale)| {
            let whole = |digits: u8, scale: i8| i16::from(digits) - i16::from(scale);
            *scale_to >= scale && whole(*digits_to, *scale_to) >= whole(digits, scale)
        }),
        (T::List(from), T::List(to)) => keeps_all(from.data_type(), to.data_type()),
        (T::Struct(from), T::Struct(to)) => {
            let same = |(from, to): (&FieldRef, &FieldRef)| {
                from.name() == to.name() && keeps_all(from.data_type(), to.data_type())
            };
            from.len() == to.len() && from.iter().zip(to).all(same)
        }
        (T::Map(from, _), T::Map(to, _)) => match (from.data_type(), to.data_type()) {
            (T::Struct(from), T::Struct(to)) => {
                from.iter().zip(to).all(|(from, to)| keeps_all(from.data_type(), to.data_type()))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Returns a type as stored in tables: conversion to the stored type affects all tables alike.
fn normalized(data_type: &DataType) -> DataType {
    use DataType as T;
    let field =
        |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(normalized(field.data_type())));
    match data_type {
        T::Dictionary(_, value) => normalized(value),
        T::RunEndEncoded(_, value) => normalized(value.data_type()),
        T::LargeUtf8 | T::Utf8View => T::Utf8,
        T::LargeBinary | T::BinaryView => T::Binary,
        T::Date64 => T::Date32,
        T::Float16 => T::Float32,
        T::Timestamp(_, zone) => {
            let utc = zone.as_ref().filter(|zone| !zone.is_empty()).map(|_| "UTC".into());
            T::Timestamp(TimeUnit::Microsecond, utc)
        }
        T::Decimal32(digits, scale) | T::Decimal64(digits, scale) => T::Decimal128(*digits, *scale),
        T::Decimal256(digits, scale) if *digits <= 38 => T::Decimal128(*digits, *scale),
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => T::List(field(item)),
        T::Struct(fields) => T::Struct(fields.iter().map(field).collect::<Fields>()),
        T::Map(entries, sorted) => T::Map(field(entries), *sorted),
        other => other.clone(),
    }
}

/// A cast of one column that fails for a value that it would change.
#[derive(Debug)]
struct ExactCast {
    to: DataType,
    column: String,
    destination: Destination,
    signature: Signature,
}

impl PartialEq for ExactCast {
    fn eq(&self, other: &Self) -> bool {
        self.to == other.to && self.column == other.column && self.destination == other.destination
    }
}

impl Eq for ExactCast {}

impl Hash for ExactCast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.to, &self.column, &self.destination).hash(state);
    }
}

impl ScalarUDFImpl for ExactCast {
    fn name(&self) -> &'static str {
        "exact_cast"
    }

    /// Includes the type, which distinguishes two casts of one column.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let of = args.first().map_or_else(String::new, |arg| arg.schema_name().to_string());
        Ok(format!("exact_cast({of}, {})", self.to))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(&self.column, self.to.clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(values) = args.args.first() else { return exec_err!("a cast takes one value") };
        let values = values.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(self.apply(&values)?))
    }
}

impl ExactCast {
    fn apply(&self, values: &ArrayRef) -> Result<ArrayRef> {
        let from = normalized(values.data_type());
        let own = compute::cast(values, &from)?;
        let cast = by_digits(&own, &normalized(&self.to))?;
        let back = by_digits(&cast, &from)?;
        let (own, back) = (comparable(own), comparable(back));
        let compare = make_comparator(&own, &back, SortOptions::default())?;
        let Some(row) = (0..own.len()).find(|row| compare(*row, *row).is_ne()) else {
            return Ok(if cast.data_type() == &self.to { cast } else { compute::cast(&cast, &self.to)? });
        };
        let mut value = value_text(&own, row)?.unwrap_or_default();
        if value.chars().count() > LONGEST {
            value = value.chars().take(LONGEST).chain(['…']).collect();
        }
        if from == DataType::Utf8 {
            value = format!("'{value}'");
        }
        let Destination { table, cure } = &self.destination;
        let (column, from, to) = (&self.column, type_name(&from), type_name(&self.to));
        exec_err!(
            "column {column} has the value {value} ({from}), which {table} can't hold unchanged as {to}: {cure}"
        )
    }
}

/// Converts values, with NULL for each value that doesn't fit. Decimals with a fraction are converted to and
/// from doubles by their decimal digits: an arithmetic cast computes 1e17 times 1e10, which is another
/// number.
fn by_digits(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let has_point = |of: &DataType| matches!(of, DataType::Decimal128(_, scale) if *scale > 0);
    let from = values.data_type();
    if (has_point(from) && to.is_floating()) || (from.is_floating() && has_point(to)) {
        return converted(&converted(values, &DataType::Utf8)?, to);
    }
    converted(values, to)
}

/// The maximum length of a value in an error.
const LONGEST: usize = 80;

/// Normalizes zeros and NaNs of floats, so that equal values compare as equal.
fn comparable(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float64 => Arc::new(
            values
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
        ),
        DataType::Float32 => Arc::new(
            values
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
        ),
        _ => values,
    }
}
