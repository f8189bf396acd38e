//! Intervals in text: parses and formats months, days and microseconds.

use std::{fmt::Write as _, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, IntervalMonthDayNanoArray, StringArray},
    datatypes::{IntervalMonthDayNano, IntervalMonthDayNanoType},
};

use super::{calendar, time};
use crate::engine::cast::types::HUGEINT;

const MICROS_PER_DAY: i128 = 86_400_000_000;
const DAYS_PER_MONTH: i128 = 30;
const MILLION: i128 = 1_000_000;

/// Parses texts as intervals, with NULL for each text that isn't one.
pub(super) fn parse_all(texts: &StringArray) -> ArrayRef {
    Arc::new(texts.iter().map(|text| parse(text?)).collect::<IntervalMonthDayNanoArray>())
}

/// Parses an interval: amounts with units (`1 year 2.5 days`), then a time of day (`04:05:06`) or `ago`; or a
/// number of seconds. Ignores text after a time of day.
pub(super) fn parse(text: &str) -> Option<IntervalMonthDayNano> {
    let mut rest = spaces(text.strip_prefix('@').unwrap_or(text));
    let mut sum = Sum::default();
    let mut found = false;
    while !rest.is_empty() {
        let (negative, unsigned) = rest.strip_prefix('-').map_or((false, rest), |unsigned| (true, unsigned));
        if rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("ago")) {
            return (found && spaces(&rest[3..]).is_empty()).then(|| sum.value(true))?;
        }
        let (whole, after) = digits(unsigned)?;
        if after.starts_with(':') {
            let micros = i128::from(calendar::clock(unsigned, 9)?.0 / 1_000);
            sum.add(0, 0, if negative { -micros } else { micros })?;
            return sum.value(false);
        }
        let (fraction, after) =
            after.strip_prefix('.').map_or(("", after), |rest| digits(rest).unwrap_or(("", rest)));
        let amount = Amount::new(negative, whole, fraction)?;
        let after = spaces(after);
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        if unit.is_empty() {
            // An amount without a unit is in seconds.
            return (!found && after.is_empty())
                .then_some(())
                .and_then(|()| sum.units(amount, "seconds"))
                .and_then(|()| sum.value(false));
        }
        sum.units(amount, unit)?;
        found = true;
        rest = spaces(after);
    }
    found.then(|| sum.value(false))?
}

fn spaces(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n'])
}

/// Splits off the leading digits.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// An amount of a unit, with six digits of its fraction.
#[derive(Clone, Copy)]
struct Amount {
    whole: i128,
    /// The fraction in millionths, with the sign of the whole.
    fraction: i128,
}

impl Amount {
    fn new(negative: bool, whole: &str, fraction: &str) -> Option<Self> {
        let whole = i128::from(whole.parse::<i64>().ok()?);
        let fraction: String = fraction.chars().take(6).collect();
        let fraction: i128 = format!("{fraction:0<6}").parse().ok()?;
        let sign = if negative { -1 } else { 1 };
        Some(Self { whole: sign * whole, fraction: sign * fraction })
    }
}

#[derive(Default)]
struct Sum {
    months: i128,
    days: i128,
    micros: i128,
}

impl Sum {
    fn add(&mut self, months: i128, days: i128, micros: i128) -> Option<()> {
        self.months = self.months.checked_add(months)?;
        self.days = self.days.checked_add(days)?;
        self.micros = self.micros.checked_add(micros)?;
        Some(())
    }

    /// Adds an amount of a unit. Fractions of years are cut to months, those of months to days, and those of
    /// days to microseconds.
    fn units(&mut self, Amount { whole, fraction }: Amount, unit: &str) -> Option<()> {
        let parts = |per_unit: i128| {
            (whole * per_unit + fraction * per_unit / MILLION, fraction * per_unit % MILLION)
        };
        let months = |sum: &mut Self, per_unit: i128| sum.add(parts(per_unit).0, 0, 0);
        let micros = |sum: &mut Self, per_unit: i128| sum.add(0, 0, parts(per_unit).0);
        match unit.to_ascii_lowercase().as_str() {
            "millennium" | "millennia" | "mil" | "mils" | "millenniums" => months(self, 12_000),
            "century" | "centuries" | "cent" | "c" => months(self, 1_200),
            "decade" | "decades" | "dec" | "decs" => months(self, 120),
            "year" | "years" | "yr" | "yrs" | "y" => months(self, 12),
            "quarter" | "quarters" => {
                let (months, rest) = parts(3);
                self.add(months, rest * DAYS_PER_MONTH / MILLION, 0)
            }
            "month" | "months" | "mon" | "mons" => self.add(whole, fraction * DAYS_PER_MONTH / MILLION, 0),
            "week" | "weeks" | "w" => {
                let (days, rest) = parts(7);
                self.add(0, days, rest * (MICROS_PER_DAY / MILLION))
            }
            "day" | "days" | "d" | "dayofmonth" => self.add(0, whole, fraction * (MICROS_PER_DAY / MILLION)),
            "hour" | "hours" | "hr" | "hrs" | "h" => micros(self, 3_600_000_000),
            "minute" | "minutes" | "min" | "mins" | "m" => micros(self, 60_000_000),
            "second" | "seconds" | "sec" | "secs" | "s" => micros(self, 1_000_000),
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => {
                micros(self, 1_000)
            }
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
                self.add(0, 0, whole + fraction * 2 / MILLION)
            }
            _ => None,
        }
    }

    fn value(&self, ago: bool) -> Option<IntervalMonthDayNano> {
        let sign = if ago { -1 } else { 1 };
        let nanos = i64::try_from(sign * self.micros.checked_mul(1_000)?).ok()?;
        let months = i32::try_from(sign * self.months).ok()?;
        Some(IntervalMonthDayNano::new(months, i32::try_from(sign * self.days).ok()?, nanos))
    }
}

/// Formats an interval as DuckDB does: `1 year 2 months 3 days 04:05:06.789`.
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

/// Returns the length of an interval in microseconds, with 30 days per month and 24 hours per day. Intervals
/// are compared by it.
pub(in crate::engine) fn length(value: IntervalMonthDayNano) -> i128 {
    let days = i128::from(value.months) * DAYS_PER_MONTH + i128::from(value.days);
    days * MICROS_PER_DAY + i128::from(value.nanoseconds / 1_000)
}

/// Returns the length of each interval, as measured by [`length`].
pub(in crate::engine) fn lengths(
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
            ("1.25 months", "1 month 7 days"),
            ("1.25 quarters", "3 months 22 days"),
            ("1.05 year", "1 year"),
            ("1.5 weeks", "10 days 12:00:00"),
            ("1.123456789 hours", "01:07:24.4416"),
            ("2.5 us", "00:00:00.000003"),
            ("1 day 10:", "1 day 10:00:00"),
            ("10:20:30 1 day", "10:20:30"),
            ("1 day-2 hours", "1 day -02:00:00"),
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
        for wrong in [
            "day",
            "P1Y",
            "1 fortnight",
            "",
            "10:99",
            "1 2",
            "+1 day",
            ".5 day",
            "ago",
            "1 day 5",
            "1_000 days",
            "10:20 x",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
