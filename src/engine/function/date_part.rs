//! `date_part`, and one function per part.

use datafusion::{arrow::array::ArrayRef, common::plan_err, error::Result};

use super::{
    calendar::MICROS_PER_DAY,
    call::{Call, Micros, Nanos, fail},
    description::{Function, Overload, computes, takes},
    kind::ParameterKind::{BigInt, Date, Double, Interval, Time, Timestamp, TimestampNs, TimestampTz},
    named_part::DATE_PART,
    part::{DatePart, Parted, parted},
};

/// Returns the nanoseconds within the minute.
fn nanosecond(call: &Call) -> Result<ArrayRef> {
    call.map1(|Nanos(nanos): Nanos| Ok(Some(nanos.rem_euclid(60_000_000_000))))
}

/// Returns a part as an integer column.
pub(super) fn whole(call: &Call, part: DatePart) -> Result<ArrayRef> {
    let value = parted(call, 0)?;
    call.each(|row| value(row).map_or(Ok(None), |value| value.whole(part)))
}

/// Returns a part as a column of doubles.
fn double(call: &Call, part: DatePart) -> Result<ArrayRef> {
    let value = parted(call, 0)?;
    call.each(|row| value(row).map_or(Ok(None), |value| value.double(part)))
}

/// Returns the time since 1970 in some unit.
fn epoch(call: &Call, per_second: i128) -> Result<ArrayRef> {
    let value = parted(call, 0)?;
    call.each(|row| {
        let micros = match value(row) {
            None | Some(Parted::Infinite) => return Ok(None),
            Some(Parted::Moment(days, micros)) => {
                i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros)
            }
            Some(Parted::Time(micros)) => micros.into(),
            Some(Parted::Interval(value)) => {
                let days = i128::from(value.months) * 30 + i128::from(value.days);
                days * i128::from(MICROS_PER_DAY) + i128::from(value.nanoseconds / 1_000)
            }
        };
        let found = if per_second < 1_000_000 {
            // Rounds towards 1970, as DuckDB does.
            micros / (1_000_000 / per_second)
        } else {
            micros * (per_second / 1_000_000)
        };
        match i64::try_from(found) {
            Ok(found) => Ok(Some(found)),
            Err(_) => fail("the time since 1970 is out of range"),
        }
    })
}

/// Defines a function for one part of dates and intervals.
macro_rules! part_of_date {
    ($names:expr, $syntax:literal, $doc:literal, $example:literal, $value:literal, $part:expr) => {
        Function {
            names: $names,
            syntax: $syntax,
            doc: $doc,
            example: ($example, $value),
            overloads: &[
                takes(&[Date], BigInt, |call| whole(call, $part)),
                takes(&[Timestamp], BigInt, |call| whole(call, $part)),
                takes(&[TimestampTz], BigInt, |call| whole(call, $part)),
                takes(&[Interval], BigInt, |call| whole(call, $part)),
            ],
            ..Function::DATE
        }
    };
}

/// Like `part_of_date`, but also accepts times.
macro_rules! part_of_time {
    ($name:literal, $doc:literal, $example:literal, $value:literal, $part:expr) => {
        Function {
            names: &[$name],
            syntax: concat!($name, "(at)"),
            doc: $doc,
            example: ($example, $value),
            overloads: &[
                takes(&[Date], BigInt, |call| whole(call, $part)),
                takes(&[Timestamp], BigInt, |call| whole(call, $part)),
                takes(&[TimestampTz], BigInt, |call| whole(call, $part)),
                takes(&[Time], BigInt, |call| whole(call, $part)),
                takes(&[Interval], BigInt, |call| whole(call, $part)),
            ],
            ..Function::TIMESTAMP
        }
    };
}

