//! Interval functions.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::IntervalMonthDayNano},
    error::Result,
};

use super::{
    calendar::{self, MICROS_PER_DAY},
    call::{Call, Days, Micros, TimeOfDay, fail},
    description::{Function, takes},
    kind::ParameterKind::{BigInt, Date, Double, Integer, Interval, Time, Timestamp, TimestampTz},
};

/// Defines a function that makes an interval of whole months, days or microseconds.
macro_rules! unit {
    ($name:literal, $doc:literal, $example:literal, $value:literal, $make:expr) => {
        Function {
            names: &[$name],
            syntax: concat!($name, "(count)"),
            doc: $doc,
            example: ($example, $value),
            overloads: &[takes(&[BigInt], Interval, |call| {
                call.map1(|count: i64| match ($make)(count) {
                    Some(made) => Ok(Some(made)),
                    None => fail(concat!($name, ": the interval is out of range")),
                })
            })],
            ..Function::INTERVAL
        }
    };
}

/// Like `unit`, but accepts fractions.
macro_rules! fraction {
    ($name:literal, $doc:literal, $example:literal, $value:literal, $micros:expr) => {
        Function {
            names: &[$name],
            syntax: concat!($name, "(count)"),
            doc: $doc,
            example: ($example, $value),
            overloads: &[takes(&[Double], Interval, |call| {
                call.map1(|count: f64| match rounded(count * $micros).and_then(micros) {
                    Some(made) => Ok(Some(made)),
                    None => fail(concat!($name, ": the interval is out of range")),
                })
            })],
            ..Function::INTERVAL
        }
    };
}

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    unit!("to_millennia", "Makes an interval of millennia.", "to_millennia(1)", "1000 years", |n| months(
        n, 12_000
    )),
    unit!("to_centuries", "Makes an interval of centuries.", "to_centuries(1)", "100 years", |n| months(
        n, 1_200
    )),
    unit!("to_decades", "Makes an interval of decades.", "to_decades(1)", "10 years", |n| months(n, 120)),
    unit!("to_years", "Makes an interval of years.", "to_years(5)", "5 years", |n| months(n, 12)),
    unit!("to_quarters", "Makes an interval of quarters.", "to_quarters(5)", "1 year 3 months", |n| months(
        n, 3
    )),
    unit!("to_months", "Makes an interval of months.", "to_months(5)", "5 months", |n| months(n, 1)),
    unit!("to_weeks", "Makes an interval of weeks.", "to_weeks(5)", "35 days", |n| days(n, 7)),
    unit!("to_days", "Makes an interval of days.", "to_days(5)", "5 days", |n| days(n, 1)),
    unit!("to_hours", "Makes an interval of hours.", "to_hours(5)", "05:00:00", |n: i64| {
        n.checked_mul(calendar::MICROS_PER_HOUR).and_then(micros)
    }),
    unit!("to_minutes", "Makes an interval of minutes.", "to_minutes(5)", "00:05:00", |n: i64| {
        n.checked_mul(calendar::MICROS_PER_MINUTE).and_then(micros)
    }),
    unit!(
        "to_microseconds",
        "Makes an interval of microseconds.",
        "to_microseconds(5)",
        "00:00:00.000005",
        micros
    ),
    fraction!("to_seconds", "Makes an interval of seconds.", "to_seconds(5.5)", "00:00:05.5", 1e6),
    fraction!(
        "to_milliseconds",
        "Makes an interval of milliseconds.",
        "to_milliseconds(5.5)",
        "00:00:00.0055",
        1e3
    ),
    Function {
        names: &["normalized_interval"],
        syntax: "normalized_interval(interval)",
        doc: "Carries hours into days of 24 hours, and days into months of 30 days.",
        example: ("normalized_interval(interval '30 days')", "1 month"),
        overloads: &[takes(&[Interval], Interval, |call| {
            call.map1(|value: IntervalMonthDayNano| {
                let nanos_per_day = MICROS_PER_DAY * 1_000;
                let all_days = i64::from(value.days) + value.nanoseconds / nanos_per_day;
                let all_months = i64::from(value.months) + all_days / 30;
                match (i32::try_from(all_months), i32::try_from(all_days % 30)) {
                    (Ok(months), Ok(days)) => {
                        Ok(Some(IntervalMonthDayNano::new(months, days, value.nanoseconds % nanos_per_day)))
                    }
                    _ => fail("normalized_interval: the interval is out of range"),
                }
            })
        })],
        ..Function::INTERVAL
    },
    Function {
        names: &["age"],
        syntax: "age([end, ]start)",
        doc: "Returns years, months, days and the rest between two timestamps; of one, those up to today.",
        example: ("age(timestamp '2001-04-10', timestamp '1992-09-20')", "8 years 6 months 20 days"),
        overloads: &[
            takes(&[Timestamp, Timestamp], Interval, ages),
            takes(&[TimestampTz, TimestampTz], Interval, ages),
        ],
        ..Function::INTERVAL
    },
    Function {
        names: &["date_add"],
        syntax: "date_add(at, interval)",
        doc: "Adds an interval to a date, timestamp or time, or a number of days to a date, as `at + interval` does.",
        example: ("date_add(date '1992-09-15', interval '2 months')", "1992-11-15 00:00:00"),
        overloads: &[
            takes(&[Date, Integer], Date, |call| {
                call.map2(|at: Days, days: i32| match at.0.checked_add(days).map(Days) {
                    Some(later) if calendar::is_finite_date(at) && calendar::is_finite_date(later) => {
                        Ok(Some(later))
                    }
                    Some(_) if !calendar::is_finite_date(at) => Ok(Some(at)),
                    _ => fail("date_add: the date is out of range"),
                })
            }),
            takes(&[Date, Interval], Timestamp, |call| {
                call.map2(|at: Days, by: IntervalMonthDayNano| match calendar::midnight(at) {
                    Some(midnight) => add(midnight, by).map(Some),
                    None => fail("date_add: the date is out of range for a timestamp"),
                })
            }),
            takes(&[Timestamp, Interval], Timestamp, |call| {
                call.map2(|at: Micros, by: IntervalMonthDayNano| add(at, by).map(Some))
            }),
            takes(&[TimestampTz, Interval], TimestampTz, |call| {
                call.map2(|at: Micros, by: IntervalMonthDayNano| add(at, by).map(Some))
            }),
            takes(&[Time, Interval], Time, |call| {
                call.map2(|at: TimeOfDay, by: IntervalMonthDayNano| {
                    let sum = i128::from(at.0) + i128::from(by.nanoseconds / 1_000);
                    Ok(i64::try_from(sum.rem_euclid(MICROS_PER_DAY.into())).ok().map(TimeOfDay))
                })
            }),
        ],
        ..Function::INTERVAL
    },
];

