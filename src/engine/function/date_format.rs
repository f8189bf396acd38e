//! Date formats: `strftime` and its specifiers.

use std::fmt::Write as _;

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    error::{DataFusionError, Result},
};

use super::{
    calendar::{self, MICROS_PER_HOUR, MICROS_PER_MINUTE},
    call::{Arg, Call, Days, Micros, fail},
    date::{MONTHS, WEEKDAYS},
    description::{Function, Typing, computes},
    kind::ParameterKind::{Date, Timestamp, TimestampTz, Varchar},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[Function {
    names: &["strftime"],
    syntax: "strftime(at, format)",
    doc: "Writes a date or timestamp in a format: `%Y-%m-%d %H:%M:%S.%f`, `%a %A %b %B` for names, `%I %p` for twelve hours, \
          `%j` for the day of the year, `%U %W %V` for weeks, `%z %Z` for the zone, `%-d` without zeros.",
    example: ("strftime(date '1992-01-01', '%a, %-d %B %Y')", "Wed, 1 January 1992"),
    overloads: &[
        computes(
            &[Date, Varchar],
            |typing| checked(typing, 1),
            "VARCHAR",
            |call| write::<Days>(call, 0, calendar::midnight, None),
        ),
        computes(
            &[Timestamp, Varchar],
            |typing| checked(typing, 1),
            "VARCHAR",
            |call| write::<Micros>(call, 0, Some, None),
        ),
        computes(
            &[TimestampTz, Varchar],
            |typing| checked(typing, 1),
            "VARCHAR",
            |call| write::<Micros>(call, 0, Some, Some("UTC")),
        ),
        computes(
            &[Varchar, Date],
            |typing| checked(typing, 0),
            "VARCHAR",
            |call| write::<Days>(call, 1, calendar::midnight, None),
        ),
        computes(
            &[Varchar, Timestamp],
            |typing| checked(typing, 0),
            "VARCHAR",
            |call| write::<Micros>(call, 1, Some, None),
        ),
        computes(
            &[Varchar, TimestampTz],
            |typing| checked(typing, 0),
            "VARCHAR",
            |call| write::<Micros>(call, 1, Some, Some("UTC")),
        ),
    ],
    ..Function::DATE
}];

/// A part of a format string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DateFormatPiece {
    Text(String),
    /// A specifier, by letter; `padded` unless written with `-`.
    Field {
        letter: char,
        padded: bool,
    },
}

/// A parsed format string.
#[derive(Debug, Clone)]
pub(super) struct DateFormat {
    pub(super) pieces: Vec<DateFormatPiece>,
}

impl DateFormat {
    /// Parses a format string.
    pub(super) fn parse(format: &str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut characters = format.chars();
        while let Some(next) = characters.next() {
            if next != '%' {
                text.push(next);
                continue;
            }
            let (letter, padded) = match characters.next() {
                Some('-') => (characters.next(), false),
                other => (other, true),
            };
            match letter {
                Some('%') if padded => text.push('%'),
                Some(letter @ ('c' | 'x' | 'X')) if padded => {
                    let expanded = match letter {
                        'c' => "%Y-%m-%d %H:%M:%S",
                        'x' => "%Y-%m-%d",
                        _ => "%H:%M:%S",
                    };
                    flush(&mut text, &mut pieces);
                    pieces.extend(Self::parse(expanded)?.pieces);
                }
                Some(letter)
                    if (if padded { "aAwudbhBmyYGHIpMSfgnzZjUVW" } else { "dmyHIMSj" }).contains(letter) =>
                {
                    flush(&mut text, &mut pieces);
                    pieces.push(DateFormatPiece::Field { letter, padded });
                }
                Some(letter) => {
                    let dash = if padded { "" } else { "-" };
                    return fail(format!("the format `{format}` has an unknown specifier `%{dash}{letter}`"));
                }
                None => return fail(format!("the format `{format}` ends in the middle of a specifier")),
            }
        }
        flush(&mut text, &mut pieces);
        Ok(Self { pieces })
    }

    /// Returns whether any specifier is among these letters.
    pub(super) fn has(&self, letters: &str) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, DateFormatPiece::Field { letter, .. } if letters.contains(*letter)))
    }

    /// Formats a timestamp.
    fn write(&self, at: Micros, zone: Option<&str>) -> String {
        if let Some(infinite) = calendar::infinite_timestamp(at) {
            return infinite.into();
        }
        let (day, time) = calendar::split(at);
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                DateFormatPiece::Text(plain) => text.push_str(plain),
                DateFormatPiece::Field { letter, padded } => {
                    field(&mut text, *letter, *padded, day, time, zone);
                }
            }
        }
        text
    }
}

