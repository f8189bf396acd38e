//! Dates and times built from numbers, and names of months and days.

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::cast,
        datatypes::{DataType, Int64Type},
    },
    common::plan_err,
    error::Result,
};

use super::{
    calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE},
    call::{Call, Days, Micros, Nanos, TimeOfDay, fail},
    description::{Function, FunctionBody, computes, takes},
    interval::rounded,
    kind::ParameterKind::{
        AnyStruct, BigInt, Date, Double, Time, Timestamp, TimestampNs, TimestampTz, Varchar,
    },
    zone,
};
use crate::engine::cast::zone::parse_zone;

/// The English names of the months.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The English names of the days, starting with Monday.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["last_day"],
        syntax: "last_day(at)",
        doc: "Returns the last day of the month.",
        example: ("last_day(date '1992-02-10')", "1992-02-29"),
        overloads: &[
            takes(&[Date], Date, |call| call.map1(|at: Days| Ok(last_day(day_of_date(at))))),
            takes(&[Timestamp], Date, |call| call.map1(|at: Micros| Ok(last_day(day_of(at))))),
            takes(&[TimestampTz], Date, |call| call.map1(|at: Micros| Ok(last_day(day_of(at))))),
        ],
        ..Function::DATE
    },
    Function {
        names: &["days_in_month"],
        syntax: "days_in_month(at)",
        doc: "Returns how many days the month has.",
        example: ("days_in_month(date '1992-02-10')", "29"),
        overloads: &[
            takes(&[Date], BigInt, |call| call.map1(|at: Days| Ok(day_of_date(at).map(month_length)))),
            takes(&[Timestamp], BigInt, |call| call.map1(|at: Micros| Ok(day_of(at).map(month_length)))),
            takes(&[TimestampTz], BigInt, |call| call.map1(|at: Micros| Ok(day_of(at).map(month_length)))),
        ],
        ..Function::DATE
    },
    Function {
        names: &["monthname"],
        syntax: "monthname(at)",
        doc: "Returns the English name of the month.",
        example: ("monthname(date '1992-09-20')", "September"),
        overloads: &[
            takes(&[Date], Varchar, |call| call.map1(|at: Days| Ok(day_of_date(at).map(month_name)))),
            takes(&[Timestamp], Varchar, |call| call.map1(|at: Micros| Ok(day_of(at).map(month_name)))),
            takes(&[TimestampTz], Varchar, |call| call.map1(|at: Micros| Ok(day_of(at).map(month_name)))),
        ],
        ..Function::DATE
    },
    Function {
        names: &["dayname"],
        syntax: "dayname(at)",
        doc: "Returns the English name of the day.",
        example: ("dayname(date '1992-03-22')", "Sunday"),
        overloads: &[
            takes(&[Date], Varchar, |call| call.map1(|at: Days| Ok(day_of_date(at).map(day_name)))),
            takes(&[Timestamp], Varchar, |call| call.map1(|at: Micros| Ok(day_of(at).map(day_name)))),
            takes(&[TimestampTz], Varchar, |call| call.map1(|at: Micros| Ok(day_of(at).map(day_name)))),
        ],
        ..Function::DATE
    },
    Function {
        names: &["make_date"],
        syntax: "make_date(year, month, day)",
        doc: "Makes a date of numbers, of a struct of them, or of the days since 1970.",
        example: ("make_date(1992, 9, 20)", "1992-09-20"),
        overloads: &[
            takes(&[BigInt], Date, |call| {
                call.map1(|days: i64| match i32::try_from(days) {
                    Ok(days) => Ok(Some(Days(days))),
                    Err(_) => fail(format!("make_date: {days} days since 1970 are out of range")),
                })
            }),
            takes(&[BigInt, BigInt, BigInt], Date, |call| {
                call.map3(|year: i64, month: i64, day: i64| date("make_date", year, month, day).map(Some))
            }),
            computes(
                &[AnyStruct],
                |typing| date_of_struct(&typing.types[0]),
                "DATE",
                |call| {
                    let column = call.array(0)?;
                    let parts = column.as_struct().columns().iter();
                    let parts =
                        parts.map(|part| Ok(cast(part, &DataType::Int64)?)).collect::<Result<Vec<_>>>()?;
                    let part = |at: usize, row: usize| {
                        let part = parts[at].as_primitive::<Int64Type>();
                        (column.is_valid(row) && part.is_valid(row)).then(|| part.value(row))
                    };
                    call.each(|row| match (part(0, row), part(1, row), part(2, row)) {
                        (Some(year), Some(month), Some(day)) => date("make_date", year, month, day).map(Some),
                        _ => Ok(None),
                    })
                },
            ),
        ],
        ..Function::DATE
    },
    Function {
        names: &["make_time"],
        syntax: "make_time(hour, minute, second)",
        doc: "Makes a time of numbers.",
        example: ("make_time(13, 34, 27.5)", "13:34:27.5"),
        overloads: &[takes(&[BigInt, BigInt, Double], Time, |call| {
            call.map3(|hour: i64, minute: i64, second: f64| {
                time("make_time", hour, minute, second).map(|micros| Some(TimeOfDay(micros)))
            })
        })],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["make_timestamp"],
        syntax: "make_timestamp(year, month, day, hour, minute, second)",
        doc: "Makes a timestamp of numbers, or of the microseconds since 1970.",
        example: ("make_timestamp(1992, 9, 20, 13, 34, 27.5)", "1992-09-20 13:34:27.5"),
        overloads: &[
            takes(&[BigInt], Timestamp, OF_MICROS),
            takes(&[BigInt, BigInt, BigInt, BigInt, BigInt, Double], Timestamp, |call| {
                let at = moments(call, exact)?;
                call.each(at)
            }),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["make_timestamptz"],
        syntax: "make_timestamptz(year, month, day, hour, minute, second[, zone])",
        doc: "Makes a timestamp with time zone of numbers in a zone (UTC), or of the microseconds since 1970. Numbers \
              that are too large carry over: the month 13 is the next January.",
        example: ("make_timestamptz(1992, 9, 20, 15, 34, 27.5, 'Europe/Berlin')", "1992-09-20 13:34:27.5+00"),
        overloads: &[
            takes(&[BigInt], TimestampTz, OF_MICROS),
            takes(&[BigInt, BigInt, BigInt, BigInt, BigInt, Double], TimestampTz, |call| {
                let at = moments(call, carried)?;
                call.each(at)
            }),
            takes(&[BigInt, BigInt, BigInt, BigInt, BigInt, Double, Varchar], TimestampTz, |call| {
                let at = moments(call, carried)?;
                let zones = call.column::<&str>(6)?;
                call.each(|row| match (at(row)?, zones.at(row)) {
                    (Some(at), Some(name)) => Ok(Some(zone::to_utc(at, parse_zone(name)?))),
                    _ => Ok(None),
                })
            }),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["make_timestamp_ms"],
        syntax: "make_timestamp_ms(milliseconds)",
        doc: "Makes a timestamp of the milliseconds since 1970.",
        example: ("make_timestamp_ms(1667810584123)", "2022-11-07 08:43:04.123"),
        overloads: &[takes(&[BigInt], Timestamp, |call| {
            call.map1(|millis: i64| match millis.checked_mul(1_000) {
                Some(micros) => Ok(Some(Micros(micros))),
                None => fail(format!("make_timestamp_ms: {millis} is out of range")),
            })
        })],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["make_timestamp_ns"],
        syntax: "make_timestamp_ns(nanoseconds)",
        doc: "Makes a timestamp of the nanoseconds since 1970. Delta stores microseconds.",
        example: ("make_timestamp_ns(1667810584123456789)", "2022-11-07 08:43:04.123456789"),
        overloads: &[takes(&[BigInt], TimestampNs, |call| {
            call.map1(|nanos: i64| match Nanos(nanos) {
                at if at.0 == i64::MAX || at.0 <= -i64::MAX => {
                    fail(format!("make_timestamp_ns: {nanos} is out of range"))
                }
                at => Ok(Some(at)),
            })
        })],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["to_timestamp"],
        syntax: "to_timestamp(seconds)",
        doc: "Makes a timestamp with time zone of the seconds since 1970.",
        example: ("to_timestamp(1284352323.5)", "2010-09-13 04:32:03.5+00"),
        overloads: &[takes(&[Double], TimestampTz, |call| {
            call.map1(|seconds: f64| match rounded(seconds * 1e6) {
                Some(micros) => Ok(Some(Micros(micros))),
                None => fail(format!("to_timestamp: {seconds} seconds are out of range")),
            })
        })],
        ..Function::TIMESTAMP
    },
];

const OF_MICROS: FunctionBody = |call| {
    call.map1(|micros: i64| match Micros(micros) {
        at if calendar::is_finite(at) => Ok(Some(at)),
        _ => fail(format!("make_timestamp: {micros} microseconds are out of range")),
    })
};

/// Returns an error for structs whose fields aren't year, month and day.
fn date_of_struct(of: &DataType) -> Result<DataType> {
    let DataType::Struct(fields) = of else { return Ok(DataType::Date32) };
    let named = ["year", "month", "day"].into_iter().zip(fields);
    let fits = named.clone().count() == fields.len()
        && fields.len() == 3
        && named.into_iter().all(|(name, field)| {
            let unnamed = field.name().starts_with("element");
            (unnamed || field.name().eq_ignore_ascii_case(name)) && field.data_type().is_integer()
        });
    if !fits {
        return plan_err!("`make_date` takes a struct of the integers year, month and day");
    }
    Ok(DataType::Date32)
}

/// Returns the day of a date, or `None` if it is infinite.
fn day_of_date(at: Days) -> Option<i64> {
    calendar::is_finite_date(at).then_some(at.0.into())
}

/// Returns the day of a timestamp, or `None` if it is infinite.
fn day_of(at: Micros) -> Option<i64> {
    calendar::is_finite(at).then_some(calendar::split(at).0)
}

fn last_day(day: Option<i64>) -> Option<Days> {
    let date = calendar::civil(day?);
    let last = calendar::month_length(date.year, date.month);
    i32::try_from(calendar::days(date.year, date.month, last)).ok().map(Days)
}

fn month_length(day: i64) -> i64 {
    let date = calendar::civil(day);
    calendar::month_length(date.year, date.month)
}

fn month_name(day: i64) -> &'static str {
    usize::try_from(calendar::civil(day).month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("")
}

fn day_name(day: i64) -> &'static str {
    usize::try_from(calendar::iso_weekday(day) - 1)
        .ok()
        .and_then(|at| WEEKDAYS.get(at))
        .copied()
        .unwrap_or("")
}

