//! Intervals as text and back: months, days and microseconds.

use std::{fmt::Write as _, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, IntervalMonthDayNanoArray, StringArray},
    datatypes::{IntervalMonthDayNano, IntervalMonthDayNanoType},
};

use super::{decimal::scaled, time};
use crate::engine::dialect::types::HUGEINT;

const MICROS_PER_DAY: i128 = 86_400_000_000;
const DAYS_PER_MONTH: i128 = 30;
/// Fractions of a unit are read at this scale.
const FRACTION: i128 = 1_000_000_000;

/// Texts as intervals, NULL where they aren't any.
pub(super) fn parse_all(texts: &StringArray) -> ArrayRef {
    Arc::new(texts.iter().map(|text| parse(text?)).collect::<IntervalMonthDayNanoArray>())
}

/// An interval: amounts with units (`1 year 2.5 days`), a time of day (`04:05:06`), or seconds alone, and `ago`.
pub(super) fn parse(text: &str) -> Option<IntervalMonthDayNano> {
    let mut text = text.trim();
    let mut sum = Sum::default();
    let mut ago = false;
    if let Some(rest) = text.strip_prefix('@') {
        text = rest.trim_start();
    }
    if text.is_empty() {
        return None;
    }
    while !text.is_empty() {
        if text.eq_ignore_ascii_case("ago") && !sum.is_empty {
            ago = true;
            break;
        }
        let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.:_".contains(c))).unwrap_or(text.len());
        let (amount, rest) = text.split_at(end);
        let rest = rest.trim_start();
        if amount.contains(':') {
            sum.add(0, 0, time_of_day(amount)?)?;
            text = rest;
            continue;
        }
        let unit_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (unit, after) = rest.split_at(unit_end);
        let amount = scaled(amount, 9)?;
        if unit.is_empty() {
            // An amount alone is in seconds.
            if !after.is_empty() {
                return None;
            }
            sum.add(0, 0, amount / (FRACTION / 1_000_000))?;
        } else {
            sum.units(amount, unit)?;
        }
        text = after.trim_start();
    }
    sum.value(ago)
}

/// `[-]HH:MM[:SS[.frac]]` in microseconds.
fn time_of_day(text: &str) -> Option<i128> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = text.splitn(3, ':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let hours: i128 = hours.parse().ok()?;
    let minutes: i128 = minutes.parse().ok().filter(|minutes| (0..60).contains(minutes))?;
    let seconds = scaled(seconds, 6).filter(|micros| (0..60_000_000).contains(micros))?;
    let micros = (hours * 60 + minutes) * 60_000_000 + seconds;
    Some(if negative { -micros } else { micros })
}

#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
    is_empty: bool,
}

impl Sum {
    fn add(&mut self, months: i128, days: i128, micros: i128) -> Option<()> {
        self.months = self.months.checked_add(months)?;
        self.days = self.days.checked_add(days)?;
        self.micros = self.micros.checked_add(micros)?;
        Some(())
    }

    /// Adds an amount, in billionths, of a unit.
    fn units(&mut self, amount: i128, unit: &str) -> Option<()> {
        let months = |sum: &mut Self, per_unit: i128| {
            let exact = amount.checked_mul(per_unit)?;
            let days = exact % FRACTION * DAYS_PER_MONTH;
            // Fractions of years end at months, those of months at days and below.
            if per_unit == 1 {
                sum.add(exact / FRACTION, days / FRACTION, days % FRACTION * MICROS_PER_DAY / FRACTION)
            } else {
                sum.add(exact / FRACTION, 0, 0)
            }
        };
        match unit.to_ascii_lowercase().as_str() {
            "millennium" | "millennia" | "mil" | "mils" | "millenniums" => months(self, 12_000),
            "century" | "centuries" | "cent" | "c" => months(self, 1_200),
            "decade" | "decades" | "dec" | "decs" => months(self, 120),
            "year" | "years" | "yr" | "yrs" | "y" => months(self, 12),
            "quarter" | "quarters" => months(self, 3),
            "month" | "months" | "mon" | "mons" => months(self, 1),
            "week" | "weeks" | "w" => {
                let exact = amount.checked_mul(7)?;
                self.add(0, exact / FRACTION, exact % FRACTION * MICROS_PER_DAY / FRACTION)
            }
            "day" | "days" | "d" | "dayofmonth" => {
                self.add(0, amount / FRACTION, amount % FRACTION * MICROS_PER_DAY / FRACTION)
            }
            unit => {
                let micros = match unit {
                    "hour" | "hours" | "hr" | "hrs" | "h" => 3_600_000_000,
                    "minute" | "minutes" | "min" | "mins" | "m" => 60_000_000,
                    "second" | "seconds" | "sec" | "secs" | "s" => 1_000_000,
                    "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => 1_000,
                    "microsecond" | "microseconds" | "us" | "usec" | "usecs" => 1,
                    _ => return None,
                };
                self.add(0, 0, amount.checked_mul(micros)? / FRACTION)
            }
        }
    }

