//! Text to other types: parses `'…'::type`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array,
            PrimitiveArray, StringArray,
        },
        datatypes::{
            ArrowPrimitiveType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
            UInt32Type, UInt64Type,
        },
    },
    common::not_impl_err,
    error::Result,
};

use super::{
    calendar,
    decimal::{is_well_formed, scaled},
    interval,
};
use crate::engine::{
    cast::types::{self, CastTarget, TypeRule},
    json::is_json,
};

/// Parses texts as values of a type, with NULL for each text that doesn't fit. `array` is Utf8.
pub(super) fn parse(array: &ArrayRef, target: &CastTarget) -> Result<ArrayRef> {
    use DataType as T;
    let texts = array.as_string::<i32>();
    Ok(match (&target.data_type, target.rule) {
        (T::Utf8, TypeRule::Plain) => Arc::clone(array),
        (T::Utf8, TypeRule::Uuid) => Arc::new(texts.iter().map(|text| uuid(text?)).collect::<StringArray>()),
        (T::Utf8, TypeRule::Json) => {
            Arc::new(texts.iter().map(|text| text.filter(|text| is_json(text))).collect::<StringArray>())
        }
        (T::Boolean, _) => Arc::new(texts.iter().map(|text| boolean(text?)).collect::<BooleanArray>()),
        (T::Int8, _) => integers::<Int8Type>(texts),
        (T::Int16, _) => integers::<Int16Type>(texts),
        (T::Int32, _) => integers::<Int32Type>(texts),
        (T::Int64, _) => integers::<Int64Type>(texts),
        (T::UInt8, _) => integers::<UInt8Type>(texts),
        (T::UInt16, _) => integers::<UInt16Type>(texts),
        (T::UInt32, _) => integers::<UInt32Type>(texts),
        (T::UInt64, _) => integers::<UInt64Type>(texts),
        (T::Float32, _) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the nearest float is what a cast to it means"
            )]
            let narrow = |value: f64| value as f32;
            Arc::new(texts.iter().map(|text| double(text?).map(narrow)).collect::<Float32Array>())
        }
        (T::Float64, _) => Arc::new(texts.iter().map(|text| double(text?)).collect::<Float64Array>()),
        (T::Decimal128(digits, scale), _) => {
            let limit = 10_i128.pow(u32::from(*digits));
            let fits = |value: &i128| value.abs() < limit;
            let values = texts.iter().map(|text| scaled(text?, *scale).filter(fits));
            Arc::new(values.collect::<Decimal128Array>().with_precision_and_scale(*digits, *scale)?)
        }
        (T::Binary, _) => Arc::new(texts.iter().map(|text| bytes(text?)).collect::<BinaryArray>()),
        (T::Interval(_), _) => interval::parse_all(texts),
        (T::Date32 | T::Timestamp(..) | T::Time64(_), _) => calendar::parse(texts, &target.data_type)?,
        (other, _) => return not_impl_err!("can't cast VARCHAR to {}", types::name(other)),
    })
}

fn integers<T: ArrowPrimitiveType>(texts: &StringArray) -> ArrayRef
where
    T::Native: TryFrom<i128>,
{
    let signed = T::Native::try_from(-1).is_ok();
    // A negative number doesn't fit an unsigned type, even if it rounds to zero.
    let fits = |text: &str| {
        let text = text.trim_start();
        signed || !text.starts_with('-') || text.trim_end() == "-0"
    };
    let integer = |text: &str| T::Native::try_from(integer(text)?).ok().filter(|_| fits(text));
    Arc::new(texts.iter().map(|text| integer(text?)).collect::<PrimitiveArray<T>>())
}

/// Parses a whole number; fractions are rounded half away from zero.
fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let radix = |digits: &str, radix| {
        let plain = is_well_formed(digits, |digit| char::from(digit).is_digit(radix));
        plain.then(|| i128::from_str_radix(&digits.replace('_', ""), radix).ok())?
    };
    match text.get(..2) {
        Some("0x" | "0X") => radix(&text[2..], 16),
        Some("0b" | "0B") => radix(&text[2..], 2),
        _ => scaled(text, 0),
    }
}

fn double(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.parse() {
        // Normalize NaN, whatever its sign.
        Ok(number) => Some(if f64::is_nan(number) { f64::NAN } else { number }),
        // Underscores may separate digits.
        Err(_)
            if text.contains('_')
                && text
                    .split(['.', 'e', 'E', '+', '-'])
                    .all(|digits| is_well_formed(digits, |digit| digit.is_ascii_digit())) =>
        {
            text.replace('_', "").parse().ok()
        }
        Err(_) => None,
    }
}

fn boolean(text: &str) -> Option<bool> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    if ["true", "t", "1", "yes", "y"].into_iter().any(is) {
        Some(true)
    } else if ["false", "f", "0", "no", "n"].into_iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// Parses a UUID and returns it in canonical form: groups of 8, 4, 4, 4 and 12 lowercase digits. The text may
/// have hyphens anywhere, and braces around it.
fn uuid(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{').map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let digits = inner.replace('-', "");
    let found = (digits.len() == 32).then(|| uuid::Uuid::try_parse(&digits).ok())?;
    found.map(|uuid| uuid.hyphenated().to_string())
}

/// Parses bytes: ASCII stands for itself, other bytes are written as `\xAB`.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut found = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        if *first == b'\\' {
            let [b'x', high, low, after @ ..] = after else { return None };
            let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            found.push(digit(high)? * 16 + digit(low)?);
            rest = after;
        } else if first.is_ascii() {
            found.push(*first);
            rest = after;
        } else {
            return None;
        }
    }
    Some(found)
}
