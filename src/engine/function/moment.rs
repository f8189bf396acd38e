//! Timestamp parsing by format, for `strptime`.

use chrono_tz::Tz;

use super::{
    calendar::{self, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND},
    call::Micros,
    date::{MONTHS, WEEKDAYS},
    date_format::{DateFormat, DateFormatPiece},
    zone,
};
use crate::engine::cast::zone::parse_zone;

/// A parsed timestamp: microseconds since 1970 plus the remaining nanoseconds, or infinity.
pub(super) enum ParsedMoment {
    At(Micros, i64),
    Infinite(i64),
}

/// The fields that determine the date. A later field can override an earlier one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    #[default]
    None,
    /// A year, which later fields can refine.
    Year,
    /// Month and day, which override all other fields.
    Date,
    DayOfYear,
    /// A week number; weeks start on this weekday: 7 is Sunday, 1 Monday.
    Week(i64),
    Iso,
}

/// The parsed parts of a timestamp; missing ones default to those of 1900-01-01.
struct ParsedParts {
    scheme: Scheme,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    afternoon: Option<bool>,
    day_of_year: i64,
    week: i64,
    /// The weekday, where Sunday is 0.
    weekday: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    /// The weekday, where Monday is 1.
    iso_weekday: Option<i64>,
    offset: i64,
    zone: Option<Tz>,
}

impl Default for ParsedParts {
    fn default() -> Self {
        Self {
            scheme: Scheme::None,
            year: 1900,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            afternoon: None,
            day_of_year: 1,
            week: 0,
            weekday: None,
            iso_year: None,
            iso_week: None,
            iso_weekday: None,
            offset: 0,
            zone: None,
        }
    }
}

pub(super) type Read<T> = std::result::Result<T, String>;

/// Parses a text; `zoned` if the format has a time zone.
pub(super) fn moment(text: &str, format: &DateFormat, zoned: bool) -> Read<ParsedMoment> {
    match text.trim().to_ascii_lowercase().as_str() {
        "infinity" => return Ok(ParsedMoment::Infinite(1)),
        "-infinity" => return Ok(ParsedMoment::Infinite(-1)),
        "epoch" => return Ok(ParsedMoment::At(Micros(0), 0)),
        _ => {}
    }
    let mut rest = text.trim_start();
    let mut found = ParsedParts::default();
    for piece in &format.pieces {
        rest = match piece {
            DateFormatPiece::Text(plain) => skip(rest, plain)?,
            DateFormatPiece::Field { letter, .. } => found.field(*letter, rest)?,
        };
    }
    if !rest.trim_start().is_empty() {
        return Err(format!("`{rest}` is left over"));
    }
    found.moment(zoned)
}

/// Skips literal text of the format. Whitespace matches any amount of whitespace, but at least one character.
fn skip<'a>(mut rest: &'a str, plain: &str) -> Read<&'a str> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let mut wanted = plain;
    while let Some(next) = wanted.chars().next() {
        if is_space(next) {
            if !rest.starts_with(is_space) {
                return Err("a space is missing".into());
            }
            (rest, wanted) = (rest.trim_start_matches(is_space), wanted.trim_start_matches(is_space));
            continue;
        }
        rest = rest.strip_prefix(next).ok_or_else(|| format!("`{next}` is missing"))?;
        wanted = &wanted[next.len_utf8()..];
    }
    Ok(rest)
}

/// Parses a number of at most `digits` digits.
fn number(rest: &str, digits: usize) -> Read<(i64, &str)> {
    let length = rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(length);
    Ok((number.parse().map_err(|_| "a number is missing".to_owned())?, rest))
}

fn within(value: i64, least: i64, most: i64, name: &str) -> Read<i64> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("{value} is no {name}")) }
}

/// Parses one of several names, in full or by its first three letters, and returns its 1-based position.
fn name<'a>(rest: &'a str, names: &[&str], short: bool, what: &str) -> Read<(i64, &'a str)> {
    for (position, name) in (1..).zip(names) {
        let name = if short { &name[..3] } else { name };
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return Ok((position, &rest[name.len()..]));
        }
    }
    Err(format!("the name of a {what} is missing"))
}

