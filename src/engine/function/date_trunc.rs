//! Truncation of dates, timestamps and intervals to a unit, and counts of units between them.

use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, IntervalMonthDayNano},
    },
    error::{DataFusionError, Result},
};

use super::{
    calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND},
    call::{Call, Days, Micros, TimeOfDay, fail},
    description::{Function, Overload, Typing, computes},
    interval::age,
    kind::{
        ParameterKind::{self, Date, Interval, Time, Timestamp, TimestampTz, Varchar},
        UTC,
    },
    part::{DatePart, DateParts},
};

/// Defines one overload for each type that supports counting units between two values.
macro_rules! between {
    ($count:expr) => {
        &[
            computes(&[Varchar, Date, Date], counted, "BIGINT", |call| {
                count(call, |days: Days| calendar::midnight(days), $count)
            }),
            computes(&[Varchar, Timestamp, Timestamp], counted, "BIGINT", |call| {
                count(call, |at: Micros| Some(at), $count)
            }),
            computes(&[Varchar, TimestampTz, TimestampTz], counted, "BIGINT", |call| {
                count(call, |at: Micros| Some(at), $count)
            }),
            computes(&[Varchar, Time, Time], counted, "BIGINT", |call| {
                count(
                    call,
                    |at: TimeOfDay| Some(Micros(at.0)),
                    |part, start, end| {
                        if time_unit(part).is_none() {
                            return fail(format!("a time has no {part:?}").to_lowercase());
                        }
                        ($count)(part, start, end)
                    },
                )
            }),
        ] as &[Overload]
    };
}

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["date_trunc", "datetrunc"],
        syntax: "date_trunc(part, at)",
        doc: "Cuts a date or timestamp down to a unit, such as the first of the month; a date becomes a timestamp.",
        example: ("date_trunc('hour', timestamp '1992-09-20 20:38:40')", "1992-09-20 20:00:00"),
        overloads: &[
            computes(&[Varchar, Date], truncated, "TIMESTAMP", truncate_dates),
            computes(&[Varchar, Timestamp], truncated, "TIMESTAMP", truncate_timestamps),
            computes(&[Varchar, TimestampTz], truncated, "TIMESTAMP WITH TIME ZONE", truncate_timestamps),
            computes(&[Varchar, Interval], truncated, "INTERVAL", |call| {
                let parts = DateParts::new(call, 0)?;
                let values = call.column::<IntervalMonthDayNano>(1)?;
                call.each(|row| match (parts.at(row)?, values.at(row)) {
                    (Some(part), Some(value)) => truncate_interval(part, value).map(Some),
                    _ => Ok(None),
                })
            }),
        ],
        ..Function::DATE
    },
    Function {
        names: &["date_diff", "datediff"],
        syntax: "date_diff(part, start, end)",
        doc: "Returns how many boundaries of a unit lie between two dates, timestamps or times.",
        example: ("date_diff('month', date '1992-09-30', date '1992-11-01')", "2"),
        overloads: between!(boundaries),
        ..Function::DATE
    },
    Function {
        names: &["date_sub", "datesub"],
        syntax: "date_sub(part, start, end)",
        doc: "Returns how many whole units lie between two dates, timestamps or times.",
        example: ("date_sub('month', date '1992-09-30', date '1992-11-01')", "1"),
        overloads: between!(whole_units),
        ..Function::DATE
    },
];

fn truncated(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    Ok(match &typing.types[1] {
        DataType::Interval(unit) => DataType::Interval(*unit),
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some(UTC.into())),
        _ => ParameterKind::Timestamp.data_type().unwrap_or(DataType::Null),
    })
}

fn counted(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    Ok(DataType::Int64)
}

/// Rejects parts that aren't units while the query is planned.
fn check(typing: &Typing) -> Result<()> {
    match DatePart::planned(typing, 0)? {
        Some(part @ (DatePart::Era | DatePart::Timezone)) => {
            let name = format!("{part:?}").to_lowercase();
            Err(DataFusionError::Plan(format!("`{name}` is no unit of time")))
        }
        _ => Ok(()),
    }
}

