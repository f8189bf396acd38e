//! Parsing and conversion of dates and timestamps: to days or microseconds since 1970, in UTC.

use chrono::{Datelike, NaiveDate};

use super::spec::DateUnit;

const DAY: i64 = 86_400_000_000;
/// The day number of 1970-01-01, counted from the first day of year 1.
const EPOCH_FROM_CE: i32 = 719_163;
/// The first and last microsecond of the years 1 to 9999. SQL has no others, and other readers of a table
/// fail on them.
const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

/// Returns the instant if it is in the years 1 to 9999.
pub(crate) fn within_calendar(micros: i64) -> Option<i64> {
    (FIRST..=LAST).contains(&micros).then_some(micros)
}

/// Parses an ISO timestamp into microseconds: a date, optionally followed by `T` or a space and a time with
/// seconds, fraction and zone (`Z`, `+02`, `+0200`, `+02:00`). Without a zone it is UTC. Digits beyond
/// microseconds are truncated.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let days = date_prefix(bytes)?;
    let micros = match bytes.get(10) {
        None => 0,
        Some(b'T' | b't' | b' ') => time_and_zone(&bytes[11..])?,
        Some(_) => return None,
    };
    within_calendar(i64::from(days).checked_mul(DAY)?.checked_add(micros)?)
}

/// Returns a date or timestamp such as `2021-1-31 2:05:00` with two digits for every number, or `None` if it
/// isn't one with one digit too few.
pub(crate) fn padded(text: &str) -> Option<String> {
    let is_digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (mut padded, mut at) = (text.get(..4)?.to_owned(), 4);
    for separators in [&b"-"[..], b"-", b" T", b":", b":"] {
        let Some(separator) = text.as_bytes().get(at).filter(|byte| separators.contains(byte)) else { break };
        padded.push(char::from(*separator));
        at += 1;
        while *separator == b' ' && text.as_bytes().get(at) == Some(&b' ') {
            at += 1;
        }
        let digits = if is_digit(at + 1) { 2 } else { 1 };
        if digits == 1 {
            padded.push('0');
        }
        padded.push_str(text.get(at..at + digits)?);
        at += digits;
    }
    padded.push_str(text.get(at..)?);
    (padded != text).then_some(padded)
}

/// Parses an ISO date, or a timestamp at midnight UTC, into days.
pub(crate) fn date(text: &str) -> Option<i32> {
    if text.len() == 10 { date_prefix(text.as_bytes()) } else { date_of_micros(timestamp(text)?) }
}

/// Converts to days. Returns `None` unless it is midnight, so that no time of day is silently lost.
pub(crate) fn date_of_micros(micros: i64) -> Option<i32> {
    (micros.rem_euclid(DAY) == 0).then(|| i32::try_from(micros.div_euclid(DAY)).ok())?
}

/// Converts a whole number of `unit`s to microseconds. Returns `None` outside the years 1 to 9999.
pub(crate) fn micros(count: i64, unit: DateUnit) -> Option<i64> {
    within_calendar(match unit {
        DateUnit::Seconds => count.checked_mul(1_000_000)?,
        DateUnit::Milliseconds => count.checked_mul(1_000)?,
        DateUnit::Microseconds => count,
        DateUnit::Nanoseconds => count.div_euclid(1_000),
    })
}

/// Converts a fractional number of `unit`s to microseconds. Returns `None` outside the years 1 to 9999.
pub(crate) fn micros_of_float(count: f64, unit: DateUnit) -> Option<i64> {
    let micros = match unit {
        DateUnit::Seconds => count * 1e6,
        DateUnit::Milliseconds => count * 1e3,
        DateUnit::Microseconds => count,
        DateUnit::Nanoseconds => count / 1e3,
    };
    within_calendar(rounded(micros)?)
}

/// Rounds to whole microseconds. Beyond 2^53 (the year 2255), doubles are two or more apart.
fn rounded(micros: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked just before; fractions are cut on purpose")]
    (micros.abs() < 9e18).then(|| micros.round() as i64)
}

/// Converts a float to an integer if it is whole and within the range in which doubles are exact.
pub(crate) fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact in both")]
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn date_prefix(bytes: &[u8]) -> Option<i32> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes.get(..10)? else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, two(m1, m2)?, two(d1, d2)?)?;
    (year > 0).then(|| date.num_days_from_ce() - EPOCH_FROM_CE)
}

