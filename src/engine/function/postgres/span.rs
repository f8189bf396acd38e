//! Intervals: months, days and microseconds, which carry over only where PostgreSQL does so.

use std::fmt::Write as _;

use datafusion::{arrow::datatypes::IntervalMonthDayNano as Span, error::Result};

use super::{
    kind::PostgresKind::{Date, Double, Integer, Interval, Timestamp, Timestamptz},
    overload::{Routine, takes},
};
use crate::engine::function::{
    calendar::{MICROS_PER_DAY, days},
    call::{Call, Days, Micros, fail},
    interval,
};

pub(super) const ROUTINES: &[Routine] = &[
    takes("justify_hours", &[Interval], Interval, |call| call.map1(|of: Span| justify_hours(of).map(Some))),
    takes("justify_days", &[Interval], Interval, |call| call.map1(|of: Span| justify_days(of).map(Some))),
    takes("justify_interval", &[Interval], Interval, |call| {
        call.map1(|of: Span| justify_interval(of).map(Some))
    }),
    takes("age", &[Timestamp, Timestamp], Interval, ages),
    takes("age", &[Timestamptz, Timestamptz], Interval, ages),
    takes("age", &[Date, Date], Interval, ages).meeting(Timestamptz),
    takes("make_interval", &[Integer], Interval, make),
    takes("make_interval", &[Integer, Integer], Interval, make),
    takes("make_interval", &[Integer, Integer, Integer], Interval, make),
    takes("make_interval", &[Integer, Integer, Integer, Integer], Interval, make),
    takes("make_interval", &[Integer, Integer, Integer, Integer, Integer], Interval, make),
    takes("make_interval", &[Integer, Integer, Integer, Integer, Integer, Integer], Interval, make),
    takes("make_interval", &[Integer, Integer, Integer, Integer, Integer, Integer, Double], Interval, make),
];

fn ages(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    call.map2(|end: Micros, start: Micros| Ok(Some(interval::age(end, start))))
}

fn out_of_range<T>() -> Result<T> {
    fail("interval out of range")
}

fn made(months: i64, days: i64, micros: i64) -> Result<Span> {
    match (i32::try_from(months), i32::try_from(days), micros.checked_mul(1_000)) {
        (Ok(months), Ok(days), Some(nanos)) => Ok(Span::new(months, days, nanos)),
        _ => out_of_range(),
    }
}

fn micros(of: Span) -> i64 {
    of.nanoseconds / 1_000
}

/// Builds intervals from years, months, weeks, days, hours, minutes and seconds.
fn make(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let parts = (0..call.len().min(6)).map(|at| call.column::<i32>(at)).collect::<Result<Vec<_>>>()?;
    let seconds = if call.len() > 6 { Some(call.column::<f64>(6)?) } else { None };
    call.each(|row| {
        let mut values = [0_i64; 6];
        for (value, part) in values.iter_mut().zip(&parts) {
            let Some(given) = part.at(row) else { return Ok(None) };
            *value = given.into();
        }
        let seconds = match &seconds {
            Some(seconds) => match seconds.at(row) {
                Some(seconds) => seconds,
                None => return Ok(None),
            },
            None => 0.0,
        };
        let [years, months, weeks, days, hours, minutes] = values;
        let Some(rest) = interval::rounded(seconds * 1e6) else { return out_of_range() };
        made(years * 12 + months, weeks * 7 + days, (hours * 60 + minutes) * 60_000_000 + rest).map(Some)
    })
}

/// Computes `-of`.
pub(super) fn negated(of: Span) -> Result<Span> {
    made(-i64::from(of.months), -i64::from(of.days), -micros(of))
}

/// Computes `a + b`.
pub(super) fn sum(a: Span, b: Span) -> Result<Span> {
    let Some(time) = micros(a).checked_add(micros(b)) else { return out_of_range() };
    made(i64::from(a.months) + i64::from(b.months), i64::from(a.days) + i64::from(b.days), time)
}

/// Returns the time between two timestamps as days and time of day.
pub(super) fn between(a: Micros, b: Micros) -> Result<Span> {
    let micros = a.0 - b.0;
    made(0, micros / MICROS_PER_DAY, micros % MICROS_PER_DAY)
}

/// Returns whether all readers of Delta tables agree on a date.
pub(super) fn is_date(date: Days) -> bool {
    (days(1, 1, 1)..=days(9999, 12, 31)).contains(&i64::from(date.0))
}