    fn value(&self, ago: bool) -> Option<IntervalMonthDayNano> {
        let sign = if ago { -1 } else { 1 };
        let nanos = i64::try_from(sign * self.micros.checked_mul(1_000)?).ok()?;
        let months = i32::try_from(sign * self.months).ok()?;
        Some(IntervalMonthDayNano::new(months, i32::try_from(sign * self.days).ok()?, nanos))
    }
}

/// An interval as DuckDB writes it: `1 year 2 months 3 days 04:05:06.789`.
pub(super) fn text(value: IntervalMonthDayNano) -> String {
    let mut text = String::new();
    let mut part = |amount: i32, unit: &str| {
        if amount != 0 {
            let plural = if amount.abs() == 1 { "" } else { "s" };
            let space = if text.is_empty() { "" } else { " " };
            // Writing to a string can't fail.
            let _ = write!(text, "{space}{amount} {unit}{plural}");
        }
    };
    part(value.months / 12, "year");
    part(value.months % 12, "month");
    part(value.days, "day");
    let micros = value.nanoseconds / 1_000;
    if micros != 0 || text.is_empty() {
        if !text.is_empty() {
            text.push(' ');
        }
        if micros < 0 {
            text.push('-');
        }
        time::write_time(&mut text, micros.unsigned_abs());
    }
    text
}

/// The interval's length in microseconds, where a month has 30 days and a day 24 hours: by this intervals compare.
pub(in crate::engine::dialect) fn length(value: IntervalMonthDayNano) -> i128 {
    let days = i128::from(value.months) * DAYS_PER_MONTH + i128::from(value.days);
    days * MICROS_PER_DAY + i128::from(value.nanoseconds / 1_000)
}

/// The lengths of intervals, as [`length`] measures them.
pub(in crate::engine::dialect) fn lengths(
    intervals: &datafusion::arrow::array::PrimitiveArray<IntervalMonthDayNanoType>,
) -> ArrayRef {
    let lengths = intervals.unary::<_, datafusion::arrow::datatypes::Decimal128Type>(length);
    Arc::new(lengths.with_data_type(HUGEINT))
}

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn intervals_read_and_print_as_in_duckdb() {
        let cases = [
            ("1 year 2 months 3 days 04:05:06.789", "1 year 2 months 3 days 04:05:06.789"),
            ("47.210", "00:00:47.21"),
            ("3 centuries", "300 years"),
            ("1.5 months", "1 month 15 days"),
            ("1.5 days", "1 day 12:00:00"),
            ("14 months -1 days -2 seconds", "1 year 2 months -1 day -00:00:02"),
            ("-00:00:01.5", "-00:00:01.5"),
            ("1y 2mon 3d", "1 year 2 months 3 days"),
            ("1ms 5us", "00:00:00.001005"),
            ("-3 days ago", "3 days"),
            ("10:20", "10:20:00"),
            ("0 day", "00:00:00"),
        ];
        for (from, to) in cases {
            assert_eq!(parse(from).map(text).as_deref(), Some(to), "{from}");
        }
        for wrong in ["day", "P1Y", "1 fortnight", "", "10:99", "1 2"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
