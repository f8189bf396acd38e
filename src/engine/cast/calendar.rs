//! Dates, times of day and timestamps in text, parsed as DuckDB does.
//!
//! A value on which Delta's readers disagree is an error, even in `try_cast`: years before 1 or after 9999,
//! and `infinity`.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::{
    arrow::{
        array::{ArrayRef, Date32Array, PrimitiveArray, StringArray, Time64MicrosecondArray},
        datatypes::{DataType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType},
    },
    common::exec_err,
    error::Result,
};

use super::{
    converted::arrow,
    time::{MICROS_PER_DAY, instant, rounded},
    zone,
};
use crate::engine::cast::types;

const NANOS_PER_DAY: i64 = MICROS_PER_DAY * 1_000;

/// Parses texts as dates, times or timestamps, with NULL for each text that isn't one.
pub(super) fn parse(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    let within = |text: Option<&str>, read: &dyn Fn(&str) -> Option<CalendarMoment>| -> Result<Option<i64>> {
        let Some(text) = text else { return Ok(None) };
        match read(text) {
            Some(CalendarMoment::Far) => exec_err!(
                "'{text}' can't be a {} here: years go from 1 to 9999, because readers of Delta tables disagree \
                 about others",
                types::name(to)
            ),
            Some(CalendarMoment::At(at)) => Ok(Some(at)),
            None => Ok(None),
        }
    };
    Ok(match to {
        DataType::Date32 => {
            let days = texts.iter().map(|text| {
                let days = within(text, &|text| date(text).map(|(date, _)| date))?;
                Ok(days.and_then(|days| i32::try_from(days).ok()))
            });
            Arc::new(days.collect::<Result<Date32Array>>()?)
        }
        DataType::Time64(_) => {
            let time = |text: &str| time_of_day(text).map(|nanos| nanos / 1_000);
            Arc::new(texts.iter().map(|text| time(text?)).collect::<Time64MicrosecondArray>())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let read = |text: &str| timestamp(text, Zone::Offset)?.nanos();
            let nanos = texts.iter().map(|text| within(text, &read));
            let nanos = nanos.collect::<Result<PrimitiveArray<TimestampNanosecondType>>>()?;
            Arc::new(nanos.with_timezone_opt(zone.clone()))
        }
        DataType::Timestamp(unit, zone) => {
            let known = if zone.is_some() { Zone::Named } else { Zone::Dropped };
            let read = |text: &str| Some(timestamp(text, known)?.micros());
            let micros = texts.iter().map(|text| within(text, &read));
            let micros = micros.collect::<Result<PrimitiveArray<TimestampMicrosecondType>>>()?;
            rounded(&micros, *unit, zone.as_deref())
        }
        other => arrow(&(Arc::new(texts.clone()) as ArrayRef), other)?,
    })
}

/// A date in days or a timestamp in fractions of a second, both since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CalendarMoment {
    At(i64),
    /// Valid in DuckDB, but outside the range on which Delta's readers agree.
    Far,
}

/// Parses a date in days, and returns the rest of the text. The separator is `-`, `/`, `\` or a space;
/// `epoch` and `infinity` are dates too.
fn date(text: &str) -> Option<(CalendarMoment, &str)> {
    let text = text.trim_start();
    let word = text.trim_end();
    if word.eq_ignore_ascii_case("epoch") {
        return Some((CalendarMoment::At(0), ""));
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if ["infinity", "inf"].iter().any(|name| digits.trim_end().eq_ignore_ascii_case(name)) {
        return Some((CalendarMoment::Far, ""));
    }
    let (year, rest) = number(digits, 9)?;
    let separator = rest.chars().next().filter(|c| "-/\\ ".contains(*c))?;
    let (month, rest) = number(rest.strip_prefix(separator)?, 2)?;
    let (day, rest) = number(rest.strip_prefix(separator)?, 2)?;
    let before_christ = |rest: &str| rest.get(..5).is_some_and(|suffix| suffix.eq_ignore_ascii_case(" (bc)"));
    let (before, rest) = if before_christ(rest) { (true, &rest[5..]) } else { (negative, rest) };
    if before || !(1..=9999).contains(&year) {
        let plausible = (1..=12).contains(&month) && (1..=31).contains(&day);
        return plausible.then_some((CalendarMoment::Far, rest));
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some((CalendarMoment::At(date.signed_duration_since(NaiveDate::default()).num_days()), rest))
}

/// Parses a number of at least one digit and at most `most` digits, not counting leading zeros.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let digits = if most > 2 { text[..end].trim_start_matches('0') } else { &text[..end] };
    if end == 0 || digits.len() > most {
        return None;
    }
    Some((if digits.is_empty() { 0 } else { digits.parse().ok()? }, &text[end..]))
}

/// Parses `H:M[:S[.fraction]]` in nanoseconds, and returns the rest of the text. The last part may be missing
/// after its colon.
pub(super) fn clock(text: &str, hour_digits: usize) -> Option<(i64, &str)> {
    let (hour, rest) = number(text, hour_digits)?;
    let hour = i64::from(hour) * 3_600;
    let rest = rest.strip_prefix(':')?;
    if rest.is_empty() {
        return Some((hour.checked_mul(1_000_000_000)?, rest));
    }
    let (minute, rest) = number(rest, 2)?;
    let minute = i64::from(minute) * 60;
    let seconds = match rest.strip_prefix(':') {
        None if !rest.is_empty() => return None,
        Some(seconds) if !seconds.is_empty() => seconds,
        _ => return (minute < 3_600).then_some(((hour + minute).checked_mul(1_000_000_000)?, "")),
    };
    let (second, rest) = number(seconds, 2)?;
    let (nanos, rest) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let first: String = fraction[..end].chars().take(9).collect();
            (format!("{first:0<9}").parse::<i64>().ok()?, &fraction[end..])
        }
        None => (0, rest),
    };
    if minute >= 3_600 || second >= 60 {
        return None;
    }
    Some(((hour + minute + i64::from(second)).checked_mul(1_000_000_000)?.checked_add(nanos)?, rest))
}

