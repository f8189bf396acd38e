//! Dates and timestamps read from text: `strptime`.

use chrono_tz::Tz;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{DataType, TimeUnit},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};

use super::{
    calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND},
    call::{Call, Micros, fail},
    date::{MONTHS, WEEKDAYS},
    date_format::{Format, Formats, Piece},
    description::{Function, Typing, computes},
    kind::{
        Kind::{List, Varchar},
        UTC,
    },
    zone,
};

/// The functions of this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["strptime"],
        syntax: "strptime(text, format)",
        doc: "Reads a timestamp in a format of `strftime`, or in the first of a list of formats that fits. With `%z` or \
              `%Z` the result has a time zone.",
        example: ("strptime('Wed, 1 January 1992', '%a, %-d %B %Y')", "1992-01-01 00:00:00"),
        overloads: &[
            computes(&[Varchar, Varchar], type_of_format, "TIMESTAMP", |call| read(call, false)),
            computes(&[Varchar, List(&Varchar)], type_of_format, "TIMESTAMP", |call| read_any(call, false)),
        ],
        ..Function::DATE
    },
    Function {
        names: &["try_strptime"],
        syntax: "try_strptime(text, format)",
        doc: "Returns the same as `strptime`, but NULL for a text that does not fit.",
        example: ("try_strptime('nonsense', '%Y')", "NULL"),
        overloads: &[
            computes(&[Varchar, Varchar], type_of_format, "TIMESTAMP", |call| read(call, true)),
            computes(&[Varchar, List(&Varchar)], type_of_format, "TIMESTAMP", |call| read_any(call, true)),
        ],
        ..Function::DATE
    },
];

fn type_of_format(typing: &Typing) -> Result<DataType> {
    let planned = |error: DataFusionError| DataFusionError::Plan(crate::engine::message(&error));
    let formats: Vec<Format> = match typing.literals.get(1) {
        Some(Some(ScalarValue::List(list))) if list.is_valid(0) => {
            let formats = list.value(0);
            let formats = formats.as_string_opt::<i32>();
            formats
                .into_iter()
                .flat_map(|formats| formats.iter().flatten())
                .map(format)
                .collect::<Result<_>>()
        }
        _ => typing.text(1).map(format).into_iter().collect(),
    }
    .map_err(planned)?;
    let zone = formats.iter().any(|format| format.has("zZ")).then(|| UTC.into());
    Ok(DataType::Timestamp(TimeUnit::Microsecond, zone))
}

/// A format that has something to read.
fn format(text: &str) -> Result<Format> {
    if text.is_empty() { fail("the format is empty") } else { Format::parse(text) }
}

fn read(call: &Call, lenient: bool) -> Result<ArrayRef> {
    let texts = call.column::<&str>(0)?;
    let formats = Formats::new(call, 1)?;
    let zoned = matches!(call.returns(), DataType::Timestamp(_, Some(_)));
    call.each(|row| {
        let (Some(text), Some(format)) = (texts.at(row), formats.at(row)?) else { return Ok(None) };
        match moment(text, &format, zoned) {
            Ok(at) => Ok(Some(at)),
            Err(_) if lenient => Ok(None),
            Err(reason) => fail(format!("strptime: can't read `{text}`: {reason}")),
        }
    })
}

fn read_any(call: &Call, lenient: bool) -> Result<ArrayRef> {
    let texts = call.column::<&str>(0)?;
    let lists = call.column::<ArrayRef>(1)?;
    let zoned = matches!(call.returns(), DataType::Timestamp(_, Some(_)));
    let constant = call.constant(1).is_some();
    let mut known: Option<Vec<Format>> = None;
    call.each(|row| {
        let (Some(text), Some(list)) = (texts.at(row), lists.at(row)) else { return Ok(None) };
        if known.is_none() || !constant {
            known = Some(list.as_string::<i32>().iter().flatten().map(format).collect::<Result<_>>()?);
        }
        let formats = known.as_deref().unwrap_or_default();
        match formats.iter().find_map(|format| moment(text, format, zoned).ok()) {
            Some(at) => Ok(Some(at)),
            None if lenient => Ok(None),
            None => fail(format!("strptime: `{text}` fits none of the formats")),
        }
    })
}