/// Adds an interval to a timestamp: first months, then days, then time.
pub(super) fn add(at: Micros, by: Span) -> Result<Micros> {
    let moved = interval::add(at, by)?;
    let day = i32::try_from(moved.0.div_euclid(MICROS_PER_DAY)).map(Days);
    if day.is_ok_and(is_date) { Ok(moved) } else { fail("timestamp out of range: years are 1 to 9999") }
}

/// Rounds to whole microseconds, removing floating-point error.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

fn whole(value: f64) -> Result<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if value.abs() < 9.0e18 { Ok(value as i64) } else { out_of_range() }
}

/// Computes `of * factor`: fractional months become days, and fractional days become time.
pub(super) fn times(of: Span, factor: f64) -> Result<Span> {
    scaled(of, factor, |value| value * factor)
}

/// Computes `of / divisor`.
pub(super) fn divided(of: Span, divisor: f64) -> Result<Span> {
    if divisor == 0.0 {
        return fail("division by zero");
    }
    scaled(of, divisor, |value| value / divisor)
}

const SECONDS_PER_DAY: f64 = 86_400.0;

fn scaled(of: Span, by: f64, scale: impl Fn(f64) -> f64) -> Result<Span> {
    if !by.is_finite() {
        return out_of_range();
    }
    let (exact_months, exact_days) = (scale(of.months.into()), scale(of.days.into()));
    let (months, mut days) = (whole(exact_months)?, whole(exact_days)?);
    let month_days = tidy((exact_months - months as f64) * 30.0);
    let mut seconds = tidy((exact_days - days as f64 + month_days - month_days.trunc()) * SECONDS_PER_DAY);
    if seconds.abs() >= SECONDS_PER_DAY {
        let carried = whole(seconds / SECONDS_PER_DAY)?;
        days += carried;
        seconds -= carried as f64 * SECONDS_PER_DAY;
    }
    days += whole(month_days)?;
    let time = (scale(micros(of) as f64) + seconds * 1e6).round_ties_even();
    made(months, days, whole(time)?)
}

fn justify_hours(of: Span) -> Result<Span> {
    let (mut days, mut time) =
        (i64::from(of.days) + micros(of) / MICROS_PER_DAY, micros(of) % MICROS_PER_DAY);
    if days > 0 && time < 0 {
        (days, time) = (days - 1, time + MICROS_PER_DAY);
    } else if days < 0 && time > 0 {
        (days, time) = (days + 1, time - MICROS_PER_DAY);
    }
    made(of.months.into(), days, time)
}

fn justify_days(of: Span) -> Result<Span> {
    let (mut months, mut days) = (i64::from(of.months) + i64::from(of.days / 30), i64::from(of.days % 30));
    if months > 0 && days < 0 {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && days > 0 {
        (months, days) = (months + 1, days - 30);
    }
    made(months, days, micros(of))
}

fn justify_interval(of: Span) -> Result<Span> {
    let (mut days, mut time) =
        (i64::from(of.days) + micros(of) / MICROS_PER_DAY, micros(of) % MICROS_PER_DAY);
    let mut months = i64::from(of.months) + days / 30;
    days %= 30;
    if months > 0 && (days < 0 || (days == 0 && time < 0)) {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && (days > 0 || (days == 0 && time > 0)) {
        (months, days) = (months + 1, days - 30);
    }
    if days > 0 && time < 0 {
        (days, time) = (days - 1, time + MICROS_PER_DAY);
    } else if days < 0 && time > 0 {
        (days, time) = (days + 1, time - MICROS_PER_DAY);
    }
    made(months, days, time)
}

/// Formats an interval: `1 year 2 mons 3 days 04:05:06`.
pub(in crate::engine) fn text(of: Span) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut before_is_negative = false;
    let mut part = |count: i32, name: &str| {
        if count != 0 {
            let plural = if count == 1 { "" } else { "s" };
            let sign = if before_is_negative && count > 0 { "+" } else { "" };
            parts.push(format!("{sign}{count} {name}{plural}"));
            before_is_negative = count < 0;
        }
    };
    part(of.months / 12, "year");
    part(of.months % 12, "mon");
    part(of.days, "day");
    let time = micros(of);
    if time != 0 || parts.is_empty() {
        let sign = match time {
            ..0 => "-",
            _ if before_is_negative => "+",
            _ => "",
        };
        let seconds = time.unsigned_abs() / 1_000_000;
        let mut text = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = time.unsigned_abs() % 1_000_000;
        if fraction != 0 {
            // Writing to a string never fails.
            let _ = write!(text, ".{}", format!("{fraction:06}").trim_end_matches('0'));
        }
        parts.push(text);
    }
    parts.join(" ")
}