fn date(name: &str, year: i64, month: i64, day: i64) -> Result<Days> {
    match calendar::checked_days(year, month, day) {
        Some(days) => Ok(days),
        None => fail(format!("{name}: there is no date {year}-{month}-{day}")),
    }
}

/// Returns the microseconds since midnight; 24:00:00 is the end of the day.
fn time(name: &str, hour: i64, minute: i64, second: f64) -> Result<i64> {
    let micros = rounded(second * 1e6).filter(|micros| (0..=MICROS_PER_MINUTE).contains(micros));
    if let (0..=24, 0..=59, Some(micros)) = (hour, minute, micros) {
        let found = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + micros;
        if found <= MICROS_PER_DAY {
            return Ok(found);
        }
    }
    fail(format!("{name}: there is no time {hour}:{minute}:{second}"))
}

/// Returns a day and the microseconds since its midnight, from parts that must form a valid date and time.
fn exact(parts: [i64; 5], second: f64) -> Result<(i64, i64)> {
    let [year, month, day, hour, minute] = parts;
    let day = date("make_timestamp", year, month, day)?;
    Ok((day.0.into(), time("make_timestamp", hour, minute, second)?))
}

/// Like [`exact`], but parts that are out of range carry over.
fn carried(parts: [i64; 5], second: f64) -> Result<(i64, i64)> {
    let [year, month, day, hour, minute] = parts;
    let fits = |number: i64| (-300_000..=300_000).contains(&number);
    match rounded(second * 1e6).filter(|_| parts.into_iter().all(fits)) {
        Some(micros) => Ok((
            calendar::days(year, month, day),
            hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + micros,
        )),
        None => fail("make_timestamptz: a number is out of range"),
    }
}

/// Builds timestamps from the first six arguments.
fn moments<'a>(
    call: &'a Call,
    moment: impl Fn([i64; 5], f64) -> Result<(i64, i64)> + 'a,
) -> Result<impl Fn(usize) -> Result<Option<Micros>> + 'a> {
    let numbers = (0..5).map(|argument| call.column::<i64>(argument)).collect::<Result<Vec<_>>>()?;
    let seconds = call.column::<f64>(5)?;
    Ok(move |row: usize| {
        let parts: Option<Vec<i64>> = numbers.iter().map(|column| column.at(row)).collect();
        let (Some(parts), Some(second)) = (parts, seconds.at(row)) else { return Ok(None) };
        let Ok(parts) = <[i64; 5]>::try_from(parts) else { return Ok(None) };
        let (day, time) = moment(parts, second)?;
        match day.checked_mul(MICROS_PER_DAY).and_then(|midnight| midnight.checked_add(time)).map(Micros) {
            Some(at) if calendar::is_finite(at) => Ok(Some(at)),
            _ => fail(format!("make_timestamp: the year {} is out of range", parts[0])),
        }
    })
}
