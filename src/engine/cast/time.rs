//! Dates, times of day and timestamps: conversions between them and to text.

use std::{fmt::Write as _, sync::Arc};

use chrono::{DateTime, LocalResult, NaiveDate, TimeDelta, TimeZone};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray},
        datatypes::{
            DataType, Date32Type, Int64Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
            TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
        },
    },
    error::Result,
};

use super::converted::arrow;
use crate::engine::cast::types::TIMESTAMP;

pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Converts dates, times or timestamps to another such type, with NULL for each value that doesn't fit.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::Timestamp(TimeUnit::Microsecond, _), T::Date32) => {
            let micros = micros(array)?;
            let day = |micros: i64| i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok();
            Ok(Arc::new(micros.unary_opt::<_, Date32Type>(day)))
        }
        (T::Timestamp(TimeUnit::Microsecond, _), T::Time64(_)) => {
            let time = |micros: i64| micros.rem_euclid(MICROS_PER_DAY);
            Ok(Arc::new(self::micros(array)?.unary::<_, Time64MicrosecondType>(time)))
        }
        (T::Timestamp(TimeUnit::Microsecond, _), T::Timestamp(unit, zone)) => {
            Ok(rounded(&micros(array)?, *unit, zone.as_deref()))
        }
        (T::Timestamp(TimeUnit::Nanosecond, _), _) => {
            let values = arrow(array, &T::Timestamp(TimeUnit::Nanosecond, None))?;
            let values = values.as_primitive::<TimestampNanosecondType>();
            // Truncates towards 1970, as DuckDB does.
            let micros = values.unary::<_, TimestampMicrosecondType>(|nanos| nanos / 1_000);
            let micros: ArrayRef = Arc::new(micros);
            if to == &TIMESTAMP { Ok(micros) } else { convert(&micros, to) }
        }
        (T::Timestamp(..), _) => {
            let micros = arrow(&without_zone(array)?, &TIMESTAMP)?;
            if to == &TIMESTAMP { Ok(micros) } else { convert(&micros, to) }
        }
        (T::Date32 | T::Date64, T::Timestamp(unit, zone)) => {
            let days = arrow(array, &T::Date32)?;
            let midnight = |day: i32| i64::from(day).checked_mul(MICROS_PER_DAY);
            let micros = days.as_primitive::<Date32Type>().unary_opt::<_, TimestampMicrosecondType>(midnight);
            Ok(rounded(&micros, *unit, zone.as_deref()))
        }
        _ => arrow(array, to),
    }
}

/// Returns timestamps in microseconds, without their zone.
fn micros(array: &ArrayRef) -> Result<PrimitiveArray<TimestampMicrosecondType>> {
    Ok(without_zone(array)?.as_primitive::<TimestampMicrosecondType>().clone())
}

/// Removes the zone that timestamps are displayed in, and keeps their UTC instants.
fn without_zone(array: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, Some(_)) = array.data_type() else { return Ok(Arc::clone(array)) };
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(*unit, None)).build()?;
    Ok(datafusion::arrow::array::make_array(data))
}

/// Converts timestamps in microseconds to another unit, rounding to the nearest.
pub(super) fn rounded(
    micros: &PrimitiveArray<TimestampMicrosecondType>,
    unit: TimeUnit,
    zone: Option<&str>,
) -> ArrayRef {
    let zone = zone.map(Into::into);
    // Halves are rounded away from 1970.
    let nearest = |per: i64| move |micros: i64| micros.saturating_add(micros.signum() * (per / 2)) / per;
    match unit {
        TimeUnit::Second => Arc::new(
            micros.unary::<_, TimestampSecondType>(nearest(1_000_000)).with_timezone_opt::<Arc<str>>(zone),
        ),
        TimeUnit::Millisecond => Arc::new(
            micros.unary::<_, TimestampMillisecondType>(nearest(1_000)).with_timezone_opt::<Arc<str>>(zone),
        ),
        TimeUnit::Microsecond => Arc::new(micros.clone().with_timezone_opt::<Arc<str>>(zone)),
        TimeUnit::Nanosecond => Arc::new(
            micros
                .unary_opt::<_, TimestampNanosecondType>(|micros| micros.checked_mul(1_000))
                .with_timezone_opt::<Arc<str>>(zone),
        ),
    }
}