fn months(count: i64, unit: i64) -> Option<IntervalMonthDayNano> {
    let months = i32::try_from(count.checked_mul(unit)?).ok()?;
    Some(IntervalMonthDayNano::new(months, 0, 0))
}

fn days(count: i64, unit: i64) -> Option<IntervalMonthDayNano> {
    let days = i32::try_from(count.checked_mul(unit)?).ok()?;
    Some(IntervalMonthDayNano::new(0, days, 0))
}

fn micros(count: i64) -> Option<IntervalMonthDayNano> {
    Some(IntervalMonthDayNano::new(0, 0, count.checked_mul(1_000)?))
}

/// Rounds to the nearest integer, or returns `None` if it is out of range.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn rounded(value: f64) -> Option<i64> {
    let rounded = value.round();
    (rounded.abs() < 9.2e18).then_some(rounded as i64)
}

/// Adds an interval to a timestamp: first months, then days, then time.
pub(super) fn add(at: Micros, by: IntervalMonthDayNano) -> Result<Micros> {
    if !calendar::is_finite(at) {
        return Ok(at);
    }
    let (day, time) = calendar::split(at);
    let day = if by.months == 0 { day } else { calendar::add_months(day, by.months.into()) };
    let sum = (i128::from(day) + i128::from(by.days)) * i128::from(MICROS_PER_DAY)
        + i128::from(time)
        + i128::from(by.nanoseconds / 1_000);
    match i64::try_from(sum).map(Micros) {
        Ok(sum) if calendar::is_finite(sum) => Ok(sum),
        _ => fail("the sum of timestamp and interval is out of range"),
    }
}

fn ages(call: &Call) -> Result<ArrayRef> {
    call.map2(|end: Micros, start: Micros| {
        Ok((calendar::is_finite(end) && calendar::is_finite(start)).then(|| age(end, start)))
    })
}

/// Returns the time from one timestamp to another as years, months, days and time of day.
pub(super) fn age(end: Micros, start: Micros) -> IntervalMonthDayNano {
    let (end_day, end_time) = calendar::split(end);
    let (start_day, start_time) = calendar::split(start);
    let (to, from) = (calendar::civil(end_day), calendar::civil(start_day));
    let back = end < start;
    let sign = if back { -1 } else { 1 };
    let mut months = sign * ((to.year - from.year) * 12 + to.month - from.month);
    let mut days = sign * (to.day - from.day);
    let mut time = sign * (end_time - start_time);
    if time < 0 {
        time += MICROS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        // Borrow a month as long as that of the earlier timestamp.
        let earlier = if back { to } else { from };
        days += calendar::month_length(earlier.year, earlier.month);
        months -= 1;
    }
    let narrow = |value: i64| i32::try_from(sign * value).unwrap_or(0);
    IntervalMonthDayNano::new(narrow(months), narrow(days), sign * time * 1_000)
}