/// Parses a time of day in nanoseconds, also from a timestamp. Ignores text after the time.
fn time_of_day(text: &str) -> Option<i64> {
    if let Some((nanos, _)) = clock(text.trim_start(), 2) {
        return (nanos <= NANOS_PER_DAY).then_some(nanos);
    }
    let read = timestamp(text, Zone::Dropped)?;
    if read.is_infinite { None } else { Some(read.nanos.rem_euclid(NANOS_PER_DAY)) }
}

/// The treatment of a time zone after a timestamp.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// An offset is ignored.
    Dropped,
    /// An offset from UTC is applied.
    Offset,
    /// An offset or a named time zone is applied.
    Named,
}

/// A parsed timestamp.
struct Timestamp {
    /// The days since 1970; `Far` if they are out of range.
    day: CalendarMoment,
    /// True for `infinity`, which has no time of day.
    is_infinite: bool,
    /// The nanoseconds since the start of the day, with the offset subtracted.
    nanos: i64,
}

impl Timestamp {
    fn micros(&self) -> CalendarMoment {
        let CalendarMoment::At(day) = self.day else { return CalendarMoment::Far };
        CalendarMoment::At(day * MICROS_PER_DAY + self.nanos.div_euclid(1_000))
    }

    /// Returns `None` if the nanoseconds since 1970 overflow 64 bits.
    fn nanos(&self) -> Option<CalendarMoment> {
        let CalendarMoment::At(day) = self.day else { return Some(CalendarMoment::Far) };
        Some(CalendarMoment::At(day.checked_mul(NANOS_PER_DAY)?.checked_add(self.nanos)?))
    }
}

/// Parses a date, optionally followed by a time and a zone. A timestamp without a time zone accepts only UTC
/// or an offset.
fn timestamp(text: &str, known: Zone) -> Option<Timestamp> {
    let (day, rest) = date(text)?;
    let is_infinite = day == CalendarMoment::Far && !text.contains(|c: char| c.is_ascii_digit());
    if rest.is_empty() {
        return Some(Timestamp { day, is_infinite, nanos: 0 });
    }
    let rest = rest.strip_prefix([' ', 'T']).unwrap_or(rest).trim_start();
    let (nanos, rest) = clock(rest, 2).filter(|(nanos, _)| *nanos <= NANOS_PER_DAY)?;
    let read = |seconds: i64| {
        let seconds = if known == Zone::Dropped { 0 } else { seconds };
        Some(Timestamp { day, is_infinite, nanos: nanos - seconds * 1_000_000_000 })
    };
    if rest.is_empty() {
        return read(0);
    }
    if let Some(rest) = rest.strip_prefix('Z') {
        return rest.trim_start().is_empty().then(|| read(0))?;
    }
    if let Some((seconds, rest)) = utc_offset(rest) {
        return rest.trim_start().is_empty().then(|| read(seconds))?;
    }
    let zone = rest.strip_prefix(' ')?;
    if zone.trim_end().is_empty() || zone.trim_end().eq_ignore_ascii_case("utc") {
        return read(0);
    }
    // Only timestamps with a time zone may name another zone.
    let (Zone::Named, CalendarMoment::At(date)) = (known, day) else { return None };
    let zone = Some(zone.trim_end()).filter(|zone| zone.starts_with(char::is_alphabetic))?;
    let local = date * MICROS_PER_DAY + nanos / 1_000;
    let utc = instant(local, &zone::parse_zone(zone).ok()?)?;
    Some(Timestamp { day, is_infinite, nanos: nanos + (utc - local) * 1_000 })
}

