//! Dates, times of day and timestamps: as text, from text, and as each other.

use std::{fmt::Write as _, sync::Arc};

use chrono::{DateTime, NaiveDate, TimeDelta};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, Date32Array, PrimitiveArray, StringArray,
            Time64MicrosecondArray, timezone::Tz,
        },
        datatypes::{
            DataType, Date32Type, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
            TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
        },
    },
    error::Result,
};

use super::arrow;
use crate::engine::dialect::types::TIMESTAMP;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Values of the calendar as another type of it, NULL where they don't fit.
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
            let micros = values.unary::<_, TimestampMicrosecondType>(|nanos| nanos.div_euclid(1_000));
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

/// The numbers of timestamps of microseconds, without their zone.
fn micros(array: &ArrayRef) -> Result<PrimitiveArray<TimestampMicrosecondType>> {
    Ok(without_zone(array)?.as_primitive::<TimestampMicrosecondType>().clone())
}

/// Timestamps without the zone that they are shown in: their instants in UTC.
fn without_zone(array: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Timestamp(unit, Some(_)) = array.data_type() else { return Ok(Arc::clone(array)) };
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(*unit, None)).build()?;
    Ok(datafusion::arrow::array::make_array(data))
}

/// Timestamps of microseconds in another unit, to the nearest.
fn rounded(
    micros: &PrimitiveArray<TimestampMicrosecondType>,
    unit: TimeUnit,
    zone: Option<&str>,
) -> ArrayRef {
    let zone = zone.map(Into::into);
    let nearest = |per: i64| move |micros: i64| micros.saturating_add(per / 2).div_euclid(per);
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

/// Texts as dates, times or timestamps, NULL where they aren't any.
pub(super) fn parse(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    Ok(match to {
        DataType::Date32 => Arc::new(texts.iter().map(|text| days(date(text?)?)).collect::<Date32Array>()),
        DataType::Time64(_) => {
            let time = |text: &str| {
                time_of_day(text.trim()).filter(|(_, rest)| rest.is_empty()).map(|(time, _)| time)
            };
            Arc::new(texts.iter().map(|text| time(text?)).collect::<Time64MicrosecondArray>())
        }
        DataType::Timestamp(unit, zone) => {
            let micros = texts.iter().map(|text| timestamp(text?, zone.is_some()));
            let micros: PrimitiveArray<TimestampMicrosecondType> = micros.collect();
            match unit {
                TimeUnit::Nanosecond => nanos(texts, &micros),
                unit => rounded(&micros, *unit, zone.as_deref()),
            }
        }
        other => arrow(&(Arc::new(texts.clone()) as ArrayRef), other)?,
    })
}

/// Timestamps of nanoseconds keep the digits that microseconds lack.
fn nanos(texts: &StringArray, micros: &PrimitiveArray<TimestampMicrosecondType>) -> ArrayRef {
    let value = |(text, micros): (Option<&str>, Option<i64>)| {
        let digits = text?.split_once('.').map_or("", |(_, fraction)| fraction);
        let digits = digits.get(6..).unwrap_or_default();
        let digits: String = digits.chars().take_while(char::is_ascii_digit).take(3).collect();
        let below: i64 = format!("{digits:0<3}").parse().ok()?;
        micros?.checked_mul(1_000)?.checked_add(below)
    };
    Arc::new(texts.iter().zip(micros).map(value).collect::<PrimitiveArray<TimestampNanosecondType>>())
}

fn days(date: NaiveDate) -> Option<i32> {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

/// A date, which may be followed by a time.
fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("epoch") {
        return Some(NaiveDate::default());
    }
    let (date, rest) = leading_date(text)?;
    if rest.is_empty() {
        return Some(date);
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (_, rest) = time_of_day(rest.trim_start())?;
    (rest.is_empty() || offset(rest.trim()).is_some()).then_some(date)
}

/// `Y-M-D` or `Y/M/D` at the beginning, and what follows.
fn leading_date(text: &str) -> Option<(NaiveDate, &str)> {
    let (year, rest) = digits(text, 6)?;
    let separator = rest.chars().next().filter(|c| "-/".contains(*c))?;
    let (month, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    let year = i32::try_from(year).ok()?;
    Some((NaiveDate::from_ymd_opt(year, month, day)?, rest))
}

/// Up to `most` digits, at least one.
fn digits(text: &str, most: usize) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = if end <= most { text[..end].parse().ok()? } else { return None };
    Some((number, &text[end..]))
}

/// `H:M[:S[.frac]]` in microseconds, and what follows.
fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = match rest.strip_prefix(':') {
        Some(rest) => digits(rest, 2)?,
        None => (0, rest),
    };
    let (micros, rest) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let first: String = fraction[..end].chars().take(6).collect();
            (format!("{first:0<6}").parse::<i64>().ok()?, &fraction[end..])
        }
        None => (0, rest),
    };
    let midnight = hour == 24 && minute == 0 && second == 0 && micros == 0;
    if (hour > 23 && !midnight) || minute > 59 || second > 59 {
        return None;
    }
    Some((i64::from(hour * 3600 + minute * 60 + second) * 1_000_000 + micros, rest))
}

