//! Date and timestamp functions; the session's time zone is UTC.

use std::sync::LazyLock;

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, IntervalMonthDayNano as Span},
    },
    error::Result,
};

use super::{
    kind::{
        GivenArgument,
        PostgresKind::{Boolean, Date, Double, Integer, Interval, Text, Timestamp, Timestamptz},
        numeric,
    },
    operator::midnight,
    overload::{Routine, RoutineResult, by, takes},
    span,
    unresolved::Unresolved,
};
use crate::engine::{
    cast::zone::parse_zone,
    function::{
        calendar::{self, Civil, MICROS_PER_DAY, civil, days},
        call::{Call, Days, Digits, Micros, fail},
        interval, zone,
    },
};

pub(super) const ROUTINES: &[Routine] = &[
    by("$extract", &[Text, Date], RoutineResult::By(extract_type), extract_date),
    by("$extract", &[Text, Timestamp], RoutineResult::By(extract_type), extract_moment),
    by("$extract", &[Text, Timestamptz], RoutineResult::By(extract_type), extract_moment),
    by("$extract", &[Text, Interval], RoutineResult::By(extract_type), extract_interval),
    takes("date_part", &[Text, Date], Double, |call| {
        call.map2(|field: &str, date: Days| double(moment_part(field, midnight(date))))
    }),
    takes("date_part", &[Text, Timestamp], Double, |call| {
        call.map2(|field: &str, at: Micros| double(moment_part(field, at)))
    }),
    takes("date_part", &[Text, Timestamptz], Double, |call| {
        call.map2(|field: &str, at: Micros| double(moment_part(field, at)))
    }),
    takes("date_part", &[Text, Interval], Double, |call| {
        call.map2(|field: &str, of: Span| double(interval_part(field, of)))
    }),
    takes("date_trunc", &[Text, Timestamp], Timestamp, |call| {
        call.map2(|field: &str, at: Micros| cut(field, at).map(Some))
    }),
    takes("date_trunc", &[Text, Timestamptz], Timestamptz, |call| {
        call.map2(|field: &str, at: Micros| cut(field, at).map(Some))
    }),
    takes("date_trunc", &[Text, Interval], Interval, |call| {
        call.map2(|field: &str, of: Span| cut_interval(field, of).map(Some))
    }),
    takes("date_trunc", &[Text, Timestamptz, Text], Timestamptz, |call| {
        call.map3(|field: &str, at: Micros, name: &str| {
            let zone = parse_zone(name)?;
            cut(field, zone::to_local(at, zone)).map(|local| Some(zone::to_utc(local, zone)))
        })
    }),
    takes("make_date", &[Integer, Integer, Integer], Date, |call| {
        call.map3(|year: i32, month: i32, day: i32| date(year, month, day).map(Some))
    }),
    takes("make_timestamp", &[Integer, Integer, Integer, Integer, Integer, Double], Timestamp, make),
    takes("make_timestamptz", &[Integer, Integer, Integer, Integer, Integer, Double], Timestamptz, make),
    takes("to_timestamp", &[Double], Timestamptz, |call| {
        call.map1(|seconds: f64| match interval::rounded(seconds * 1e6) {
            Some(micros) => span::add(Micros(micros), Span::new(0, 0, 0)).map(Some),
            None => fail("timestamp out of range"),
        })
    }),
    takes("timezone", &[Text, Timestamp], Timestamptz, |call| {
        call.map2(|name: &str, at: Micros| Ok(Some(zone::to_utc(at, parse_zone(name)?))))
    }),
    takes("timezone", &[Text, Timestamptz], Timestamp, |call| {
        call.map2(|name: &str, at: Micros| Ok(Some(zone::to_local(at, parse_zone(name)?))))
    }),
    takes("date_bin", &[Interval, Timestamp, Timestamp], Timestamp, binned),
    takes("date_bin", &[Interval, Timestamptz, Timestamptz], Timestamptz, binned),
    takes("isfinite", &[Date], Boolean, |call| call.map1(|_: Days| Ok(Some(true)))),
    takes("isfinite", &[Timestamp], Boolean, |call| call.map1(|_: Micros| Ok(Some(true)))),
    takes("isfinite", &[Timestamptz], Boolean, |call| call.map1(|_: Micros| Ok(Some(true)))),
    takes("isfinite", &[Interval], Boolean, |call| call.map1(|_: Span| Ok(Some(true)))),
    takes("now", &[], Timestamptz, now).stable(),
    takes("current_timestamp", &[], Timestamptz, now).stable(),
    takes("transaction_timestamp", &[], Timestamptz, now).stable(),
    takes("statement_timestamp", &[], Timestamptz, now).stable(),
    takes("localtimestamp", &[], Timestamp, now).stable(),
    takes("current_date", &[], Date, |call| {
        let today = i32::try_from(invocation().div_euclid(MICROS_PER_DAY)).map(Days).ok();
        call.each(|_| Ok(today))
    })
    .stable(),
];