/// Returns the instant of a local time: the later one if it is ambiguous; inside a gap, the instant by the
/// offset before the gap.
pub(in crate::engine) fn instant<Z: TimeZone>(local: i64, zone: &Z) -> Option<i64> {
    let local = DateTime::UNIX_EPOCH.naive_utc().checked_add_signed(TimeDelta::microseconds(local))?;
    let found = match zone.from_local_datetime(&local) {
        LocalResult::Single(found) | LocalResult::Ambiguous(_, found) => found,
        LocalResult::None => {
            // Gaps are usually shorter than three hours, so three hours earlier the previous offset applies.
            let before = local.checked_sub_signed(TimeDelta::hours(3))?;
            let before = zone.from_local_datetime(&before).latest()?;
            return Some((before + TimeDelta::hours(3)).timestamp_micros());
        }
    };
    Some(found.timestamp_micros())
}

/// Formats a date, time or timestamp; `None` for any other type.
pub(super) fn text(array: &ArrayRef, row: usize) -> Option<String> {
    use DataType as T;
    fn at<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
        array.as_primitive::<T>().value(row)
    }
    let mut text = String::new();
    match array.data_type() {
        T::Date32 => {
            let days = at::<Date32Type>(array, row);
            if let Some(infinite) = infinite(days.into(), i32::MAX.into()) {
                return Some(infinite);
            }
            let date = NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()))?;
            write_date(&mut text, date);
        }
        T::Timestamp(unit, zone) => {
            let (micros, nanos) = match unit {
                TimeUnit::Second => (at::<TimestampSecondType>(array, row).checked_mul(1_000_000)?, 0),
                TimeUnit::Millisecond => (at::<TimestampMillisecondType>(array, row).checked_mul(1_000)?, 0),
                TimeUnit::Microsecond => (at::<TimestampMicrosecondType>(array, row), 0),
                TimeUnit::Nanosecond => {
                    let nanos = at::<TimestampNanosecondType>(array, row);
                    (nanos.div_euclid(1_000), nanos.rem_euclid(1_000))
                }
            };
            if let Some(infinite) = infinite(micros, i64::MAX) {
                return Some(infinite);
            }
            let moment =
                DateTime::UNIX_EPOCH.naive_utc().checked_add_signed(TimeDelta::microseconds(micros))?;
            write_date(&mut text, moment.date());
            text.push(' ');
            write_time(&mut text, u64::try_from(micros.rem_euclid(MICROS_PER_DAY)).ok()?);
            if nanos != 0 {
                let has_fraction = micros.rem_euclid(1_000_000) != 0;
                let padding = if has_fraction { padding(&text) } else { ".000000".into() };
                let _ = write!(text, "{padding}{nanos:03}");
                text.truncate(text.trim_end_matches('0').len());
            }
            if zone.is_some() {
                text.push_str("+00");
            }
        }
        T::Time64(TimeUnit::Microsecond) => {
            write_time(&mut text, u64::try_from(at::<Time64MicrosecondType>(array, row)).ok()?);
        }
        _ => return None,
    }
    Some(text)
}

/// Formats a date or timestamp that no calendar has: as the number of its units since 1970.
pub(super) fn count(array: &ArrayRef, row: usize) -> Result<String> {
    let unit = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => "seconds",
        DataType::Timestamp(TimeUnit::Millisecond, _) => "milliseconds",
        DataType::Timestamp(TimeUnit::Microsecond, _) => "microseconds",
        DataType::Timestamp(TimeUnit::Nanosecond, _) => "nanoseconds",
        _ => "days",
    };
    let numbers = arrow(&array.slice(row, 1), &DataType::Int64)?;
    Ok(format!("{} {unit}", numbers.as_primitive::<Int64Type>().value(0)))
}

/// Returns the name of an infinite date or timestamp. The greatest number and its negative mean infinity.
fn infinite(value: i64, greatest: i64) -> Option<String> {
    if value == greatest { Some("infinity".into()) } else { (value <= -greatest).then(|| "-infinity".into()) }
}

/// Returns the zeros that pad a fraction to six digits.
fn padding(text: &str) -> String {
    let digits = text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.len());
    "0".repeat(6_usize.saturating_sub(digits))
}

fn write_date(text: &mut String, date: NaiveDate) {
    use chrono::Datelike;
    let (year, suffix) = if date.year() > 0 { (date.year(), "") } else { (1 - date.year(), " (BC)") };
    let _ = write!(text, "{year:04}-{:02}-{:02}{suffix}", date.month(), date.day());
}

/// Formats `HH:MM:SS[.frac]` without trailing zeros.
pub(super) fn write_time(text: &mut String, micros: u64) {
    let seconds = micros / 1_000_000;
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % 1_000_000;
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}