impl ParsedParts {
    /// Parses a field and returns the remaining text.
    fn field<'a>(&mut self, letter: char, rest: &'a str) -> Read<&'a str> {
        match letter {
            'a' | 'A' => return name(rest, &WEEKDAYS, letter == 'a', "day").map(|(_, rest)| rest),
            'b' | 'h' | 'B' => {
                let (month, rest) = name(rest, &MONTHS, letter != 'B', "month")?;
                self.month = month;
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
                let rest = rest.trim_start();
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(length);
                if name.is_empty() {
                    return Err("the name of a time zone is missing".into());
                }
                self.zone = Some(parse_zone(name).map_err(|error| crate::engine::message(&error))?);
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
            'H' => self.hour = within(value, 0, 23, "hour")?,
            'I' => self.hour = within(value, 1, 12, "hour of twelve")?,
            'M' => self.minute = within(value, 0, 59, "minute")?,
            'S' => self.second = within(value, 0, 59, "second")?,
            'f' => self.nanos = fraction(6) * 1_000,
            'g' => self.nanos = fraction(3) * 1_000_000,
            'n' => self.nanos = fraction(9),
            _ => self.day(letter, value)?,
        }
        Ok(after)
    }

    /// Records a field that determines the date.
    fn day(&mut self, letter: char, value: i64) -> Read<()> {
        match letter {
            'Y' | 'y' => {
                self.year = match letter {
                    'Y' => value,
                    _ => value + if value < 69 { 2000 } else { 1900 },
                };
                if matches!(self.scheme, Scheme::None | Scheme::Iso) {
                    self.scheme = Scheme::Year;
                }
            }
            'm' => {
                self.month = within(value, 1, 12, "month")?;
                self.scheme = Scheme::Date;
            }
            'd' => {
                self.day = within(value, 1, 31, "day")?;
                self.scheme = Scheme::Date;
            }
            'j' => {
                self.day_of_year = within(value, 1, 366, "day of the year")?;
                self.count_from_year(Scheme::DayOfYear)?;
            }
            'U' | 'W' => {
                self.week = within(value, 0, 53, "week")?;
                self.count_from_year(Scheme::Week(if letter == 'U' { 7 } else { 1 }))?;
            }
            'w' => self.weekday = Some(within(value, 0, 6, "weekday")?),
            'u' => {
                if self.iso_weekday.is_some() {
                    return Err("%u occurs twice".into());
                }
                self.iso_weekday = Some(within(value, 1, 7, "weekday")?);
            }
            'G' => {
                self.count_in_iso_years(self.iso_year.is_some())?;
                self.iso_year = Some(value);
            }
            'V' => {
                if self.scheme == Scheme::Year {
                    return Err("an ISO week doesn't go with the year before it: use %G".into());
                }
                self.count_in_iso_years(self.iso_week.is_some())?;
                self.iso_week = Some(within(value, 1, 53, "week")?);
            }
            other => return Err(format!("%{other} can't be read")),
        }
        Ok(())
    }

    /// Records a day or week of the year, which overrides the year but not a month or day.
    fn count_from_year(&mut self, scheme: Scheme) -> Read<()> {
        match self.scheme {
            Scheme::Date => {}
            Scheme::None | Scheme::Year => self.scheme = scheme,
            Scheme::DayOfYear | Scheme::Week(_) | Scheme::Iso => {
                return Err("two fields count from the start of the year".into());
            }
        }
        Ok(())
    }

    /// Records an ISO year or week, which doesn't override a year, month or day.
    fn count_in_iso_years(&mut self, again: bool) -> Read<()> {
        match self.scheme {
            Scheme::Date | Scheme::Year => {}
            Scheme::None => self.scheme = Scheme::Iso,
            Scheme::Iso if !again => {}
            Scheme::Iso => return Err("an ISO year or week occurs twice".into()),
            Scheme::DayOfYear | Scheme::Week(_) => {
                return Err("an ISO year or week doesn't go with a day or week of the year".into());
            }
        }
        Ok(())
    }

    /// Parses `+02`, `-0530` or `+05:30`.
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

    fn moment(&self, zoned: bool) -> Read<ParsedMoment> {
        let day = self.day_since_1970()?;
        let hour = match self.afternoon {
            Some(_) if self.hour > 12 => {
                return Err(format!("{} is no hour of AM or PM", self.hour));
            }
            Some(true) => self.hour % 12 + 12,
            Some(false) => self.hour % 12,
            None => self.hour,
        };
        let time = hour * MICROS_PER_HOUR
            + self.minute * MICROS_PER_MINUTE
            + self.second * MICROS_PER_SECOND
            + self.nanos / 1_000
            - self.offset;
        let local = Micros(day * MICROS_PER_DAY + time);
        let at = match self.zone {
            Some(zone) if zoned => zone::to_utc(local, zone),
            _ => local,
        };
        Ok(ParsedMoment::At(at, self.nanos % 1_000))
    }

    fn day_since_1970(&self) -> Read<i64> {
        let january = calendar::days(self.year, 1, 1);
        match self.scheme {
            Scheme::Iso => {
                let fourth = calendar::days(self.iso_year.unwrap_or(1900), 1, 4);
                let monday = fourth - calendar::iso_weekday(fourth) + 1;
                Ok(monday + (self.iso_week.unwrap_or(1) - 1) * 7 + self.iso_weekday.unwrap_or(1) - 1)
            }
            Scheme::DayOfYear => Ok(january + self.day_of_year - 1),
            Scheme::Week(first) => {
                let before_first = (first - calendar::iso_weekday(january)).rem_euclid(7);
                let weekday = self.weekday.map_or(0, |weekday| (weekday + 7 - first % 7) % 7);
                Ok(january + before_first + (self.week - 1) * 7 + weekday)
            }
            Scheme::None | Scheme::Year | Scheme::Date => {
                match calendar::checked_days(self.year, self.month, self.day) {
                    Some(found) => Ok(found.0.into()),
                    None => Err(format!("there is no date {}-{}-{}", self.year, self.month, self.day)),
                }
            }
        }
    }
}
