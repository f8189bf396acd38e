//! Cells: values as JSON, with one form per value whatever Arrow array holds it.
//!
//! | type | form |
//! |---|---|
//! | floats | numbers; `"NaN"`, `"inf"`, `"-inf"` |
//! | boolean | `true`, `false` |
//! | integers, decimals | text, all digits |
//! | dates, timestamps | `"2020-01-31"`, `"2020-01-31 12:00:00.000000"` (UTC); `"infinity"`, `"-infinity"` |
//! | time, interval | `"12:00:00.000000"`, `"1m 2d 3us"` (months, days, microseconds) |
//! | binary | `"\x00ff"` |
//! | list | an array |
//! | struct, map | `{"s": [[name, value], …]}`, `{"m": [[key, value], …]}` |

use std::fmt::Write;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, Float32Type,
        Float64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
        Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    },
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::{Number, Value, json};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Returns the cells of a column.
pub(crate) fn cells(array: &ArrayRef) -> Vec<Value> {
    let plain = plain(array);
    (0..plain.len()).map(|row| if plain.is_null(row) { Value::Null } else { cell(&plain, row) }).collect()
}

/// Casts values to the array type that [`cell`] supports.
fn plain(array: &ArrayRef) -> ArrayRef {
    let wanted = match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::Float16 => DataType::Float32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        other => other.clone(),
    };
    if &wanted == array.data_type() {
        return array.clone();
    }
    cast(array, &wanted).unwrap_or_else(|_| array.clone())
}

/// Returns the cell of a non-NULL value.
fn cell(array: &ArrayRef, row: usize) -> Value {
    match array.data_type() {
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            // Parse the float's shortest text as a double: 0.1, not 0.10000000149.
            float(value.to_string().parse().unwrap_or(f64::from(value)))
        }
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            let digits = bytes.iter().fold(String::from("\\x"), |mut text, byte| {
                // Writing to a string can't fail.
                let _ = write!(text, "{byte:02x}");
                text
            });
            digits.into()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let ends = [(i32::MAX, "infinity"), (-i32::MAX, "-infinity")];
            ends.iter()
                .find(|(end, _)| *end == days)
                .map_or_else(|| date(days.into()).into(), |(_, text)| (*text).into())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)).into()
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            time(array.as_primitive::<Time64MicrosecondType>().value(row)).into()
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            interval(0, 0, array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            interval(value.months.into(), value.days.into(), value.nanoseconds / 1000)
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = array.as_primitive::<IntervalDayTimeType>().value(row);
            interval(0, value.days.into(), i64::from(value.milliseconds) * 1000)
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            interval(array.as_primitive::<IntervalYearMonthType>().value(row).into(), 0, 0)
        }
        DataType::List(_) => Value::Array(cells(&array.as_list::<i32>().value(row))),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let parts = fields.iter().zip(columns).map(|(field, column)| {
                json!([field.name(), cells(&column.slice(row, 1)).pop().unwrap_or_default()])
            });
            json!({ "s": parts.collect::<Vec<_>>() })
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (cells(entries.column(0)), cells(entries.column(1)));
            json!({ "m": keys.into_iter().zip(values).map(|(key, value)| json!([key, value])).collect::<Vec<_>>() })
        }
        _ => display(array, row),
    }
}

fn float(value: f64) -> Value {
    Number::from_f64(value)
        .map_or_else(|| if value.is_nan() { "NaN".into() } else { value.to_string().into() }, Value::Number)
}

fn interval(months: i64, days: i64, micros: i64) -> Value {
    format!("{months}m {days}d {micros}us").into()
}

fn timestamp(micros: i64) -> String {
    match micros {
        i64::MAX => "infinity".into(),
        micros if micros == -i64::MAX => "-infinity".into(),
        _ => format!("{} {}", date(micros.div_euclid(MICROS_A_DAY)), time(micros.rem_euclid(MICROS_A_DAY))),
    }
}

fn time(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:06}", seconds % 60, micros % 1_000_000)
}

/// Formats a number of days since 1970-01-01 as a proleptic Gregorian date. chrono's years end at 262143 and
/// DuckDB's at 5881580, so the calendar is computed here, in eras of 400 years that start in March.
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Returns Arrow's display text, for integers and for types that Delta tables can't have.
fn display(array: &ArrayRef, row: usize) -> Value {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => formatter.value(row).to_string().into(),
        Err(error) => format!("unprintable: {error}").into(),
    }
}