/// Returns a unit's length in microseconds, or `None` if its length varies.
fn time_unit(part: DatePart) -> Option<i64> {
    Some(match part {
        DatePart::Microsecond => 1,
        DatePart::Millisecond => 1_000,
        DatePart::Second | DatePart::Epoch => MICROS_PER_SECOND,
        DatePart::Minute => MICROS_PER_MINUTE,
        DatePart::Hour => MICROS_PER_HOUR,
        _ => return None,
    })
}

fn truncate_dates(call: &Call) -> Result<ArrayRef> {
    let parts = DateParts::new(call, 0)?;
    let dates = call.column::<Days>(1)?;
    call.each(|row| match (parts.at(row)?, dates.at(row)) {
        (Some(part), Some(date)) => match calendar::midnight(date) {
            Some(midnight) => truncate(part, midnight).map(Some),
            None => fail("date_trunc: the date is out of range for a timestamp"),
        },
        _ => Ok(None),
    })
}

fn truncate_timestamps(call: &Call) -> Result<ArrayRef> {
    let parts = DateParts::new(call, 0)?;
    let times = call.column::<Micros>(1)?;
    call.each(|row| match (parts.at(row)?, times.at(row)) {
        (Some(part), Some(at)) => truncate(part, at).map(Some),
        _ => Ok(None),
    })
}

/// Returns the start of the unit that contains a timestamp.
fn truncate(part: DatePart, at: Micros) -> Result<Micros> {
    if !calendar::is_finite(at) {
        return Ok(at);
    }
    if let Some(unit) = time_unit(part) {
        return start(i128::from(at.0.div_euclid(unit)) * i128::from(unit));
    }
    let days = calendar::split(at).0;
    let date = calendar::civil(days);
    let first_of = |year: i64, month: i64| calendar::days(year, month, 1);
    let day = match part {
        DatePart::Millennium => first_of(date.year / 1000 * 1000, 1),
        DatePart::Century => first_of(date.year / 100 * 100, 1),
        DatePart::Decade => first_of(date.year / 10 * 10, 1),
        DatePart::Year => first_of(date.year, 1),
        DatePart::Quarter => first_of(date.year, (date.month - 1) / 3 * 3 + 1),
        DatePart::Month => first_of(date.year, date.month),
        DatePart::Week | DatePart::YearWeek => days - calendar::iso_weekday(days) + 1,
        DatePart::IsoYear => days - calendar::iso_weekday(days) + 1 - (calendar::iso_week(days).1 - 1) * 7,
        DatePart::Era | DatePart::Timezone => {
            return fail(format!("`{}` is no unit of time", format!("{part:?}").to_lowercase()));
        }
        _ => days,
    };
    start(i128::from(day) * i128::from(MICROS_PER_DAY))
}

fn start(micros: i128) -> Result<Micros> {
    match i64::try_from(micros) {
        Ok(micros) => Ok(Micros(micros)),
        Err(_) => fail("date_trunc: the result is out of range for a timestamp"),
    }
}

fn truncate_interval(part: DatePart, value: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let months = |unit: i32| Ok(IntervalMonthDayNano::new(value.months / unit * unit, 0, 0));
    match part {
        DatePart::Millennium => months(12_000),
        DatePart::Century => months(1_200),
        DatePart::Decade => months(120),
        DatePart::Year | DatePart::IsoYear => months(12),
        DatePart::Quarter => months(3),
        DatePart::Month => months(1),
        DatePart::Week | DatePart::YearWeek => {
            Ok(IntervalMonthDayNano::new(value.months, value.days / 7 * 7, 0))
        }
        DatePart::Era | DatePart::Timezone => fail("an interval has no such unit"),
        _ => {
            let nanos = match time_unit(part) {
                Some(unit) => value.nanoseconds / (unit * 1_000) * (unit * 1_000),
                None => 0,
            };
            Ok(IntervalMonthDayNano::new(value.months, value.days, nanos))
        }
    }
}