/// Parses `+HH`, `+HH:MM`, `+HHMM` or `+HH:MM:SS` in seconds, and returns the rest of the text.
fn utc_offset(text: &str) -> Option<(i64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |text: &str| -> Option<i64> {
        let digits = text.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    };
    let mut rest = &text[1..];
    let mut seconds = two(rest)? * 3_600;
    rest = &rest[2..];
    for unit in [60, 1] {
        let part = rest.strip_prefix(':').unwrap_or(rest);
        let Some(value) = two(part) else { break };
        seconds += value * unit;
        rest = &part[2..];
    }
    Some((sign * seconds, rest))
}

#[cfg(test)]
mod tests {
    use super::{CalendarMoment, Zone, date, time_of_day, timestamp};

    #[test]
    fn dates_are_read_as_in_duckdb() {
        let day = |day| Some(CalendarMoment::At(day));
        let cases = [
            ("1970-01-02", day(1)),
            (" 1970/1/2 ", day(1)),
            ("1970 01 02", day(1)),
            (r"1970\1\2", day(1)),
            ("1970-01-02T", day(1)),
            ("1970-01-02 and more", day(1)),
            ("0001970-01-02", day(1)),
            ("epoch", day(0)),
            ("1970-01-021", None),
            ("1970-02-30", None),
            ("1970-01/02", None),
            ("1970-01", None),
            ("+1970-01-02", None),
            ("0044-03-15 (BC)", Some(CalendarMoment::Far)),
            ("-44-03-15", Some(CalendarMoment::Far)),
            ("0000-01-01", Some(CalendarMoment::Far)),
            ("10000-01-01", Some(CalendarMoment::Far)),
            ("infinity", Some(CalendarMoment::Far)),
            ("-inf ", Some(CalendarMoment::Far)),
            ("infinityx", None),
        ];
        for (text, expect) in cases {
            assert_eq!(date(text).map(|(date, _)| date), expect, "{text}");
        }
    }

    #[test]
    fn times_are_read_as_in_duckdb() {
        let cases = [
            ("10:20", Some(37_200)),
            (" 10:20:30", Some(37_230)),
            ("10:", Some(36_000)),
            ("10:20:", Some(37_200)),
            ("10:20:30 AM", Some(37_230)),
            ("24:00", Some(86_400)),
            ("2020-01-01 10:20:30+02", Some(37_230)),
            ("2020-01-01", Some(0)),
            ("10:20x", None),
            ("10", None),
            ("24:00:01", None),
            ("infinity", None),
        ];
        for (text, expect) in cases {
            assert_eq!(time_of_day(text).map(|nanos| nanos / 1_000_000_000), expect, "{text}");
        }
    }

    #[test]
    fn timestamps_are_read_as_in_duckdb() {
        let cases = [
            ("1970-01-01 00:00:10", Zone::Dropped, Some(10)),
            ("1970-01-01T00:00:10Z ", Zone::Dropped, Some(10)),
            ("1970-01-01 00:00:10 utc", Zone::Dropped, Some(10)),
            ("1970-01-01 02:00:10+02", Zone::Dropped, Some(7_210)),
            ("1970-01-01 02:00:10+02", Zone::Named, Some(10)),
            ("1970-01-01 02:30:25+0230:15", Zone::Named, Some(10)),
            ("1970-01-01 01:00:10 Europe/Paris", Zone::Named, Some(10)),
            ("1970-01-01 01:00:10 Europe/Paris", Zone::Dropped, None),
            ("1970-01-01 24:00", Zone::Dropped, Some(86_400)),
            ("1970-01-01 00:00:10 ", Zone::Dropped, Some(10)),
            ("1970-01-01 ", Zone::Dropped, None),
            ("1970-01-01 00:00:10 +02", Zone::Named, None),
            ("1970-01-01 00:00+02", Zone::Named, None),
            ("1970-01-01 00:00:10x", Zone::Named, None),
        ];
        for (text, zone, expect) in cases {
            let found = timestamp(text, zone).map(|read| read.micros());
            assert_eq!(found, expect.map(|seconds| CalendarMoment::At(seconds * 1_000_000)), "{text}");
        }
    }
}