fn flush(text: &mut String, pieces: &mut Vec<DateFormatPiece>) {
    if !text.is_empty() {
        pieces.push(DateFormatPiece::Text(std::mem::take(text)));
    }
}

fn field(text: &mut String, letter: char, padded: bool, day: i64, time: i64, zone: Option<&str>) {
    let date = calendar::civil(day);
    let (hour, minute) = (time / MICROS_PER_HOUR, time % MICROS_PER_HOUR / MICROS_PER_MINUTE);
    let micros = time % MICROS_PER_MINUTE;
    let weekday = calendar::iso_weekday(day);
    let named = |names: &[&'static str], at: i64| {
        usize::try_from(at - 1).ok().and_then(|at| names.get(at)).copied().unwrap_or("")
    };
    let short = |name: &'static str| &name[..name.len().min(3)];
    let day_of_year = calendar::day_of_year(day);
    let (number, width) = match letter {
        'a' => return text.push_str(short(named(&WEEKDAYS, weekday))),
        'A' => return text.push_str(named(&WEEKDAYS, weekday)),
        'b' | 'h' => return text.push_str(short(named(&MONTHS, date.month))),
        'B' => return text.push_str(named(&MONTHS, date.month)),
        'p' => return text.push_str(if hour < 12 { "AM" } else { "PM" }),
        'z' => return text.push_str("+00"),
        'Z' => return text.push_str(zone.unwrap_or("")),
        'w' => (weekday % 7, 1),
        'u' => (weekday, 1),
        'd' => (date.day, 2),
        'm' => (date.month, 2),
        'y' => (date.year.rem_euclid(100), 2),
        'Y' if date.year < 0 => (date.year, 1),
        'Y' => (date.year, 4),
        'G' => (calendar::iso_week(day).0, 4),
        'V' => (calendar::iso_week(day).1, 2),
        'H' => (hour, 2),
        'I' => ((hour + 11) % 12 + 1, 2),
        'M' => (minute, 2),
        'S' => (micros / 1_000_000, 2),
        'f' => (micros % 1_000_000, 6),
        'g' => (micros % 1_000_000 / 1_000, 3),
        'n' => (micros % 1_000_000 * 1_000, 9),
        'j' => (day_of_year, 3),
        // Weeks start on Sunday or Monday; days before the first full week are in week 0.
        'U' => ((day_of_year + 6 - weekday % 7) / 7, 2),
        _ => ((day_of_year + 7 - weekday) / 7, 2),
    };
    let width = if padded { width } else { 1 };
    let _ = write!(text, "{number:0width$}");
}

/// A column of formats, parsed once for each run of equal values.
pub(super) struct Formats<'a> {
    column: super::call::ArgumentColumn<'a, &'a str>,
    last: std::cell::RefCell<Option<(&'a str, std::rc::Rc<DateFormat>)>>,
}

impl<'a> Formats<'a> {
    pub(super) fn new(call: &'a Call, argument: usize) -> Result<Self> {
        Ok(Self { column: call.column(argument)?, last: std::cell::RefCell::default() })
    }

    pub(super) fn at(&self, row: usize) -> Result<Option<std::rc::Rc<DateFormat>>> {
        let Some(text) = self.column.at(row) else { return Ok(None) };
        let mut last = self.last.borrow_mut();
        if let Some((known, format)) = last.as_ref()
            && *known == text
        {
            return Ok(Some(std::rc::Rc::clone(format)));
        }
        let format = std::rc::Rc::new(not_empty(text)?);
        *last = Some((text, std::rc::Rc::clone(&format)));
        Ok(Some(format))
    }
}

/// Rejects a format that is a column or an invalid literal while the query is planned.
fn checked(typing: &Typing, argument: usize) -> Result<DataType> {
    typing.constant(argument, "the format of `strftime`")?;
    if let Some(format) = typing.text(argument) {
        not_empty(format).map_err(|error| DataFusionError::Plan(crate::engine::message(&error)))?;
    }
    Ok(DataType::Utf8)
}

/// Parses a format, rejecting an empty one.
pub(super) fn not_empty(text: &str) -> Result<DateFormat> {
    if text.is_empty() { fail("the format is empty") } else { DateFormat::parse(text) }
}

fn write<'a, A: Arg<'a>>(
    call: &'a Call,
    argument: usize,
    moment: impl Fn(A) -> Option<Micros>,
    zone: Option<&str>,
) -> Result<ArrayRef> {
    let values = call.column::<A>(argument)?;
    let formats = Formats::new(call, 1 - argument)?;
    call.each(|row| match (values.at(row), formats.at(row)?) {
        (Some(value), Some(format)) => match moment(value) {
            Some(at) => Ok(Some(format.write(at, zone))),
            None => fail("strftime: the date is out of range for a timestamp"),
        },
        _ => Ok(None),
    })
}
