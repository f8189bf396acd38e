//! The parts of dates, times and intervals.

use datafusion::{
    arrow::datatypes::{DataType, IntervalMonthDayNano},
    error::{DataFusionError, Result},
};

use super::{
    calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND},
    call::{Call, Days, Micros, TimeOfDay, fail},
    description::Typing,
};

/// A part of a date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatePart {
    Year,
    Month,
    Day,
    Decade,
    Century,
    Millennium,
    Microsecond,
    Millisecond,
    Nanosecond,
    Second,
    Minute,
    Hour,
    Epoch,
    DayOfWeek,
    IsoDayOfWeek,
    Week,
    DayOfYear,
    Quarter,
    YearWeek,
    IsoYear,
    Era,
    Timezone,
    Julian,
}

impl DatePart {
    /// Parses one of DuckDB's part names.
    pub(super) fn parse(name: &str) -> Result<Self> {
        Ok(match name.to_lowercase().as_str() {
            "year" | "yr" | "y" | "years" | "yrs" => Self::Year,
            "month" | "mon" | "months" | "mons" => Self::Month,
            "day" | "days" | "d" | "dayofmonth" => Self::Day,
            "decade" | "decades" | "dec" | "decs" => Self::Decade,
            "century" | "centuries" | "cent" | "c" => Self::Century,
            "millennium" | "millennia" | "millenium" | "millenia" | "millenniums" | "mil" | "mils" => {
                Self::Millennium
            }
            "microsecond" | "microseconds" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
                Self::Microsecond
            }
            "millisecond" | "milliseconds" | "ms" | "msec" | "msecs" => Self::Millisecond,
            "second" | "seconds" | "sec" | "secs" | "s" => Self::Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Self::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Self::Hour,
            "epoch" => Self::Epoch,
            "dow" | "dayofweek" | "weekday" => Self::DayOfWeek,
            "isodow" => Self::IsoDayOfWeek,
            "week" | "weeks" | "w" | "weekofyear" => Self::Week,
            "doy" | "dayofyear" => Self::DayOfYear,
            "quarter" | "quarters" => Self::Quarter,
            "yearweek" => Self::YearWeek,
            "isoyear" => Self::IsoYear,
            "era" => Self::Era,
            "timezone" | "timezone_hour" | "timezone_minute" => Self::Timezone,
            "julian" | "jd" => Self::Julian,
            _ => {
                let known = [
                    "year",
                    "quarter",
                    "month",
                    "week",
                    "day",
                    "hour",
                    "minute",
                    "second",
                    "millisecond",
                    "microsecond",
                    "decade",
                    "century",
                    "millennium",
                    "epoch",
                    "dow",
                    "isodow",
                    "doy",
                    "isoyear",
                    "yearweek",
                    "era",
                    "julian",
                ];
                let near = crate::diag::near::question(name, known.iter().copied())
                    .map(|question| format!(": {question}"));
                return fail(format!("unknown part `{name}` of a date{}", near.unwrap_or_default()));
            }
        })
    }

    /// Parses a literal part while the query is planned.
    pub(super) fn planned(typing: &Typing, argument: usize) -> Result<Option<Self>> {
        typing
            .text(argument)
            .map(|name| {
                Self::parse(name).map_err(|error| DataFusionError::Plan(crate::engine::message(&error)))
            })
            .transpose()
    }

    pub(super) fn is_double(self) -> bool {
        matches!(self, Self::Epoch | Self::Julian)
    }

    /// Rejects a part that a type doesn't have. In a struct of parts, a date has no time parts.
    pub(super) fn check(self, of: &DataType, in_struct: bool) -> Result<()> {
        let of_time = matches!(
            self,
            Self::Hour
                | Self::Minute
                | Self::Second
                | Self::Millisecond
                | Self::Microsecond
                | Self::Nanosecond
        );
        let of_length = matches!(
            self,
            Self::Year
                | Self::Month
                | Self::Day
                | Self::Decade
                | Self::Century
                | Self::Millennium
                | Self::Quarter
        );
        let (has, what) = match of {
            DataType::Date32 => (self != Self::Timezone && !(of_time && in_struct), "a date"),
            DataType::Time64(_) => (of_time || matches!(self, Self::Epoch | Self::Timezone), "a time"),
            DataType::Interval(_) => (of_time || of_length || self == Self::Epoch, "an interval"),
            _ => (true, "a timestamp"),
        };
        if has { Ok(()) } else { fail(format!("{what} has no {}", format!("{self:?}").to_lowercase())) }
    }
}

/// The parts named by an argument, parsed once if constant.
pub(super) struct DateParts<'a> {
    column: super::call::ArgumentColumn<'a, &'a str>,
    constant: Option<DatePart>,
}

impl<'a> DateParts<'a> {
    pub(super) fn new(call: &'a Call, argument: usize) -> Result<Self> {
        let constant = call.constant_value::<&str>(argument)?.map(DatePart::parse).transpose()?;
        Ok(Self { column: call.column(argument)?, constant })
    }

    pub(super) fn at(&self, row: usize) -> Result<Option<DatePart>> {
        match self.constant {
            Some(part) => Ok(Some(part)),
            None => self.column.at(row).map(DatePart::parse).transpose(),
        }
    }
}

/// A value that has parts: a timestamp, a time or an interval.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parted {
    /// Days since 1970, and microseconds of the day.
    Moment(i64, i64),
    Time(i64),
    Interval(IntervalMonthDayNano),
    /// An infinite date, which has no parts.
    Infinite,
}

impl Parted {
    fn of_date(at: Days) -> Self {
        if calendar::is_finite_date(at) { Self::Moment(at.0.into(), 0) } else { Self::Infinite }
    }

