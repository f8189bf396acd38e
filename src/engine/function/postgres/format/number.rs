//! Number formats: `9`, `0`, `.`, `,`, `D`, `G` and `FM`.

use datafusion::error::Result;

use crate::{
    engine::function::{
        call::fail,
        decimal::rescaled,
        postgres::{output::decimal, unresolved::Unresolved},
    },
    text::padded,
};

/// A `to_char` format for numbers.
#[derive(Debug)]
pub(super) struct NumberFormat {
    /// The digits and commas before the decimal point, as written.
    whole: Vec<char>,
    /// The digits after the decimal point.
    fraction: Vec<char>,
    point: bool,
    /// Whether to omit padding, and trailing zeros in `9` positions.
    bare: bool,
}

impl NumberFormat {
    /// Parses a format.
    pub(super) fn parse(format: &str) -> Result<Self, Unresolved> {
        let (bare, patterns) = match format.strip_prefix("FM").or_else(|| format.strip_prefix("fm")) {
            Some(rest) => (true, rest),
            None => (false, format),
        };
        let mut made = Self { whole: Vec::new(), fraction: Vec::new(), point: false, bare };
        for letter in patterns.chars() {
            match letter.to_ascii_uppercase() {
                '9' | '0' if made.point => made.fraction.push(letter),
                '9' | '0' => made.whole.push(letter),
                ',' | 'G' if !made.point => made.whole.push(','),
                '.' | 'D' if !made.point => made.point = true,
                _ => {
                    return Err(Unresolved::new(
                        format!("the format '{format}' has `{letter}`, which is not supported for numbers"),
                        "use 9, 0, a point, commas, and FM at the start",
                    ));
                }
            }
        }
        if made.whole.is_empty() && made.fraction.is_empty() || made.whole.first() == Some(&',') {
            return Err(Unresolved::new(
                format!("the format '{format}' is not supported"),
                "begin it with 9 or 0, as in 'FM999,990.00'",
            ));
        }
        Ok(made)
    }

    /// Formats a number that has `scale` decimal places.
    pub(super) fn exact(&self, value: i128, scale: i8) -> String {
        let places = i8::try_from(self.fraction.len()).unwrap_or(38);
        let rounded = rescaled(value, scale, places).unwrap_or(value);
        self.fill(&decimal(rounded.abs(), places), rounded < 0)
    }

    /// Formats a double, which has 15 significant digits.
    pub(super) fn double(&self, value: f64) -> Result<String> {
        if !value.is_finite() {
            return fail("to_char of NaN or infinity is not supported");
        }
        let whole_digits = format!("{:.0}", value.abs()).len();
        if whole_digits + self.fraction.len() > 15 {
            return fail("to_char of a double shows at most 15 digits here: cast it to numeric(p, s)");
        }
        let text = format!("{:.*}", self.fraction.len(), value.abs());
        let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        Ok(self.fill(&text, value < 0.0 && !is_zero))
    }

    fn fill(&self, digits: &str, negative: bool) -> String {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let slots = self.whole.iter().filter(|slot| **slot != ',').count();
        let whole = if whole == "0" { "" } else { whole };
        let too_long = whole.len() > slots;
        let mut given = padded(whole, slots, true).chars().collect::<Vec<_>>().into_iter();
        // From the first `0` on, every position is filled.
        let first_zero = self.whole.iter().position(|slot| *slot == '0').unwrap_or(self.whole.len());
        let (mut text, mut begun) = (String::new(), false);
        for (at, slot) in self.whole.iter().enumerate() {
            let digit = if *slot == ',' {
                None
            } else if too_long {
                Some('#')
            } else {
                given.next()
            };
            begun |= at >= first_zero || digit.is_some_and(|digit| digit != ' ');
            text.push(match digit {
                None if begun => ',',
                Some(' ') if begun => '0',
                Some(digit) => digit,
                None => ' ',
            });
        }
        // A number below 1 keeps its leading zero if the format has no decimal places.
        if !begun && !self.whole.is_empty() && (self.fraction.is_empty()) {
            text.pop();
            text.push('0');
        }
        let mut tail: String = if too_long { "#".repeat(self.fraction.len()) } else { fraction.to_owned() };
        if self.bare && !too_long {
            let kept = self.fraction.iter().rposition(|slot| *slot == '0').map_or(0, |at| at + 1);
            while tail.len() > kept && tail.ends_with('0') {
                tail.pop();
            }
        }
        let sign = if negative {
            "-"
        } else if self.bare {
            ""
        } else {
            " "
        };
        let start = text.len() - text.trim_start().len();
        let (spaces, text) = text.split_at(start);
        let point = if self.point { "." } else { "" };
        let made = format!("{spaces}{sign}{text}{point}{tail}");
        if self.bare { made.trim_start().to_owned() } else { made }
    }
}
