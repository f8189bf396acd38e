//! Exact casts: keep every value or fail. Used to cast a query's columns to the types of its target table,
//! and a table's columns to the types that a query was planned with.
//!
//! A value is kept if it can be cast back to itself. So 2.0 becomes the bigint 2, midnight becomes a date,
//! and 1.50 becomes a `decimal(10, 1)`; 2.5, noon and 1.55 are errors that name the value. Distinct values
//! stay distinct, so it is safe to compare after the cast. Start at [`cast`].

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

use super::{
    dialect::{
        converted, is_possible,
        types::{common, digits},
        value_text,
    },
    source::type_name,
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
pub(super) fn cast(expr: Expr, own: &Field, to: &DataType, destination: &Destination) -> Result<Expr> {
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

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::{
            array::{ArrayRef, Int32Array, ListArray, StringArray, StructArray},
            datatypes::Int64Type,
        },
        common::ScalarValue,
    };
    use proptest::prelude::*;

    use super::*;

    /// A value without its type.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Untyped {
        /// An integer times ten to the power of minus the second field.
        Decimal(i128, u32),
        Double(f64),
        Real(f32),
        /// Microseconds since 1970.
        Moment(i64),
    }

    const UTC_MICROS: fn(Option<&str>) -> DataType =
        |zone| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));

    const DAY: i64 = 86_400_000_000;

    fn types() -> Vec<DataType> {
        use DataType as T;
        vec![
            T::Boolean,
            T::Int8,
            T::Int16,
            T::Int32,
            T::Int64,
            T::Float32,
            T::Float64,
            T::Decimal128(3, 1),
            T::Decimal128(10, 1),
            T::Decimal128(10, 2),
            T::Decimal128(20, 0),
            T::Decimal128(38, 0),
            T::Decimal128(38, 10),
            T::Date32,
            UTC_MICROS(None),
            UTC_MICROS(Some("UTC")),
        ]
    }

    /// Returns a value of a type, derived from a number.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any value will do")]
    fn scalar(of: &DataType, number: i64, scale: u32) -> ScalarValue {
        use DataType as T;
        match of {
            T::Boolean => ScalarValue::Boolean(Some(number % 2 == 0)),
            T::Int8 => ScalarValue::Int8(Some(number as i8)),
            T::Int16 => ScalarValue::Int16(Some(number as i16)),
            T::Int32 => ScalarValue::Int32(Some(number as i32)),
            T::Int64 => ScalarValue::Int64(Some(number)),
            T::Float32 => ScalarValue::Float32(Some(number as f32 / 10_f32.powi(scale.cast_signed()))),
            T::Float64 => match scale {
                9 => ScalarValue::Float64(Some(f64::from_bits(number.cast_unsigned()))),
                _ => ScalarValue::Float64(Some(number as f64 / 10_f64.powi(scale.cast_signed()))),
            },
            T::Decimal128(digits, own) => {
                let value = i128::from(number) * 10_i128.pow(scale) % 10_i128.pow(u32::from(*digits));
                ScalarValue::Decimal128(Some(value), *digits, *own)
            }
            T::Date32 => ScalarValue::Date32(Some((number % 700_000) as i32)),
            T::Timestamp(_, zone) => {
                let micros = number % (700_000 * DAY);
                let micros = if scale.is_multiple_of(2) { micros / DAY * DAY } else { micros };
                ScalarValue::TimestampMicrosecond(Some(micros), zone.clone())
            }
            other => panic!("{other} is no type of the test"),
        }
    }

    fn value(of: &ScalarValue) -> Untyped {
        use ScalarValue as S;
        match of {
            S::Boolean(Some(value)) => Untyped::Decimal(i128::from(*value), 0),
            S::Int8(Some(value)) => Untyped::Decimal((*value).into(), 0),
            S::Int16(Some(value)) => Untyped::Decimal((*value).into(), 0),
            S::Int32(Some(value)) => Untyped::Decimal((*value).into(), 0),
            S::Int64(Some(value)) => Untyped::Decimal((*value).into(), 0),
            S::Float32(Some(value)) => Untyped::Real(*value),
            S::Float64(Some(value)) => Untyped::Double(*value),
            S::Decimal128(Some(value), _, scale) => {
                let (mut value, mut scale) = (*value, u32::from(scale.cast_unsigned()));
                while scale > 0 && value % 10 == 0 {
                    (value, scale) = (value / 10, scale - 1);
                }
                Untyped::Decimal(value, scale)
            }
            S::Date32(Some(days)) => Untyped::Moment(i64::from(*days) * DAY),
            S::TimestampMicrosecond(Some(micros), _) => Untyped::Moment(*micros),
            other => panic!("{other} is no value of the test"),
        }
    }

    fn text(value: i128, scale: u32) -> String {
        format!("{value}e-{scale}")
    }

    /// Returns whether two values are equal. A float equals a decimal if it is the nearest float to its
    /// digits.
    #[expect(clippy::float_cmp, reason = "whether a value is the very same is the question")]
    fn is_same(a: Untyped, b: Untyped) -> bool {
        match (a, b) {
            (Untyped::Double(a), Untyped::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Untyped::Real(a), Untyped::Real(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Untyped::Double(a), Untyped::Real(b)) | (Untyped::Real(b), Untyped::Double(a)) => {
                a == f64::from(b) || (a.is_nan() && b.is_nan())
            }
            (Untyped::Decimal(value, scale), Untyped::Double(b))
            | (Untyped::Double(b), Untyped::Decimal(value, scale)) => text(value, scale).parse() == Ok(b),
            (Untyped::Decimal(value, scale), Untyped::Real(b))
            | (Untyped::Real(b), Untyped::Decimal(value, scale)) => text(value, scale).parse() == Ok(b),
            (a, b) => a == b,
        }
    }

    /// Returns whether a type contains a value of another type; `None` if that is debatable.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "compared afterwards, and exactly"
    )]
    fn has(of: &DataType, from: &DataType, value: Untyped) -> Option<bool> {
        use DataType as T;
        let digits = |value: i128| value.unsigned_abs().to_string().len();
        let whole = match value {
            Untyped::Decimal(value, 0) => Some(value),
            Untyped::Double(value) if value.fract() == 0.0 && value.abs() < 1e30 => Some(value as i128),
            Untyped::Real(value) if value.fract() == 0.0 && value.abs() < 1e30 => Some(value as i128),
            _ => None,
        };
        let within = |least: i64, greatest: i64| {
            whole.is_some_and(|whole| whole >= least.into() && whole <= greatest.into())
        };
        Some(match (of, value) {
            (T::Date32, Untyped::Moment(micros)) => micros % DAY == 0,
            (T::Timestamp(..), Untyped::Moment(_)) => true,
            (_, Untyped::Moment(_)) | (T::Date32 | T::Timestamp(..), _) => false,
            (T::Boolean, _) => within(0, 1),
            (T::Int8, _) => within(i8::MIN.into(), i8::MAX.into()),
            (T::Int16, _) => within(i16::MIN.into(), i16::MAX.into()),
            (T::Int32, _) => within(i32::MIN.into(), i32::MAX.into()),
            (T::Int64, _) => within(i64::MIN, i64::MAX),
            (T::Decimal128(precision, own), Untyped::Decimal(value, scale)) => {
                let own = u32::from(own.cast_unsigned());
                scale <= own && digits(value * 10_i128.checked_pow(own - scale)?) <= usize::from(*precision)
            }
            (T::Float64, Untyped::Decimal(value, _)) if digits(value) <= 15 => true,
            (T::Float64, Untyped::Decimal(value, 0)) if from.is_integer() => (value as f64) as i128 == value,
            (T::Float32, Untyped::Decimal(value, _)) if digits(value) <= 6 => true,
            (T::Float32, Untyped::Decimal(value, 0)) if from.is_integer() => (value as f32) as i128 == value,
            (T::Float32, Untyped::Double(value)) => f64::from(value as f32) == value || value.is_nan(),
            (T::Float64 | T::Float32, Untyped::Real(_) | Untyped::Double(_)) => true,
            _ => return None,
        })
    }

    fn exact(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
        let destination = Destination { table: "t".to_owned(), cure: "cast it".to_owned() };
        let signature = Signature::any(1, Volatility::Immutable);
        ExactCast { to: to.clone(), column: "c".to_owned(), destination, signature }.apply(values)
    }

    /// Casts as a query does.
    fn planned(values: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
        match fit(values.data_type(), to) {
            CastFit::Always => Ok(compute::cast(values, to)?),
            CastFit::ByValue => exact(values, to),
            CastFit::Never => plan_err!("never"),
        }
    }

    fn number() -> impl Strategy<Value = i64> {
        prop_oneof![
            -300..300_i64,
            -40_000..40_000_i64,
            any::<i32>().prop_map(i64::from),
            any::<i64>(),
            (0..62_u32, -1..=1_i64).prop_map(|(bits, more)| (1 << bits) + more),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_value_is_kept_or_refused(number in number(), scale in 0..10_u32) {
            for from in types() {
                let before = scalar(&from, number, scale);
                let array = before.to_array().unwrap();
                for to in types() {
                    let (before, has) = (value(&before), has(&to, &from, value(&before)));
                    match planned(&array, &to) {
                        Ok(cast) => {
                            prop_assert_eq!(cast.data_type(), &to);
                            let after = ScalarValue::try_from_array(&cast, 0).unwrap();
                            let same = !after.is_null() && is_same(before, value(&after));
                            prop_assert!(same, "{from} {before:?} becomes {to} {after:?}");
                            prop_assert!(has != Some(false), "{from} {before:?} became {to} {after:?}");
                        }
                        Err(error) => {
                            prop_assert!(has != Some(true), "{from} {before:?} is no {to}: {error}");
                        }
                    }
                }
            }
        }

        #[test]
        fn texts_are_kept_or_refused(number in number(), scale in 0..10_u32, zeros in 0..3_usize) {
            for of in types() {
                let before = scalar(&of, number, scale).to_array().unwrap();
                let text = planned(&before, &DataType::Utf8);
                // Text with digits that a parser would drop, such as leading zeros, is rejected.
                if let Ok(text) = text {
                    prop_assert_eq!(&comparable(planned(&text, &of).unwrap()), &comparable(before));
                    let longer = format!("{}{}", "0".repeat(zeros), text.as_string::<i32>().value(0));
                    let longer: ArrayRef = Arc::new(StringArray::from(vec![longer]));
                    prop_assert_eq!(planned(&longer, &of).is_ok(), zeros == 0, "{:?}", longer);
                }
            }
        }
    }

    fn said(values: impl datafusion::arrow::array::Array + 'static, to: &DataType) -> String {
        let values: ArrayRef = Arc::new(values);
        exact(&values, to).unwrap_err().strip_backtrace()
    }

    #[test]
    fn the_first_value_that_would_change_is_named() {
        let lists =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(3_000_000_000)])]);
        let item = |of| DataType::List(Arc::new(Field::new("element", of, true)));
        let fields = |names: &[&str]| -> Fields {
            names.iter().map(|name| Field::new(*name, DataType::Int32, true)).collect()
        };
        let ones: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        let wide = StructArray::new(fields(&["a", "b"]), vec![Arc::clone(&ones), ones], None);
        insta::assert_snapshot!(
            [
                said(datafusion::arrow::array::Float64Array::from(vec![Some(2.0), None, Some(2.5)]), &DataType::Int64),
                said(StringArray::from(vec!["12.7"]), &DataType::Int32),
                said(lists, &item(DataType::Int32)),
                said(wide, &DataType::Struct(fields(&["a"]))),
            ]
            .join("\n"),
            @r"
        Execution error: column c has the value 2.5 (double), which t can't hold unchanged as bigint: cast it
        Execution error: column c has the value '12.7' (varchar), which t can't hold unchanged as integer: cast it
        Execution error: column c has the value [1, 3000000000] (bigint[]), which t can't hold unchanged as integer[]: cast it
        Execution error: column c has the value {'a': 1, 'b': 1} (struct(a integer, b integer)), which t can't hold unchanged as struct(a integer): cast it
        "
        );
    }

    #[test]
    fn types_get_wider_as_far_as_they_must() {
        use DataType as T;
        let of = |a, b| wider(&a, &b).map(|wider| type_name(&wider));
        assert_eq!(of(T::Int32, T::Int64), Some("bigint".into()));
        assert_eq!(of(T::Int64, T::Int32), Some("bigint".into()));
        assert_eq!(of(T::Int64, T::Float64), Some("double".into()));
        assert_eq!(of(T::Int32, T::Float32), Some("double".into()));
        assert_eq!(of(T::Decimal128(10, 1), T::Decimal128(10, 2)), Some("decimal(11, 2)".into()));
        assert_eq!(of(T::Date32, UTC_MICROS(None)), Some("timestamp".into()));
        assert_eq!(of(T::Int64, T::Utf8), None);
        assert_eq!(of(T::Int64, T::Date32), None);
    }
}