/// Counts the units between two columns.
fn count<'a, A: super::call::Arg<'a>>(
    call: &'a Call,
    moment: impl Fn(A) -> Option<Micros>,
    units: impl Fn(DatePart, Micros, Micros) -> Result<i64>,
) -> Result<ArrayRef> {
    let parts = DateParts::new(call, 0)?;
    let (starts, ends) = (call.column::<A>(1)?, call.column::<A>(2)?);
    call.each(|row| {
        let (Some(part), Some(start), Some(end)) = (parts.at(row)?, starts.at(row), ends.at(row)) else {
            return Ok(None);
        };
        match (moment(start), moment(end)) {
            (Some(start), Some(end)) if calendar::is_finite(start) && calendar::is_finite(end) => {
                units(part, start, end).map(Some)
            }
            (Some(_), Some(_)) => Ok(None),
            _ => fail("the date is out of range for a timestamp"),
        }
    })
}

fn boundaries(part: DatePart, start: Micros, end: Micros) -> Result<i64> {
    if let Some(unit) = time_unit(part) {
        return difference(end.0.div_euclid(unit), start.0.div_euclid(unit));
    }
    let (first, last) = (calendar::split(start).0, calendar::split(end).0);
    let (from, to) = (calendar::civil(first), calendar::civil(last));
    Ok(match part {
        DatePart::Year => to.year - from.year,
        DatePart::Month => (to.year - from.year) * 12 + to.month - from.month,
        DatePart::Quarter => {
            let quarter = |date: calendar::Civil| date.year * 4 + (date.month - 1) / 3;
            quarter(to) - quarter(from)
        }
        DatePart::Decade => to.year / 10 - from.year / 10,
        DatePart::Century => to.year / 100 - from.year / 100,
        DatePart::Millennium => to.year / 1000 - from.year / 1000,
        DatePart::Week | DatePart::YearWeek => (last - first) / 7,
        DatePart::IsoYear => calendar::iso_week(last).0 - calendar::iso_week(first).0,
        DatePart::Era | DatePart::Timezone => return fail("date_diff: no unit of time"),
        _ => last - first,
    })
}

fn whole_units(part: DatePart, start: Micros, end: Micros) -> Result<i64> {
    if let Some(unit) = time_unit(part) {
        return Ok(difference(end.0, start.0)? / unit);
    }
    let months = || whole_months(start, end);
    Ok(match part {
        DatePart::Year | DatePart::IsoYear => months() / 12,
        DatePart::Month => months(),
        DatePart::Quarter => months() / 3,
        DatePart::Decade => months() / 120,
        DatePart::Century => months() / 1_200,
        DatePart::Millennium => months() / 12_000,
        DatePart::Week | DatePart::YearWeek => difference(end.0, start.0)? / (7 * MICROS_PER_DAY),
        DatePart::Era | DatePart::Timezone => return fail("date_sub: no unit of time"),
        _ => difference(end.0, start.0)? / MICROS_PER_DAY,
    })
}

fn difference(end: i64, start: i64) -> Result<i64> {
    match end.checked_sub(start) {
        Some(difference) => Ok(difference),
        None => fail("the difference of the timestamps is out of range"),
    }
}

/// Returns the whole months between two timestamps. The last day of a month completes a month that began on a
/// later day.
fn whole_months(start: Micros, end: Micros) -> i64 {
    if start > end {
        return -whole_months(end, start);
    }
    let (start_day, start_time) = calendar::split(start);
    let (end_day, end_time) = calendar::split(end);
    let (from, to) = (calendar::civil(start_day), calendar::civil(end_day));
    let length = calendar::month_length(to.year, to.month);
    let mut start = start;
    if to.day == length && (from.day > length || (from.day == length && start_time < end_time)) {
        let earlier = calendar::days(from.year, from.month, length);
        start = Micros(earlier.saturating_mul(MICROS_PER_DAY).saturating_add(start_time));
    }
    age(end, start).months.into()
}