fn time_and_zone(bytes: &[u8]) -> Option<i64> {
    let &[h1, h2, b':', m1, m2] = bytes.get(..5)? else { return None };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    let mut rest = &bytes[5..];
    let mut second = 0;
    let mut fraction = 0;
    if let [b':', s1, s2, after @ ..] = rest {
        second = two(*s1, *s2)?;
        rest = after;
        if let [b'.' | b',', digits @ ..] = rest {
            let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 {
                return None;
            }
            let kept = digits[..length].iter().copied().chain(std::iter::repeat(b'0')).take(6);
            fraction = kept.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            rest = &digits[length..];
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second) - zone(rest)?;
    Some(seconds * 1_000_000 + fraction)
}

/// Parses a zone into seconds east of UTC.
fn zone(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
    let (sign, hours, minutes) = match *bytes {
        [] | [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Some(0),
        [sign, h1, h2] => (sign, two(h1, h2)?, 0),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, two(h1, h2)?, two(m1, m2)?),
        _ => return None,
    };
    if hours > 18 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_instant() {
        let noon = 1_609_502_400_000_000;
        for text in [
            "2021-01-01 12:00:00",
            "2021-01-01T12:00",
            "2021-01-01T12:00:00Z",
            "2021-01-01T12:00:00 UTC",
            "2021-01-01T14:00:00+02:00",
            "2021-01-01 14:00:00+0200",
            "2021-01-01T07:00:00.000-05",
        ] {
            assert_eq!(timestamp(text), Some(noon), "{text}");
        }
        assert_eq!(timestamp("2021-01-01"), Some(1_609_459_200_000_000));
        assert_eq!(timestamp("1969-12-31T23:59:59.9999999"), Some(-1));
        assert_eq!(timestamp("2021-01-01 12:00:00.5"), Some(noon + 500_000));
    }

    #[test]
    fn numbers_may_have_one_digit_where_that_is_allowed() {
        for (text, want) in [
            ("2021-1-31", "2021-01-31"),
            ("2021-01-3", "2021-01-03"),
            ("2021-1-3 2:05:00", "2021-01-03 02:05:00"),
            ("2021-01-03  12:5:6.5 UTC", "2021-01-03 12:05:06.5 UTC"),
            ("2021-01-03T2:05+02", "2021-01-03T02:05+02"),
        ] {
            assert_eq!(timestamp(text), None, "{text}");
            assert_eq!(padded(text).as_deref(), Some(want), "{text}");
        }
        for text in ["2021-01-31", "2021-01-31 12:00:00", "1", "日本語-1-1"] {
            assert_eq!(padded(text), None, "{text}");
        }
        assert_eq!(padded("2021-1-é").as_deref().map(timestamp), None);
    }

    #[test]
    fn what_is_no_instant() {
        for text in [
            "",
            "2021",
            "20210101",
            "2021-02-29",
            "2021-13-01",
            "2021-01-01X",
            "2021-01-01T",
            "2021-01-01T24:00:00",
            "2021-01-01 12:60",
            "2021-01-01 12:00:00.",
            "2021-01-01T12:00:00+",
            "2021-01-01T12:00:00+25:00",
            "2021-01-01T12:00:00Zz",
            "n/a",
            "0000-12-31",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "２０２１-01-01",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn dates_keep_no_time_of_day() {
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(date("1970-01-02 00:00:00"), Some(1));
        assert_eq!(date("1970-01-02 00:00:01"), None);
        assert_eq!(date_of_micros(-DAY), Some(-1));
    }

    #[test]
    fn numbers_by_unit() {
        assert_eq!(micros(1, DateUnit::Seconds), Some(1_000_000));
        assert_eq!(micros(-1, DateUnit::Nanoseconds), Some(-1));
        assert_eq!(micros(i64::MAX, DateUnit::Milliseconds), None);
        assert_eq!(micros_of_float(1.5, DateUnit::Milliseconds), Some(1500));
        assert_eq!(micros_of_float(f64::INFINITY, DateUnit::Seconds), None);
        assert_eq!(micros_of_float(253_402_300_799.0, DateUnit::Seconds), Some(253_402_300_799_000_000));
    }

    #[test]
    fn the_calendar_ends_where_sql_does() {
        assert_eq!(timestamp("0001-01-01"), Some(FIRST));
        assert_eq!(timestamp("9999-12-31T23:59:59.999999Z"), Some(LAST));
        assert_eq!(micros(LAST, DateUnit::Microseconds), Some(LAST));
        for outside in [FIRST - 1, LAST + 1] {
            assert_eq!(micros(outside, DateUnit::Microseconds), None);
        }
        assert_eq!(micros(1_609_459_200_000, DateUnit::Seconds), None, "milliseconds read as seconds");
    }
}