/// Returns the current time that all queries of an invocation share, in microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "all queries of an invocation share it")]
fn invocation() -> i64 {
    static MOMENT: LazyLock<i64> = LazyLock::new(|| chrono::Utc::now().timestamp_micros());
    *MOMENT
}

fn now(call: &Call) -> Result<ArrayRef> {
    let now = Micros(invocation());
    call.each(|_| Ok(Some(now)))
}

/// A field of a timestamp or an interval, which determines how many decimal places `extract` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateField {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Dow,
    Isodow,
    Doy,
    Isoyear,
    Epoch,
    Julian,
}

impl DateField {
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" => Self::Microseconds,
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => Self::Milliseconds,
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Self::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Hour,
            "day" | "days" | "d" => Self::Day,
            "week" | "weeks" | "w" => Self::Week,
            "month" | "months" | "mon" | "mons" => Self::Month,
            "quarter" | "qtr" => Self::Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Self::Year,
            "decade" | "decades" => Self::Decade,
            "century" | "centuries" => Self::Century,
            "millennium" | "millennia" => Self::Millennium,
            "dow" => Self::Dow,
            "isodow" => Self::Isodow,
            "doy" => Self::Doy,
            "isoyear" => Self::Isoyear,
            "epoch" => Self::Epoch,
            "julian" => Self::Julian,
            _ => return None,
        })
    }

    fn read(name: &str) -> Result<Self> {
        Self::parse(name).map_or_else(|| fail(format!("unit \"{name}\" not recognized")), Ok)
    }
}

/// Returns the result type of `extract`: a numeric with the field's decimal places.
fn extract_type(types: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    let name = given[0].text().unwrap_or_default();
    let Some(field) = DateField::parse(name) else {
        return Err(Unresolved::new(
            format!("`{name}` is no field that can be extracted here"),
            "use year, quarter, month, week, day, hour, minute, second, epoch, dow, isodow, doy or isoyear",
        ));
    };
    let is_date = types[1] == DataType::Date32;
    let is_moment = !matches!(types[1], DataType::Interval(_) | DataType::Date32);
    let missing = match field {
        DateField::Hour
        | DateField::Minute
        | DateField::Second
        | DateField::Milliseconds
        | DateField::Microseconds => is_date,
        DateField::Julian if is_moment => {
            return Err(Unresolved::new(
                "the julian day of a timestamp is not supported",
                "cast the timestamp to date",
            ));
        }
        DateField::Week
        | DateField::Dow
        | DateField::Isodow
        | DateField::Doy
        | DateField::Isoyear
        | DateField::Julian => {
            matches!(types[1], DataType::Interval(_))
        }
        _ => false,
    };
    if missing {
        return Err(Unresolved::new(
            format!("unit \"{name}\" is not supported for type {}", super::kind::type_name(&types[1])),
            "cast the value to timestamp, or extract another field",
        ));
    }
    Ok(numeric(match field {
        DateField::Second => 6,
        DateField::Milliseconds => 3,
        DateField::Epoch if !is_date => 6,
        _ => 0,
    }))
}

