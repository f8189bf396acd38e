//! The style of a placeholder: width, alignment, sign and digits.

use super::value::{FormatValue, Formatted};
use crate::engine::cast::double;

/// A format specification.
#[derive(Debug, Clone, Default)]
pub(super) struct PlaceholderStyle {
    pub(super) fill: Option<char>,
    /// `<`, `>` or `^`; if absent, the value's type determines the alignment.
    pub(super) align: Option<char>,
    /// The sign before non-negative numbers: `+` or a space.
    pub(super) sign: Option<char>,
    pub(super) alternate: bool,
    pub(super) zeros: bool,
    pub(super) width: usize,
    pub(super) precision: Option<usize>,
    pub(super) thousands: Option<char>,
    pub(super) letter: Option<char>,
}

impl PlaceholderStyle {
    pub(super) fn write(&self, value: &FormatValue, is_printf: bool) -> Formatted {
        match value {
            FormatValue::Boolean(value) => match self.letter {
                None | Some('s') => self.text(if *value { "true" } else { "false" }),
                Some(_) => self.integer(i128::from(*value), is_printf),
            },
            FormatValue::Integer(value) => self.integer(*value, is_printf),
            FormatValue::Float(value) => self.float(*value),
            FormatValue::Text(value) => match self.letter {
                None | Some('s') => self.text(value),
                Some(letter) => Err(format!("`{letter}` is no format of text")),
            },
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as its siblings")]
    pub(super) fn text(&self, value: &str) -> Formatted {
        let kept: String = match self.precision {
            Some(length) => value.chars().take(length).collect(),
            None => value.to_owned(),
        };
        Ok(self.aligned("", &kept, '<'))
    }

    pub(super) fn integer(&self, value: i128, is_printf: bool) -> Formatted {
        if self.precision.is_some() && !is_printf {
            return Err("an integer has no precision".into());
        }
        let size = value.unsigned_abs();
        // Grouped digits are always decimal, whatever the letter.
        let letter = self.letter.filter(|_| self.thousands.is_none());
        let (prefix, digits) = match letter {
            None | Some('d' | 'n' | 'L') => ("", size.to_string()),
            Some('x') => ("0x", format!("{size:x}")),
            Some('X') => ("0X", format!("{size:X}")),
            Some('o') => ("0", format!("{size:o}")),
            Some('b') => ("0b", format!("{size:b}")),
            Some('B') => ("0B", format!("{size:b}")),
            Some('c') if is_printf => {
                let character = u32::try_from(value).ok().and_then(char::from_u32);
                return Ok(self.aligned("", &character.ok_or("no such character")?.to_string(), '<'));
            }
            Some(letter) => return Err(format!("`{letter}` is no format of an integer")),
        };
        let prefix = if self.alternate { prefix } else { "" };
        let least = self.precision.unwrap_or(0);
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        Ok(self.aligned(&format!("{}{prefix}", self.sign_of(value < 0)), &self.grouped(&digits), '>'))
    }

    pub(super) fn float(&self, value: f64) -> Formatted {
        let size = value.abs();
        let mut digits = match self.letter {
            _ if !size.is_finite() => (if size.is_nan() { "nan" } else { "inf" }).to_owned(),
            None if self.precision.is_none() => shortest(size),
            None => padded_general(size, self.precision.unwrap_or(6)),
            Some('g' | 'G') => general(size, self.precision.unwrap_or(6)),
            Some('f' | 'F') => format!("{size:.*}", self.precision.unwrap_or(6)),
            Some('e' | 'E') => scientific(size, self.precision.unwrap_or(6)),
            Some(letter) => return Err(format!("`{letter}` is no format of a number with decimal places")),
        };
        if matches!(self.letter, Some('E' | 'G' | 'F')) {
            digits = digits.to_uppercase();
        }
        let sign = self.sign_of(value.is_sign_negative() && !value.is_nan());
        Ok(self.aligned(sign, &self.grouped(&digits), '>'))
    }

    pub(super) fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(_)) => " ",
            (false, None) => "",
        }
    }

    /// Inserts thousands separators into the digits before the point.
    pub(super) fn grouped(&self, digits: &str) -> String {
        let Some(mark) = self.thousands else { return digits.to_owned() };
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let mut grouped = String::new();
        for (at, digit) in digits[..whole].chars().enumerate() {
            if at > 0 && (whole - at) % 3 == 0 {
                grouped.push(mark);
            }
            grouped.push(digit);
        }
        grouped + &digits[whole..]
    }

    pub(super) fn aligned(&self, sign: &str, digits: &str, usual: char) -> String {
        let length = sign.chars().count() + digits.chars().count();
        let missing = self.width.saturating_sub(length);
        if self.zeros && self.align.is_none() && usual == '>' {
            return format!("{sign}{}{digits}", "0".repeat(missing));
        }
        let fill = self.fill.unwrap_or(' ').to_string();
        let before = match self.align.unwrap_or(usual) {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        format!("{}{sign}{digits}{}", fill.repeat(before), fill.repeat(missing - before))
    }
}

/// Formats a number with the shortest digits that parse back to it, as DuckDB does.
fn shortest(size: f64) -> String {
    double(size)
}

/// Formats a number with an exponent: `1.5e+00`.
fn scientific(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// Formats a number as the shorter of `f` and `e` when no letter is given: a number of at least 1 keeps
/// trailing zeros up to the precision, and at least one.
fn padded_general(size: f64, precision: usize) -> String {
    let short = general(size, precision);
    if precision == 0 {
        return short;
    }
    let (mantissa, exponent) = short.split_once('e').map_or((short.as_str(), None), |(m, e)| (m, Some(e)));
    if exponent.is_none() && mantissa.starts_with("0.") {
        return short;
    }
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let missing = precision.saturating_sub(digits);
    let mut text = mantissa.to_owned();
    if !text.contains('.') && (missing > 0 || exponent.is_none()) {
        text.push('.');
        if missing == 0 {
            text.push('0');
        }
    }
    text.extend(std::iter::repeat_n('0', missing));
    match exponent {
        Some(exponent) => format!("{text}e{exponent}"),
        None => text,
    }
}

/// Formats a number as the shorter of `f` and `e`, with `precision` significant digits and no trailing zeros.
fn general(size: f64, precision: usize) -> String {
    let precision = precision.max(1);
    let rounded = format!("{size:.*e}", precision - 1);
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let wide = i32::try_from(precision).unwrap_or(i32::MAX);
    let trim = |text: &str| {
        let kept = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        kept.to_owned()
    };
    if exponent < -4 || exponent >= wide {
        let text = scientific(size, precision - 1);
        let (mantissa, tail) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{tail}", trim(mantissa));
    }
    let places = usize::try_from(wide - 1 - exponent).unwrap_or(0);
    trim(&format!("{size:.places$}"))
}