    fn of_timestamp(at: Micros) -> Self {
        if !calendar::is_finite(at) {
            return Self::Infinite;
        }
        let (days, micros) = calendar::split(at);
        Self::Moment(days, micros)
    }

    /// Returns the microseconds of the time of day or interval.
    fn micros(self) -> i64 {
        match self {
            Self::Moment(_, micros) | Self::Time(micros) => micros,
            Self::Interval(value) => value.nanoseconds / 1_000,
            Self::Infinite => 0,
        }
    }

    /// Returns an integer part, or `None` if the value doesn't have it.
    pub(super) fn whole(self, part: DatePart) -> Result<Option<i64>> {
        let micros = self.micros();
        let of_time = match part {
            DatePart::Hour => micros / MICROS_PER_HOUR,
            DatePart::Minute => micros % MICROS_PER_HOUR / MICROS_PER_MINUTE,
            DatePart::Second => micros % MICROS_PER_MINUTE / MICROS_PER_SECOND,
            DatePart::Millisecond => micros % MICROS_PER_MINUTE / 1_000,
            DatePart::Microsecond => micros % MICROS_PER_MINUTE,
            DatePart::Nanosecond => micros % MICROS_PER_MINUTE * 1_000,
            _ => match self {
                Self::Moment(days, _) => return Ok(Some(of_day(part, days))),
                Self::Interval(value) => return of_interval(part, value).map(Some),
                Self::Time(_) if part == DatePart::Timezone => return Ok(Some(0)),
                Self::Time(_) => return fail(format!("a time has no {part:?}").to_lowercase()),
                Self::Infinite => return Ok(None),
            },
        };
        Ok(if matches!(self, Self::Infinite) { None } else { Some(of_time) })
    }

    /// Returns the seconds since 1970 or midnight, or the Julian day.
    pub(super) fn double(self, part: DatePart) -> Result<Option<f64>> {
        Ok(Some(match (part, self) {
            (_, Self::Infinite) => return Ok(None),
            (DatePart::Julian, Self::Moment(days, micros)) => {
                (days + 2_440_588) as f64 + micros as f64 / MICROS_PER_DAY as f64
            }
            (DatePart::Julian, _) => return fail("only dates and timestamps have a Julian day"),
            (_, Self::Moment(days, micros)) => {
                // Round only once: add up in exact microseconds before converting to seconds.
                (i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(micros)) as f64 / 1e6
            }
            (_, Self::Time(micros)) => micros as f64 / 1e6,
            (_, Self::Interval(value)) => interval_seconds(value),
        }))
    }
}

fn of_day(part: DatePart, days: i64) -> i64 {
    let date = calendar::civil(days);
    let year = date.year;
    let of_years = |length| if year > 0 { (year - 1) / length + 1 } else { year / length - 1 };
    match part {
        DatePart::Year => year,
        DatePart::Month => date.month,
        DatePart::Day => date.day,
        DatePart::Decade => year / 10,
        DatePart::Century => of_years(100),
        DatePart::Millennium => of_years(1000),
        DatePart::DayOfWeek => calendar::iso_weekday(days) % 7,
        DatePart::IsoDayOfWeek => calendar::iso_weekday(days),
        DatePart::Week => calendar::iso_week(days).1,
        DatePart::IsoYear => calendar::iso_week(days).0,
        DatePart::YearWeek => {
            let (year, week) = calendar::iso_week(days);
            year * 100 + if year > 0 { week } else { -week }
        }
        DatePart::DayOfYear => calendar::day_of_year(days),
        DatePart::Quarter => (date.month - 1) / 3 + 1,
        DatePart::Era => i64::from(year > 0),
        _ => 0,
    }
}

fn of_interval(part: DatePart, value: IntervalMonthDayNano) -> Result<i64> {
    let months = i64::from(value.months);
    Ok(match part {
        DatePart::Year => months / 12,
        DatePart::Month => months % 12,
        DatePart::Day => value.days.into(),
        DatePart::Decade => months / 120,
        DatePart::Century => months / 1_200,
        DatePart::Millennium => months / 12_000,
        DatePart::Quarter => months % 12 / 3 + 1,
        other => return fail(format!("an interval has no {other:?}").to_lowercase()),
    })
}

/// Returns an interval's seconds, with 365.25 days per year and 30 days per month.
fn interval_seconds(value: IntervalMonthDayNano) -> f64 {
    let months = i128::from(value.months);
    let days = months % 12 * 30 + i128::from(value.days);
    let seconds = months / 12 * 31_557_600 + days * 86_400;
    (seconds * 1_000_000 + i128::from(value.nanoseconds / 1_000)) as f64 / 1e6
}

/// Returns a reader of an argument's values as [`Parted`].
pub(super) fn parted<'a>(
    call: &'a Call,
    argument: usize,
) -> Result<Box<dyn Fn(usize) -> Option<Parted> + 'a>> {
    Ok(match call.type_of(argument) {
        DataType::Date32 => {
            let column = call.column::<Days>(argument)?;
            Box::new(move |row| column.at(row).map(Parted::of_date))
        }
        DataType::Time64(_) => {
            let column = call.column::<TimeOfDay>(argument)?;
            Box::new(move |row| column.at(row).map(|time| Parted::Time(time.0)))
        }
        DataType::Interval(_) => {
            let column = call.column::<IntervalMonthDayNano>(argument)?;
            Box::new(move |row| column.at(row).map(Parted::Interval))
        }
        _ => {
            let column = call.column::<Micros>(argument)?;
            Box::new(move |row| column.at(row).map(Parted::of_timestamp))
        }
    })
}
