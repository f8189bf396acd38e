//! Text output of values in PostgreSQL's format.

use std::fmt::Write as _;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray},
        datatypes::{
            DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
            Int64Type, IntervalMonthDayNanoType, TimestampMicrosecondType,
        },
    },
    error::Result,
};

use super::{kind::type_name, span, unresolved::Unresolved};
use crate::engine::function::{
    calendar::{MICROS_PER_DAY, civil},
    call::fail,
    decimal::{OPEN_SCALE, scale},
};

/// Rejects types whose text depends on digits that PostgreSQL picks at run time.
pub(in crate::engine) fn writable(of: &DataType) -> Result<(), Unresolved> {
    match of {
        DataType::Decimal128(_, digits) if *digits >= OPEN_SCALE => Err(Unresolved::new(
            "the text of this numeric depends on digits that PostgreSQL picks while the query runs",
            "round it first: round(x, 2), or cast it to numeric(p, s)",
        )),
        DataType::List(item) => writable(item.data_type()),
        DataType::Struct(_) | DataType::Map(..) => Err(Unresolved::new(
            format!("{} has no text in PostgreSQL", type_name(of)),
            "pick its fields one by one",
        )),
        _ => Ok(()),
    }
}

/// Formats all values; booleans become `t` and `f`.
pub(in crate::engine) fn texts(array: &ArrayRef) -> Result<StringArray> {
    (0..array.len()).map(|row| text(array, row)).collect()
}

/// Formats one value, or returns `None` if it is NULL.
pub(super) fn text(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    use DataType as T;
    if array.is_null(row) || array.data_type() == &T::Null {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        T::Boolean => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        T::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        T::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        T::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        T::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        T::Decimal128(..) => {
            decimal(array.as_primitive::<Decimal128Type>().value(row), scale(array.data_type()))
        }
        T::Float32 => float(&format!("{:e}", array.as_primitive::<Float32Type>().value(row)), 6),
        T::Float64 => float(&format!("{:e}", array.as_primitive::<Float64Type>().value(row)), 15),
        T::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        T::Binary => format!("\\x{}", hex(array.as_binary::<i32>().value(row))),
        T::Date32 => date(array.as_primitive::<Date32Type>().value(row).into()),
        T::Timestamp(_, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp(micros) + if zone.is_some() { "+00" } else { "" }
        }
        T::Interval(_) => span::text(array.as_primitive::<IntervalMonthDayNanoType>().value(row)),
        T::List(_) => list(&array.as_list::<i32>().value(row))?,
        other => return fail(format!("{} has no text", type_name(other))),
    }))
}

/// Formats a date: `2024-01-31`.
fn date(days: i64) -> String {
    let date = civil(days);
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// Formats a timestamp, `2024-01-31 12:30:00.5`, without trailing zeros in the fraction.
fn timestamp(micros: i64) -> String {
    let (day, time) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let seconds = time / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = format!("{} {hours:02}:{minutes:02}:{:02}", date(day), seconds % 60);
    if time % 1_000_000 != 0 {
        let fraction = format!("{:06}", time % 1_000_000);
        // Writing to a string never fails.
        let _ = write!(text, ".{}", fraction.trim_end_matches('0'));
    }
    text
}

/// Formats each byte as two hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Formats a list: `{1,NULL,"a b"}`.
fn list(items: &ArrayRef) -> Result<String> {
    let mut parts = Vec::with_capacity(items.len());
    for row in 0..items.len() {
        let nested = matches!(items.data_type(), DataType::List(_));
        parts.push(match text(items, row)? {
            None => "NULL".to_owned(),
            Some(text) if nested => text,
            Some(text) => {
                let odd = |c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_ascii_whitespace();
                if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(odd) {
                    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                } else {
                    text
                }
            }
        });
    }
    Ok(format!("{{{}}}", parts.join(",")))
}

/// Formats a decimal.
pub(super) fn decimal(value: i128, scale: i8) -> String {
    let places = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Formats a float with the shortest digits that parse back to it, without an exponent from 0.0001 up to
/// `most` digits before the point.
fn float(scientific: &str, most: i32) -> String {
    match scientific {
        "NaN" => return "NaN".into(),
        "inf" => return "Infinity".into(),
        "-inf" => return "-Infinity".into(),
        _ => {}
    }
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if !(-4..most).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        format!("{sign}0.{}{digits}", zeros(-exponent - 1))
    } else if count <= exponent + 1 {
        format!("{sign}{digits}{}", zeros(exponent + 1 - count))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(1));
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::{decimal, float};

    #[test]
    fn numbers_print_as_in_postgresql() {
        for (number, text) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (1e15, "1e+15"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-1.5e300, "-1.5e+300"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(float(&format!("{number:e}"), 15), text);
        }
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(1234, 2), "12.34");
        assert_eq!(decimal(7, 0), "7");
    }
}