fn extract_date(call: &Call) -> Result<ArrayRef> {
    call.map2(|field: &str, date: Days| {
        let (value, scale) = moment_part(field, midnight(date))?;
        Ok(Some(Digits(if scale == 0 { value } else { value / 1_000_000 })))
    })
}

fn extract_moment(call: &Call) -> Result<ArrayRef> {
    call.map2(|field: &str, at: Micros| moment_part(field, at).map(|(value, _)| Some(Digits(value))))
}

fn extract_interval(call: &Call) -> Result<ArrayRef> {
    call.map2(|field: &str, of: Span| interval_part(field, of).map(|(value, _)| Some(Digits(value))))
}

fn double(part: Result<(i128, u32)>) -> Result<Option<f64>> {
    let (value, scale) = part?;
    Ok(Some(value as f64 / 10_f64.powi(scale.cast_signed())))
}

/// Returns a field of a timestamp: its digits, and how many of them follow the decimal point.
fn moment_part(name: &str, at: Micros) -> Result<(i128, u32)> {
    let (day, time) = calendar::split(at);
    let Civil { year, month, day: of_month } = civil(day);
    let whole = |value: i64| Ok((i128::from(value), 0));
    match DateField::read(name)? {
        DateField::Microseconds => whole(time % 60_000_000),
        DateField::Milliseconds => Ok((i128::from(time % 60_000_000), 3)),
        DateField::Second => Ok((i128::from(time % 60_000_000), 6)),
        DateField::Minute => whole(time / 60_000_000 % 60),
        DateField::Hour => whole(time / 3_600_000_000),
        DateField::Day => whole(of_month),
        DateField::Week => whole(calendar::iso_week(day).1),
        DateField::Month => whole(month),
        DateField::Quarter => whole((month - 1) / 3 + 1),
        DateField::Year => whole(year),
        DateField::Decade => whole(year.div_euclid(10)),
        DateField::Century => whole((year + 99).div_euclid(100)),
        DateField::Millennium => whole((year + 999).div_euclid(1000)),
        DateField::Dow => whole(calendar::iso_weekday(day) % 7),
        DateField::Isodow => whole(calendar::iso_weekday(day)),
        DateField::Doy => whole(calendar::day_of_year(day)),
        DateField::Isoyear => whole(calendar::iso_week(day).0),
        DateField::Epoch => Ok((i128::from(at.0), 6)),
        DateField::Julian if time == 0 => whole(day + 2_440_588),
        DateField::Julian => fail("the julian day of a timestamp is not supported: cast it to date"),
    }
}

fn interval_part(name: &str, of: Span) -> Result<(i128, u32)> {
    let (months, micros) = (i64::from(of.months), of.nanoseconds / 1_000);
    let whole = |value: i64| Ok((i128::from(value), 0));
    match DateField::read(name)? {
        DateField::Microseconds => whole(micros % 60_000_000),
        DateField::Milliseconds => Ok((i128::from(micros % 60_000_000), 3)),
        DateField::Second => Ok((i128::from(micros % 60_000_000), 6)),
        DateField::Minute => whole(micros / 60_000_000 % 60),
        DateField::Hour => whole(micros / 3_600_000_000),
        DateField::Day => whole(of.days.into()),
        DateField::Month => whole(months % 12),
        DateField::Quarter => whole(months % 12 / 3 + 1),
        DateField::Year => whole(months / 12),
        DateField::Decade => whole(months / 120),
        DateField::Century => whole(months / 1200),
        DateField::Millennium => whole(months / 12_000),
        DateField::Epoch => {
            // A year has 365.25 days, and a month 30.
            let hours =
                i128::from(months / 12) * 8_766 + i128::from(months % 12 * 30 + i64::from(of.days)) * 24;
            Ok((hours * 3_600_000_000 + i128::from(micros), 6))
        }
        _ => fail(format!("unit \"{name}\" is not supported for type interval")),
    }
}