/// Parts of a time zone, which dates and intervals don't have.
const ZONE: &[Overload] = &[
    computes(
        &[Date],
        |_| plan_err!("a date has no time zone"),
        "an error",
        |call| whole(call, DatePart::Timezone),
    ),
    takes(&[Timestamp], BigInt, |call| whole(call, DatePart::Timezone)),
    takes(&[TimestampTz], BigInt, |call| whole(call, DatePart::Timezone)),
];

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["date_part", "datepart"],
        syntax: "date_part(part, at)",
        doc: "Returns a part of a date, time or interval, or a struct of several; `extract(part from at)` is the same. \
              Parts: year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, decade, century, \
              millennium, dow, isodow, doy, isoyear, yearweek, era, epoch, julian.",
        example: ("date_part('minute', timestamp '1992-09-20 20:38:40')", "38"),
        overloads: DATE_PART,
        ..Function::DATE
    },
    part_of_date!(
        &["year"],
        "year(at)",
        "Returns the year.",
        "year(date '1992-02-15')",
        "1992",
        DatePart::Year
    ),
    part_of_date!(
        &["month"],
        "month(at)",
        "Returns the month.",
        "month(date '1992-02-15')",
        "2",
        DatePart::Month
    ),
    part_of_date!(
        &["day", "dayofmonth"],
        "day(at)",
        "Returns the day.",
        "day(date '1992-02-15')",
        "15",
        DatePart::Day
    ),
    part_of_date!(
        &["decade"],
        "decade(at)",
        "Returns the decade.",
        "decade(date '1992-02-15')",
        "199",
        DatePart::Decade
    ),
    part_of_date!(
        &["century"],
        "century(at)",
        "Returns the century.",
        "century(date '1992-02-15')",
        "20",
        DatePart::Century
    ),
    part_of_date!(
        &["millennium"],
        "millennium(at)",
        "Returns the millennium.",
        "millennium(date '1992-02-15')",
        "2",
        DatePart::Millennium
    ),
    part_of_date!(
        &["quarter"],
        "quarter(at)",
        "Returns the quarter.",
        "quarter(date '1992-02-15')",
        "1",
        DatePart::Quarter
    ),
    part_of_date!(
        &["dayofweek", "weekday"],
        "dayofweek(at)",
        "Returns the day of the week: Sunday is 0, Saturday 6.",
        "dayofweek(date '1992-02-15')",
        "6",
        DatePart::DayOfWeek
    ),
    part_of_date!(
        &["isodow"],
        "isodow(at)",
        "Returns the day of the week: Monday is 1, Sunday 7.",
        "isodow(date '1992-02-15')",
        "6",
        DatePart::IsoDayOfWeek
    ),
    part_of_date!(
        &["dayofyear"],
        "dayofyear(at)",
        "Returns the day of the year, from 1.",
        "dayofyear(date '1992-02-15')",
        "46",
        DatePart::DayOfYear
    ),
    part_of_date!(
        &["week", "weekofyear"],
        "week(at)",
        "Returns the ISO week.",
        "week(date '1992-02-15')",
        "7",
        DatePart::Week
    ),
    part_of_date!(
        &["isoyear"],
        "isoyear(at)",
        "Returns the year that the ISO week belongs to.",
        "isoyear(date '2022-01-01')",
        "2021",
        DatePart::IsoYear
    ),
    part_of_date!(
        &["yearweek"],
        "yearweek(at)",
        "Returns the ISO year and week as one number.",
        "yearweek(date '1992-02-15')",
        "199207",
        DatePart::YearWeek
    ),
    Function {
        names: &["timezone_hour"],
        syntax: "timezone_hour(at)",
        doc: "Returns the hours of the time zone's offset: 0, since the zone is UTC.",
        example: ("timezone_hour(timestamp '1992-02-15 00:00:00')", "0"),
        overloads: ZONE,
        ..Function::DATE
    },
    Function {
        names: &["timezone_minute"],
        syntax: "timezone_minute(at)",
        doc: "Returns the minutes of the time zone's offset: 0, since the zone is UTC.",
        example: ("timezone_minute(timestamp '1992-02-15 00:00:00')", "0"),
        overloads: ZONE,
        ..Function::DATE
    },
    part_of_date!(
        &["era"],
        "era(at)",
        "Returns 1 for years of our era, 0 for those before.",
        "era(date '1992-02-15')",
        "1",
        DatePart::Era
    ),
    part_of_time!("hour", "Returns the hour.", "hour(timestamp '1992-02-15 20:38:40')", "20", DatePart::Hour),
    part_of_time!(
        "minute",
        "Returns the minute.",
        "minute(timestamp '1992-02-15 20:38:40')",
        "38",
        DatePart::Minute
    ),
    part_of_time!(
        "second",
        "Returns the second.",
        "second(timestamp '1992-02-15 20:38:40')",
        "40",
        DatePart::Second
    ),
    part_of_time!(
        "millisecond",
        "Returns the milliseconds of the minute.",
        "millisecond(timestamp '1992-02-15 20:38:40.5')",
        "40500",
        DatePart::Millisecond
    ),
    part_of_time!(
        "microsecond",
        "Returns the microseconds of the minute.",
        "microsecond(timestamp '1992-02-15 20:38:40.5')",
        "40500000",
        DatePart::Microsecond
    ),
    Function {
        names: &["nanosecond"],
        syntax: "nanosecond(at)",
        doc: "Returns the nanoseconds of the minute.",
        example: ("nanosecond(timestamp '1992-02-15 20:38:40.5')", "40500000000"),
        overloads: &[
            takes(&[Date], BigInt, |call| whole(call, DatePart::Nanosecond)),
            takes(&[Timestamp], BigInt, |call| whole(call, DatePart::Nanosecond)),
            takes(&[TimestampNs], BigInt, nanosecond),
            takes(&[TimestampTz], BigInt, |call| whole(call, DatePart::Nanosecond)),
            takes(&[Time], BigInt, |call| whole(call, DatePart::Nanosecond)),
            takes(&[Interval], BigInt, |call| whole(call, DatePart::Nanosecond)),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["epoch"],
        syntax: "epoch(at)",
        doc: "Returns the seconds since 1970, since midnight, or of an interval.",
        example: ("epoch(timestamp '2022-11-07 08:43:04')", "1667810584.0"),
        overloads: &[
            takes(&[Date], Double, |call| double(call, DatePart::Epoch)),
            takes(&[Timestamp], Double, |call| double(call, DatePart::Epoch)),
            takes(&[TimestampTz], Double, |call| double(call, DatePart::Epoch)),
            takes(&[Time], Double, |call| double(call, DatePart::Epoch)),
            takes(&[Interval], Double, |call| double(call, DatePart::Epoch)),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["epoch_ms"],
        syntax: "epoch_ms(at)",
        doc: "Returns the milliseconds since 1970; of a number, the timestamp so many milliseconds after 1970.",
        example: ("epoch_ms(timestamp '2022-11-07 08:43:04')", "1667810584000"),
        overloads: &[
            takes(&[BigInt], Timestamp, |call| {
                call.map1(|millis: i64| match millis.checked_mul(1_000) {
                    Some(micros) => Ok(Some(Micros(micros))),
                    None => fail(format!("epoch_ms: {millis} is out of range")),
                })
            }),
            takes(&[Date], BigInt, |call| epoch(call, 1_000)),
            takes(&[Timestamp], BigInt, |call| epoch(call, 1_000)),
            takes(&[TimestampTz], BigInt, |call| epoch(call, 1_000)),
            takes(&[Time], BigInt, |call| epoch(call, 1_000)),
            takes(&[Interval], BigInt, |call| epoch(call, 1_000)),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["epoch_us"],
        syntax: "epoch_us(at)",
        doc: "Returns the microseconds since 1970.",
        example: ("epoch_us(timestamp '2022-11-07 08:43:04')", "1667810584000000"),
        overloads: &[
            takes(&[Date], BigInt, |call| epoch(call, 1_000_000)),
            takes(&[Timestamp], BigInt, |call| epoch(call, 1_000_000)),
            takes(&[TimestampTz], BigInt, |call| epoch(call, 1_000_000)),
            takes(&[Time], BigInt, |call| epoch(call, 1_000_000)),
            takes(&[Interval], BigInt, |call| epoch(call, 1_000_000)),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["epoch_ns"],
        syntax: "epoch_ns(at)",
        doc: "Returns the nanoseconds since 1970.",
        example: ("epoch_ns(timestamp '2022-11-07 08:43:04')", "1667810584000000000"),
        overloads: &[
            takes(&[Date], BigInt, |call| epoch(call, 1_000_000_000)),
            takes(&[Timestamp], BigInt, |call| epoch(call, 1_000_000_000)),
            takes(&[TimestampNs], BigInt, |call| call.map1(|Nanos(nanos): Nanos| Ok(Some(nanos)))),
            takes(&[TimestampTz], BigInt, |call| epoch(call, 1_000_000_000)),
            takes(&[Time], BigInt, |call| epoch(call, 1_000_000_000)),
            takes(&[Interval], BigInt, |call| epoch(call, 1_000_000_000)),
        ],
        ..Function::TIMESTAMP
    },
    Function {
        names: &["julian"],
        syntax: "julian(at)",
        doc: "Returns the Julian day, with its fraction.",
        example: ("julian(timestamp '1992-09-20 12:00:00')", "2448886.5"),
        overloads: &[
            takes(&[Date], Double, |call| double(call, DatePart::Julian)),
            takes(&[Timestamp], Double, |call| double(call, DatePart::Julian)),
            takes(&[TimestampTz], Double, |call| double(call, DatePart::Julian)),
        ],
        ..Function::DATE
    },
];