/// What was read of a moment.
#[derive(Default)]
struct Found {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    afternoon: Option<bool>,
    day_of_year: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    /// The number of a week and the weekday it begins with: 7 for Sunday, 1 for Monday.
    week: Option<(i64, i64)>,
    /// Monday is 1, Sunday 7.
    weekday: Option<i64>,
    offset: i64,
    zone: Option<Tz>,
}

type Read<T> = std::result::Result<T, String>;

fn moment(text: &str, format: &Format, zoned: bool) -> Read<Micros> {
    match text.trim().to_ascii_lowercase().as_str() {
        "infinity" => return Ok(Micros(i64::MAX)),
        "-infinity" => return Ok(Micros(-i64::MAX)),
        _ => {}
    }
    let mut rest = text.trim_start();
    let mut found = Found::default();
    for piece in &format.pieces {
        rest = match piece {
            Piece::Text(plain) => skip(rest, plain)?,
            Piece::Field { letter, .. } => found.field(*letter, rest)?,
        };
    }
    if !rest.trim_start().is_empty() {
        return Err(format!("`{rest}` is left over"));
    }
    found.moment(zoned)
}

/// Skips a text of the format; spaces match any number of spaces.
fn skip<'a>(mut rest: &'a str, plain: &str) -> Read<&'a str> {
    for wanted in plain.chars() {
        if wanted.is_ascii_whitespace() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            continue;
        }
        rest = rest.strip_prefix(wanted).ok_or_else(|| format!("`{wanted}` is missing"))?;
    }
    Ok(rest)
}

/// Reads a number of at most so many digits.
fn number(rest: &str, digits: usize) -> Read<(i64, &str)> {
    let length = rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(length);
    Ok((number.parse().map_err(|_| "a number is missing".to_owned())?, rest))
}

fn within(value: i64, least: i64, most: i64, name: &str) -> Read<i64> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("{value} is no {name}")) }
}

/// Reads one of some names, of which all or three letters count; the position from 1.
fn name<'a>(rest: &'a str, names: &[&str], short: bool, what: &str) -> Read<(i64, &'a str)> {
    for (position, name) in (1..).zip(names) {
        let name = if short { &name[..3] } else { name };
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((position, &rest[name.len()..]));
        }
    }
    Err(format!("the name of a {what} is missing"))
}

