//! Tests of exact casts.

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
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), Some(3_000_000_000)])]);
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