/// A timestamp in microseconds; with a zone its offset counts, without one it is left out.
fn timestamp(text: &str, zoned: bool) -> Option<i64> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("epoch") {
        return Some(0);
    }
    let (date, rest) = leading_date(text)?;
    let midnight = i64::from(days(date)?).checked_mul(MICROS_PER_DAY)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', ' ']).map(str::trim_start)?;
    let (time, rest) = time_of_day(rest)?;
    let local = midnight.checked_add(time)?;
    let rest = rest.trim();
    if rest.is_empty() {
        return Some(local);
    }
    match offset(rest) {
        Some(seconds) if zoned => local.checked_sub(i64::from(seconds) * 1_000_000),
        Some(_) => Some(local),
        None => {
            let zone: Tz = rest.parse().ok()?;
            if zoned { instant(local, zone) } else { Some(local) }
        }
    }
}

/// The instant of a local time: the later one if there are two, and what the clock would have been if there is none.
pub(in crate::engine::dialect) fn instant(local: i64, zone: Tz) -> Option<i64> {
    use chrono::{LocalResult, TimeZone};
    let local = DateTime::UNIX_EPOCH.naive_utc().checked_add_signed(TimeDelta::microseconds(local))?;
    let found = match zone.from_local_datetime(&local) {
        LocalResult::Single(found) | LocalResult::Ambiguous(_, found) => found,
        LocalResult::None => {
            // Before the gap the offset was the one of an hour ago.
            let before = local.checked_sub_signed(TimeDelta::hours(3))?;
            let before = zone.from_local_datetime(&before).latest()?;
            return Some((before + TimeDelta::hours(3)).timestamp_micros());
        }
    };
    Some(found.timestamp_micros())
}

/// `Z`, `+HH`, `+HH:MM`, `+HHMM`, `+HH:MM:SS` in seconds.
fn offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    Some(sign * (part(0)? * 3600 + part(2)? * 60 + part(4)?))
}

/// The text of a value of the calendar; `None` if it is none of this file's.
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

/// The name of an infinite date or timestamp: the greatest number is one, and its negative.
fn infinite(value: i64, greatest: i64) -> Option<String> {
    if value == greatest { Some("infinity".into()) } else { (value <= -greatest).then(|| "-infinity".into()) }
}

/// The zeros that a fraction lacks to six digits.
fn padding(text: &str) -> String {
    let digits = text.rsplit_once('.').map_or(0, |(_, fraction)| fraction.len());
    "0".repeat(6_usize.saturating_sub(digits))
}

fn write_date(text: &mut String, date: NaiveDate) {
    use chrono::Datelike;
    let (year, suffix) = if date.year() > 0 { (date.year(), "") } else { (1 - date.year(), " (BC)") };
    let _ = write!(text, "{year:04}-{:02}-{:02}{suffix}", date.month(), date.day());
}

/// `HH:MM:SS[.frac]` without zeros at the end.
pub(super) fn write_time(text: &mut String, micros: u64) {
    let seconds = micros / 1_000_000;
    let _ = write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = micros % 1_000_000;
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
}