impl Found {
    /// Reads a field; gives what is left.
    fn field<'a>(&mut self, letter: char, rest: &'a str) -> Read<&'a str> {
        match letter {
            'a' | 'A' => return name(rest, &WEEKDAYS, letter == 'a', "day").map(|(_, rest)| rest),
            'b' | 'B' => {
                let (month, rest) = name(rest, &MONTHS, letter == 'b', "month")?;
                self.month = Some(month);
                return Ok(rest);
            }
            'p' => {
                let half = rest.get(..2).map(str::to_ascii_lowercase);
                self.afternoon = Some(match half.as_deref() {
                    Some("am") => false,
                    Some("pm") => true,
                    _ => return Err("AM or PM is missing".into()),
                });
                return Ok(&rest[2..]);
            }
            'z' => return self.offset(rest),
            'Z' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || "_/+-".contains(c);
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(length);
                if !name.is_empty() {
                    self.zone = Some(zone::parse(name).map_err(|error| crate::engine::message(&error))?);
                }
                return Ok(rest);
            }
            _ => {}
        }
        let most = match letter {
            'Y' | 'G' => 4,
            'j' | 'g' => 3,
            'f' => 6,
            'n' => 9,
            'w' | 'u' => 1,
            _ => 2,
        };
        let (value, after) = number(rest, most)?;
        let digits = rest.len() - after.len();
        let fraction = |to: usize| value * 10_i64.pow(u32::try_from(to.saturating_sub(digits)).unwrap_or(0));
        match letter {
            'Y' => self.year = Some(value),
            'y' => self.year = Some(value + if value < 69 { 2000 } else { 1900 }),
            'm' => self.month = Some(within(value, 1, 12, "month")?),
            'd' => self.day = Some(within(value, 1, 31, "day")?),
            'H' => self.hour = within(value, 0, 23, "hour")?,
            'I' => {
                self.hour = within(value, 1, 12, "hour of twelve")? % 12;
                self.afternoon = self.afternoon.or(Some(false));
            }
            'M' => self.minute = within(value, 0, 59, "minute")?,
            'S' => self.second = within(value, 0, 59, "second")?,
            'f' => self.micros = fraction(6),
            'g' => self.micros = fraction(3) * 1_000,
            'n' => self.micros = fraction(9) / 1_000,
            'j' => self.day_of_year = Some(within(value, 1, 366, "day of the year")?),
            'G' => self.iso_year = Some(value),
            'V' => self.iso_week = Some(within(value, 1, 53, "week")?),
            'U' => self.week = Some((within(value, 0, 53, "week")?, 7)),
            'W' => self.week = Some((within(value, 0, 53, "week")?, 1)),
            'u' => self.weekday = Some(within(value, 1, 7, "weekday")?),
            'w' => self.weekday = Some(if within(value, 0, 6, "weekday")? == 0 { 7 } else { value }),
            other => return Err(format!("%{other} can't be read")),
        }
        Ok(after)
    }

    /// `+02`, `-0530`, `+05:30`.
    fn offset<'a>(&mut self, rest: &'a str) -> Read<&'a str> {
        let wrong = || "an offset such as +02:00 is missing".to_owned();
        let sign = match rest.chars().next() {
            Some('+') => 1,
            Some('-') => -1,
            _ => return Err(wrong()),
        };
        let two = |text: &str| {
            text.get(..2)
                .filter(|two| two.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|two| two.parse::<i64>().ok())
        };
        let mut rest = &rest[1..];
        let hours = two(rest).ok_or_else(wrong)?;
        rest = &rest[2..];
        let mut minutes = 0;
        let after_colon = rest.strip_prefix(':').unwrap_or(rest);
        if let Some(found) = two(after_colon) {
            minutes = found;
            rest = &after_colon[2..];
        }
        self.offset = sign * (hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE);
        Ok(rest)
    }

    fn moment(&self, zoned: bool) -> Read<Micros> {
        let day = self.day_since_1970()?;
        let hour = match self.afternoon {
            Some(true) => self.hour % 12 + 12,
            Some(false) => self.hour % 12,
            None => self.hour,
        };
        let time = hour * MICROS_PER_HOUR
            + self.minute * MICROS_PER_MINUTE
            + self.second * MICROS_PER_SECOND
            + self.micros
            - self.offset;
        let local = Micros(day * MICROS_PER_DAY + time);
        Ok(match self.zone {
            Some(zone) if zoned => zone::to_utc(local, zone),
            _ => local,
        })
    }

    /// The day that year, month, weeks and so on say; what is missing is that of 1900-01-01.
    fn day_since_1970(&self) -> Read<i64> {
        if let Some(year) = self.iso_year {
            let january = calendar::days(year, 1, 4);
            let monday = january - calendar::iso_weekday(january) + 1;
            return Ok(monday + (self.iso_week.unwrap_or(1) - 1) * 7 + self.weekday.unwrap_or(1) - 1);
        }
        if self.iso_week.is_some() {
            return Err("an ISO week needs an ISO year: %G".into());
        }
        let year = self.year.unwrap_or(1900);
        let january = calendar::days(year, 1, 1);
        if let Some(day) = self.day_of_year {
            return Ok(january + day - 1);
        }
        if let Some((week, first)) = self.week {
            let weekday = self.weekday.unwrap_or(first);
            let before_first = (first - calendar::iso_weekday(january)).rem_euclid(7);
            return Ok(january + before_first + (week - 1) * 7 + (weekday - first).rem_euclid(7));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        match calendar::checked_days(year, month, day) {
            Some(found) => Ok(found.0.into()),
            None => Err(format!("there is no date {year}-{month}-{day}")),
        }
    }
}
