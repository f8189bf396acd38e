//! Date and timestamp formats.

use datafusion::error::Result;

use crate::engine::function::{
    calendar::{self, civil},
    call::{Micros, fail},
    date::{MONTHS, WEEKDAYS},
    postgres::{date::date, unresolved::Unresolved},
};

/// A part of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MomentPiece {
    Text(String),
    /// A pattern, unpadded if it follows `FM`.
    Field {
        name: &'static str,
        case: LetterCase,
        bare: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LetterCase {
    Upper,
    Title,
    Lower,
}

/// A `to_char` format for timestamps.
#[derive(Debug)]
pub(super) struct MomentFormat(Vec<MomentPiece>);

/// The supported patterns, longer ones before their prefixes.
const FIELDS: [&str; 24] = [
    "YYYY", "IYYY", "HH24", "HH12", "MONTH", "DDD", "DAY", "MON", "YY", "IW", "ID", "HH", "MI", "MM", "MS",
    "DD", "DY", "SS", "US", "AM", "PM", "WW", "Q", "D",
];
/// PostgreSQL's other patterns, which are not supported.
const OTHERS: [&str; 35] = [
    "SSSSS", "SSSS", "Y,YYY", "YYY", "IYY", "IY", "I", "Y", "B.C.", "A.D.", "A.M.", "P.M.", "BC", "AD", "CC",
    "FX", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "IDDD", "J", "OF", "RM", "TZH", "TZM", "TZ", "W", "TM",
    "TH", "SP", "FM", "\\",
];

impl MomentFormat {
    /// Parses a format.
    pub(super) fn parse(format: &str) -> Result<Self, Unresolved> {
        let mut pieces = Vec::new();
        let mut rest = format;
        let mut bare = false;
        while let Some(next) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
                (bare, rest) = (true, after);
                continue;
            }
            if let Some(after) = rest.strip_prefix('"') {
                let Some((text, after)) = after.split_once('"') else { return unsupported(format, "\"") };
                pieces.push(MomentPiece::Text(text.to_owned()));
                rest = after;
                continue;
            }
            if let Some((name, case, length)) = field(rest) {
                rest = &rest[length..];
                if rest.starts_with("TH") || rest.starts_with("th") {
                    return unsupported(format, "TH");
                }
                pieces.push(MomentPiece::Field { name, case, bare });
                bare = false;
                continue;
            }
            if let Some(other) = OTHERS
                .iter()
                .find(|other| rest.get(..other.len()).is_some_and(|start| start.eq_ignore_ascii_case(other)))
            {
                return unsupported(format, other);
            }
            if next.is_alphanumeric() {
                return unsupported(format, &next.to_string());
            }
            pieces.push(MomentPiece::Text(next.to_string()));
            rest = &rest[next.len_utf8()..];
        }
        Ok(Self(pieces))
    }

    /// Rejects formats with patterns that parsing doesn't support.
    pub(super) fn is_readable(&self) -> Result<(), Unresolved> {
        for piece in &self.0 {
            if let MomentPiece::Field { name, .. } = piece
                && !["YYYY", "MM", "DD", "HH24", "MI", "SS", "MON", "MONTH", "MS", "US"].contains(name)
            {
                return Err(Unresolved::new(
                    format!("the pattern `{name}` is not supported where text is read"),
                    "use YYYY, MM, DD, HH24, MI, SS, MS, US, Mon and Month",
                ));
            }
        }
        Ok(())
    }

    /// Formats a timestamp.
    pub(super) fn write(&self, at: Micros) -> String {
        let mut made = String::new();
        for piece in &self.0 {
            match piece {
                MomentPiece::Text(text) => made.push_str(text),
                MomentPiece::Field { name, case, bare } => made.push_str(&written(name, *case, *bare, at)),
            }
        }
        made
    }

    /// Parses a text in this format and returns microseconds since 1970.
    pub(super) fn read(&self, text: &str) -> Result<i64> {
        let (mut year, mut month, mut day, mut time) = (1, 1, 1, 0_i64);
        let mut rest = text.trim_start();
        let unread =
            || fail(format!("'{text}' is not in the format: cast text of the form 2024-01-31 instead"));
        for (at, piece) in self.0.iter().enumerate() {
            let MomentPiece::Field { name, .. } = piece else {
                let MomentPiece::Text(literal) = piece else { continue };
                match rest.strip_prefix(literal.as_str()) {
                    Some(after) => rest = after,
                    None => return unread(),
                }
                continue;
            };
            if matches!(*name, "MON" | "MONTH") {
                let length = if *name == "MON" {
                    3
                } else {
                    rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())
                };
                let Some(word) = rest.get(..length) else { return unread() };
                let known = |month: &&str| {
                    month.get(..length).is_some_and(|start| {
                        start.eq_ignore_ascii_case(word) && (*name == "MON" || month.len() == length)
                    })
                };
                let Some(found) = MONTHS.iter().position(known) else { return unread() };
                month = i32::try_from(found + 1).unwrap_or(1);
                rest = &rest[length..];
                continue;
            }
            // A number must have its full width if another field follows directly. Otherwise it may be
            // shorter, except for years and fractions of a second, but no digit may follow it.
            let width = match *name {
                "YYYY" => 4,
                "MS" => 3,
                "US" => 6,
                _ => 2,
            };
            let glued = matches!(self.0.get(at + 1), Some(MomentPiece::Field { .. }));
            let digits = rest.bytes().take(width).take_while(u8::is_ascii_digit).count();
            let after_digit = rest.as_bytes().get(digits).is_some_and(u8::is_ascii_digit);
            if digits == 0
                || (digits < width && (glued || matches!(*name, "YYYY" | "MS" | "US")))
                || (after_digit && !glued)
            {
                return unread();
            }
            let Ok(number) = rest[..digits].parse::<i32>() else { return unread() };
            rest = &rest[digits..];
            match *name {
                "YYYY" => year = number,
                "MM" => month = number,
                "DD" => day = number,
                "HH24" if number <= 23 => time += i64::from(number) * 3_600_000_000,
                "MI" if number <= 59 => time += i64::from(number) * 60_000_000,
                "SS" if number <= 59 => time += i64::from(number) * 1_000_000,
                "MS" => time += i64::from(number) * 1_000,
                "US" => time += i64::from(number),
                _ => return fail(format!("date/time field value out of range: '{text}'")),
            }
        }
        if !rest.trim_end().is_empty() {
            return unread();
        }
        Ok(i64::from(date(year, month, day)?.0) * calendar::MICROS_PER_DAY + time)
    }
}