/// Truncates a timestamp to its second, day, month and so on.
fn cut(name: &str, at: Micros) -> Result<Micros> {
    let (day, time) = calendar::split(at);
    let Civil { year, month, .. } = civil(day);
    let start = |of: i64| Micros(of * MICROS_PER_DAY);
    let within = |unit: i64| Micros(day * MICROS_PER_DAY + time - time % unit);
    Ok(match DateField::read(name)? {
        DateField::Microseconds => at,
        DateField::Milliseconds => within(1_000),
        DateField::Second => within(1_000_000),
        DateField::Minute => within(60_000_000),
        DateField::Hour => within(3_600_000_000),
        DateField::Day => start(day),
        DateField::Week => start(day - calendar::iso_weekday(day) + 1),
        DateField::Month => start(days(year, month, 1)),
        DateField::Quarter => start(days(year, (month - 1) / 3 * 3 + 1, 1)),
        DateField::Year => start(days(year, 1, 1)),
        DateField::Decade => start(days(year.div_euclid(10) * 10, 1, 1)),
        DateField::Century => start(days((year - 1).div_euclid(100) * 100 + 1, 1, 1)),
        DateField::Millennium => start(days((year - 1).div_euclid(1000) * 1000 + 1, 1, 1)),
        _ => return fail(format!("unit \"{name}\" is not supported by date_trunc")),
    })
}

fn cut_interval(name: &str, of: Span) -> Result<Span> {
    let (months, time) = (of.months, of.nanoseconds);
    let within = |unit: i64| Span::new(months, of.days, time - time % unit);
    let whole = |unit: i32| Span::new(months - months % unit, 0, 0);
    Ok(match DateField::read(name)? {
        DateField::Microseconds => of,
        DateField::Milliseconds => within(1_000_000),
        DateField::Second => within(1_000_000_000),
        DateField::Minute => within(60_000_000_000),
        DateField::Hour => within(3_600_000_000_000),
        DateField::Day => Span::new(months, of.days, 0),
        DateField::Month => whole(1),
        DateField::Quarter => whole(3),
        DateField::Year => whole(12),
        DateField::Decade => whole(120),
        DateField::Century => whole(1200),
        DateField::Millennium => whole(12_000),
        _ => return fail(format!("unit \"{name}\" is not supported for type interval")),
    })
}

/// Builds a date from its parts.
pub(super) fn date(year: i32, month: i32, day: i32) -> Result<Days> {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let known = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=calendar::month_length(year, month)).contains(&day);
    match calendar::checked_days(year, month, day).filter(|_| known) {
        Some(date) => Ok(date),
        None => fail(format!("date field value out of range: {year}-{month:02}-{day:02}")),
    }
}

fn make(call: &Call) -> Result<ArrayRef> {
    let parts = (0..5).map(|at| call.column::<i32>(at)).collect::<Result<Vec<_>>>()?;
    let seconds = call.column::<f64>(5)?;
    call.each(|row| {
        let mut values = [0_i32; 5];
        for (value, part) in values.iter_mut().zip(&parts) {
            let Some(given) = part.at(row) else { return Ok(None) };
            *value = given;
        }
        let Some(second) = seconds.at(row) else { return Ok(None) };
        let [year, month, day, hour, minute] = values;
        let start = midnight(date(year, month, day)?);
        let known = (0..=23).contains(&hour) && (0..=59).contains(&minute) && (0.0..=60.0).contains(&second);
        let Some(micros) = interval::rounded(second * 1e6).filter(|_| known) else {
            return fail(format!("time field value out of range: {hour}:{minute:02}:{second}"));
        };
        let time = (i64::from(hour) * 60 + i64::from(minute)) * 60_000_000 + micros;
        Ok(Some(Micros(start.0 + time)))
    })
}

fn binned(call: &Call) -> Result<ArrayRef> {
    call.map3(|stride: Span, at: Micros, origin: Micros| {
        if stride.months != 0 {
            return fail("timestamps cannot be binned into intervals containing months or years");
        }
        let width = i64::from(stride.days) * MICROS_PER_DAY + stride.nanoseconds / 1_000;
        if width <= 0 {
            return fail("stride must be greater than zero");
        }
        Ok(Some(Micros(origin.0 + (at.0 - origin.0).div_euclid(width) * width)))
    })
}
