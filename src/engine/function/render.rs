//! Values as text, as DuckDB's cast to VARCHAR writes them.

use std::fmt::Write as _;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray},
        compute::cast,
        datatypes::{
            DataType, Float32Type, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimeUnit,
        },
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::Result,
};

use super::{
    calendar::{self, MICROS_PER_DAY},
    call::{Days, Micros},
    kind::UTC,
};

/// Each value as text.
pub(super) fn texts(array: &ArrayRef) -> Result<StringArray> {
    if array.data_type() == &DataType::Utf8 {
        return Ok(array.as_string::<i32>().clone());
    }
    (0..array.len()).map(|row| text(array, row)).collect()
}

/// A value as text; `None` for NULL.
pub(super) fn text(array: &ArrayRef, row: usize) -> Result<Option<String>> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Float32 => float(&format!("{:e}", array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(&format!("{:e}", array.as_primitive::<Float64Type>().value(row))),
        DataType::Binary => blob(array.as_binary::<i32>().value(row)),
        DataType::Interval(_) => match array.as_primitive_opt::<IntervalMonthDayNanoType>() {
            Some(intervals) => interval(intervals.value(row)),
            None => plain(array, row)?,
        },
        DataType::Date32 => {
            date(Days(array.as_primitive::<datafusion::arrow::datatypes::Date32Type>().value(row)))
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let micros = cast(&array.slice(row, 1), &DataType::Time64(TimeUnit::Microsecond))?;
            let value = micros.as_primitive::<datafusion::arrow::datatypes::Time64MicrosecondType>().value(0);
            time(value)
        }
        DataType::Timestamp(_, zone) => {
            let to = DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| UTC.into()));
            let micros = cast(&array.slice(row, 1), &to)?;
            let value =
                micros.as_primitive::<datafusion::arrow::datatypes::TimestampMicrosecondType>().value(0);
            let offset = if zone.is_some() && calendar::is_finite(Micros(value)) { "+00" } else { "" };
            format!("{}{offset}", timestamp(Micros(value)))
        }
        DataType::List(_) => list(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let parts = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| Ok(format!("'{}': {}", field.name(), nested(column, row)?)));
            format!("{{{}}}", parts.collect::<Result<Vec<_>>>()?.join(", "))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let parts = (0..entries.len()).map(|at| {
                Ok(format!("{}={}", nested(entries.column(0), at)?, nested(entries.column(1), at)?))
            });
            format!("{{{}}}", parts.collect::<Result<Vec<_>>>()?.join(", "))
        }
        _ => plain(array, row)?,
    }))
}

fn plain(array: &ArrayRef, row: usize) -> Result<String> {
    Ok(ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?.value(row).try_to_string()?)
}

fn list(items: &ArrayRef) -> Result<String> {
    let parts = (0..items.len()).map(|row| nested(items, row));
    Ok(format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(", ")))
}

/// A value inside a list, struct or map: text is quoted where it could be misread.
fn nested(array: &ArrayRef, row: usize) -> Result<String> {
    let Some(value) = text(array, row)? else { return Ok("NULL".into()) };
    let is_text = array.data_type() == &DataType::Utf8;
    let special = |c: char| "\"'(),:=[]{}\\".contains(c);
    let quote = value.is_empty()
        || value.contains(special)
        || value.trim() != value
        || value.eq_ignore_ascii_case("null");
    if is_text && quote {
        return Ok(format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")));
    }
    Ok(value)
}

/// Bytes: printable ASCII as it is, others as `\xAB`.
fn blob(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if (32..=126).contains(byte) && !b"\\'\"".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

/// The shortest digits that read back as the number; plain from 0.0001 up to 10^16. Takes it as `{:e}` prints it.
fn float(scientific: &str) -> String {
    let (sign, unsigned) = scientific.strip_prefix('-').map_or(("", scientific), |rest| ("-", rest));
    let Some((mantissa, exponent)) = unsigned.split_once('e') else {
        // Infinite, or not a number.
        return scientific.to_lowercase();
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    match exponent {
        -4..=-1 => format!("{sign}0.{}{digits}", zeros(-exponent - 1)),
        0..=15 if count <= exponent + 1 => format!("{sign}{digits}{}.0", zeros(exponent + 1 - count)),
        0..=15 => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(1));
            format!("{sign}{whole}.{fraction}")
        }
        _ => {
            let direction = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs())
        }
    }
}

/// A DOUBLE as text.
pub(super) fn double(value: f64) -> String {
    float(&format!("{value:e}"))
}

/// `2020-01-31`, `0044-03-15 (BC)`, `infinity`.
pub(super) fn date(days: Days) -> String {
    if let Some(infinite) = calendar::infinite_date(days) {
        return infinite.into();
    }
    let date = calendar::civil(i64::from(days.0));
    if date.year > 0 {
        format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
    } else {
        format!("{:04}-{:02}-{:02} (BC)", 1 - date.year, date.month, date.day)
    }
}

/// `12:30:00.5`, with as many digits of the second as there are.
pub(super) fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    push_fraction(&mut text, micros % 1_000_000);
    text
}

fn push_fraction(text: &mut String, micros: i64) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}

/// `2020-01-31 12:30:00`.
pub(super) fn timestamp(at: Micros) -> String {
    if let Some(infinite) = calendar::infinite_timestamp(at) {
        return infinite.into();
    }
    let (days, micros) = (at.0.div_euclid(MICROS_PER_DAY), at.0.rem_euclid(MICROS_PER_DAY));
    let date = date(Days(i32::try_from(days).unwrap_or_default()));
    match date.strip_suffix(" (BC)") {
        Some(date) => format!("{date} (BC) {}", time(micros)),
        None => format!("{date} {}", time(micros)),
    }
}

/// `1 year 2 months 3 days 04:05:06`.
pub(super) fn interval(value: IntervalMonthDayNano) -> String {
    let mut parts = Vec::new();
    let mut part = |count: i32, name: &str| {
        if count != 0 {
            let plural = if count == 1 || count == -1 { "" } else { "s" };
            parts.push(format!("{count} {name}{plural}"));
        }
    };
    part(value.months / 12, "year");
    part(value.months % 12, "month");
    part(value.days, "day");
    let micros = value.nanoseconds / 1_000;
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let micros = micros.unsigned_abs();
        let seconds = micros / 1_000_000;
        let mut text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        push_fraction(&mut text, i64::try_from(micros % 1_000_000).unwrap_or(0));
        parts.push(text);
    }
    parts.join(" ")
}