fn unsupported<T>(format: &str, pattern: &str) -> Result<T, Unresolved> {
    Err(Unresolved::new(
        format!("the format '{format}' has the pattern `{pattern}`, which is not supported"),
        format!("use {}, and quote other words: \"at\"", FIELDS.join(", ")),
    ))
}

/// Returns the pattern at the start of a format, its case and its length.
fn field(format: &str) -> Option<(&'static str, LetterCase, usize)> {
    let longer = OTHERS.iter().filter(|other| {
        format.get(..other.len()).is_some_and(|start| start == **other || start == other.to_lowercase())
    });
    let longest = longer.map(|other| other.len()).max().unwrap_or(0);
    let name = FIELDS.iter().find(|name| {
        let Some(start) = format.get(..name.len()) else { return false };
        let title = is_word(name) && start[..1] == name[..1] && start[1..] == name[1..].to_lowercase();
        start == **name || start == name.to_lowercase() || title
    })?;
    if longest > name.len() {
        return None;
    }
    let start = &format[..name.len()];
    let case = if start == name.to_lowercase() {
        LetterCase::Lower
    } else if start == *name {
        LetterCase::Upper
    } else {
        LetterCase::Title
    };
    Some((name, case, name.len()))
}

fn is_word(name: &str) -> bool {
    matches!(name, "MONTH" | "MON" | "DAY" | "DY")
}

fn written(name: &str, case: LetterCase, bare: bool, at: Micros) -> String {
    let (day, time) = calendar::split(at);
    let date = civil(day);
    let hour = time / 3_600_000_000;
    let cased = |text: &str, width: usize| {
        let text = match case {
            LetterCase::Upper => text.to_uppercase(),
            LetterCase::Lower => text.to_lowercase(),
            LetterCase::Title => text.to_owned(),
        };
        if bare { text } else { format!("{text:<width$}") }
    };
    let number = |value: i64, width: usize| if bare { value.to_string() } else { format!("{value:0width$}") };
    let month = MONTHS[usize::try_from(date.month - 1).unwrap_or(0)];
    let weekday = WEEKDAYS[usize::try_from(calendar::iso_weekday(day) - 1).unwrap_or(0)];
    match name {
        "YYYY" => number(date.year, 4),
        "YY" => number(date.year % 100, 2),
        "IYYY" => number(calendar::iso_week(day).0, 4),
        "MONTH" => cased(month, 9),
        "MON" => cased(&month[..3], 0),
        "MM" => number(date.month, 2),
        "DAY" => cased(weekday, 9),
        "DY" => cased(&weekday[..3], 0),
        "DDD" => number(calendar::day_of_year(day), 3),
        "DD" => number(date.day, 2),
        "D" => (calendar::iso_weekday(day) % 7 + 1).to_string(),
        "ID" => calendar::iso_weekday(day).to_string(),
        "IW" => number(calendar::iso_week(day).1, 2),
        "WW" => number((calendar::day_of_year(day) - 1) / 7 + 1, 2),
        "Q" => ((date.month - 1) / 3 + 1).to_string(),
        "HH24" => number(hour, 2),
        "HH12" | "HH" => number(if hour % 12 == 0 { 12 } else { hour % 12 }, 2),
        "MI" => number(time / 60_000_000 % 60, 2),
        "SS" => number(time / 1_000_000 % 60, 2),
        "MS" => number(time / 1_000 % 1_000, 3),
        "US" => number(time % 1_000_000, 6),
        _ => {
            let half = if hour < 12 { "AM" } else { "PM" };
            if case == LetterCase::Lower { half.to_lowercase() } else { half.to_owned() }
        }
    }
}
