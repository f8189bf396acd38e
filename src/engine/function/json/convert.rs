//! Documents of values.

use std::{fmt::Write as _, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        compute::cast,
        datatypes::{
            DataType, Decimal128Type, Float64Type, IntervalMonthDayNanoType, TimeUnit,
            TimestampMicrosecondType,
        },
        temporal_conversions::timestamp_us_to_datetime,
    },
    error::Result,
};

use crate::engine::json::{parse::parsed, value::Json as Document};

/// Converts a value to JSON.
pub(in crate::engine::function) fn json_of(column: &ArrayRef, row: usize) -> Result<Document> {
    if column.is_null(row) {
        return Ok(Document::Null);
    }
    let items = |items: ArrayRef| -> Result<Document> {
        (0..items.len()).map(|at| json_of(&items, at)).collect::<Result<_>>().map(Document::List)
    };
    Ok(match column.data_type() {
        DataType::Null => Document::Null,
        DataType::Boolean => Document::Bool(column.as_boolean().value(row)),
        of if of.is_integer() => Document::Integer(text(column, row)?),
        of if of.is_floating() => Document::Real(real(column, row)?),
        DataType::Decimal128(_, 0) => {
            Document::Integer(column.as_primitive::<Decimal128Type>().value(row).to_string())
        }
        // All digits, without trailing zeros.
        DataType::Decimal128(..) => {
            let digits = text(column, row)?;
            let short = digits.trim_end_matches('0');
            Document::Integer(if short.ends_with('.') { format!("{short}0") } else { short.to_owned() })
        }
        DataType::List(_) => items(column.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => items(column.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => items(column.as_fixed_size_list().value(row))?,
        DataType::Struct(fields) if fields.len() == 1 && fields[0].name() == super::nested::CARRIER => {
            let text = column.as_struct().column(0);
            if text.is_null(row) { Document::Null } else { parsed(text.as_string::<i32>().value(row))? }
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns();
            let members =
                fields.iter().zip(columns).map(|(field, one)| Ok((field.name().clone(), json_of(one, row)?)));
            Document::Object(members.collect::<Result<_>>()?)
        }
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let member = |at| Ok((json_of(keys, at)?.unquoted(), json_of(values, at)?));
            Document::Object((0..entries.len()).map(member).collect::<Result<_>>()?)
        }
        DataType::Timestamp(_, zone) => Document::Text(moment(column, row, zone.as_ref())?),
        DataType::Interval(_) => {
            let one = cast(
                &column.slice(row, 1),
                &DataType::Interval(datafusion::arrow::datatypes::IntervalUnit::MonthDayNano),
            )?;
            let interval = one.as_primitive::<IntervalMonthDayNanoType>().value(0);
            Document::Text(interval_text(interval.months, interval.days, interval.nanoseconds / 1000))
        }
        DataType::Binary => {
            Document::Text(String::from_utf8_lossy(column.as_binary::<i32>().value(row)).into_owned())
        }
        _ => Document::Text(text(column, row)?),
    })
}

/// Returns a float as a double. A 32-bit one becomes the double with the same shortest digits.
fn real(column: &ArrayRef, row: usize) -> Result<f64> {
    let one = cast(&column.slice(row, 1), &DataType::Float64)?;
    let value = one.as_primitive::<Float64Type>().value(0);
    let is_single = *column.data_type() == DataType::Float32;
    Ok(if is_single { text(column, row)?.parse().unwrap_or(value) } else { value })
}

/// Formats a timestamp without trailing zeros of the second; `+00` follows if it has a time zone.
fn moment(column: &ArrayRef, row: usize, zone: Option<&Arc<str>>) -> Result<String> {
    let micros = cast(&column.slice(row, 1), &DataType::Timestamp(TimeUnit::Microsecond, zone.cloned()))?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>().value(0);
    let mut shown = timestamp_us_to_datetime(micros)
        .map(|at| at.format("%Y-%m-%d %H:%M:%S%.f").to_string())
        .unwrap_or_default();
    if shown.contains('.') {
        shown.truncate(shown.trim_end_matches('0').len());
    }
    if zone.is_some() {
        shown.push_str("+00");
    }
    Ok(shown)
}

pub(super) fn text(column: &ArrayRef, row: usize) -> Result<String> {
    let one = cast(&column.slice(row, 1), &DataType::Utf8)?;
    Ok(one.as_string::<i32>().value(0).to_owned())
}

/// Formats an interval as DuckDB does: `1 year 2 months 3 days 04:05:06`.
fn interval_text(months: i32, days: i32, micros: i64) -> String {
    let mut parts = Vec::new();
    let mut part = |count: i32, unit: &str| {
        if count != 0 {
            parts.push(format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" }));
        }
    };
    part(months / 12, "year");
    part(months % 12, "month");
    part(days, "day");
    if micros != 0 || parts.is_empty() {
        let sign = if micros < 0 { "-" } else { "" };
        let total = micros.unsigned_abs();
        let (seconds, rest) = (total / 1_000_000, total % 1_000_000);
        let mut clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        if rest > 0 {
            let _ = write!(clock, ".{rest:06}");
            clock.truncate(clock.trim_end_matches('0').len());
        }
        parts.push(clock);
    }
    parts.join(" ")
}
