//! One source value, and the check that it fits a column's type.
//!
//! Conversion is lossless except for the last digits of fractions: no value is silently truncated, wrapped or
//! turned into null.

use std::borrow::Cow;

use super::{decimal, instant, json, kind::ColumnKind, spec::DateUnit};

/// A value as written in its source format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CellToken<'a> {
    Null,
    Bool(bool),
    /// A number, in the source's own notation.
    Number(&'a str),
    /// `NaN` or an infinity in the place of a JSON number. It fits no column.
    Word(&'a str),
    /// Text without escapes.
    Text(&'a str),
    /// The contents of a JSON string that contains escapes.
    Escaped(&'a str),
    /// A JSON array or object, in the source's own notation.
    Nested(&'a str),
    Int(i64),
    Float(f64),
    /// `NaN` or an infinity, where they are allowed.
    NonFinite(f64),
    Blob(&'a [u8]),
}

/// A value that fits its column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CellValue<'a> {
    Null,
    Text(Cow<'a, str>),
    Boolean(bool),
    /// A value of any integer kind, within that kind's range.
    Int(i64),
    /// A value of either float kind.
    Float(f64),
    Decimal(i128),
    Date(i32),
    Micros(i64),
    Binary(Cow<'a, [u8]>),
}

impl<'a> CellToken<'a> {
    /// Returns the converted value, or `None` if it doesn't fit `kind`.
    pub(crate) fn fit(self, kind: ColumnKind, unit: DateUnit) -> Option<CellValue<'a>> {
        if self == Self::Null {
            return Some(CellValue::Null);
        }
        match kind {
            ColumnKind::Text => self.text().map(CellValue::Text),
            ColumnKind::Binary => match self {
                Self::Blob(bytes) => Some(CellValue::Binary(Cow::Borrowed(bytes))),
                Self::Text(_) | Self::Escaped(_) => Some(CellValue::Binary(match self.text()? {
                    Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                    Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                })),
                _ => None,
            },
            ColumnKind::Json => self.json().map(CellValue::Text),
            // The column decides whether the fields and items fit.
            ColumnKind::Struct | ColumnKind::Map => {
                self.json().filter(|text| text.starts_with('{')).map(CellValue::Text)
            }
            ColumnKind::List => self.json().filter(|text| text.starts_with('[')).map(CellValue::Text),
            ColumnKind::Boolean => self.boolean().map(CellValue::Boolean),
            ColumnKind::Int8 => self.within(i64::from(i8::MIN), i64::from(i8::MAX)),
            ColumnKind::Int16 => self.within(i64::from(i16::MIN), i64::from(i16::MAX)),
            ColumnKind::Int32 => self.within(i64::from(i32::MIN), i64::from(i32::MAX)),
            ColumnKind::Int64 => self.within(i64::MIN, i64::MAX),
            ColumnKind::Float64 => self.float().map(CellValue::Float),
            ColumnKind::Float32 => {
                let fits = |value: &f64| value.abs() <= f64::from(f32::MAX) || !value.is_finite();
                self.float().filter(fits).map(CellValue::Float)
            }
            ColumnKind::Decimal { precision, scale } => {
                decimal::parse(self.digits()?.as_ref(), precision, scale).map(CellValue::Decimal)
            }
            ColumnKind::Timestamp { .. } => self.micros(unit).map(CellValue::Micros),
            ColumnKind::Date => match self {
                Self::Text(text) => {
                    let text = text.trim_ascii();
                    instant::date(text).or_else(|| instant::date(&instant::padded(text)?))
                }
                _ => instant::date_of_micros(self.micros(unit)?),
            }
            .map(CellValue::Date),
        }
    }

    /// Returns the value as text. Numbers, arrays and objects keep the source's notation.
    fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Null | Self::Blob(_) | Self::Word(_) | Self::NonFinite(_) => return None,
            Self::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            Self::Number(text) | Self::Text(text) | Self::Nested(text) => Cow::Borrowed(text),
            Self::Escaped(inside) => Cow::Owned(unescape(inside)?),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(format!("{value:?}")),
        })
    }

    /// Returns the value as JSON text, or `None` if it isn't JSON. Every value from a JSON document is.
    pub(crate) fn json(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Nested(text) => Some(Cow::Borrowed(text)),
            Self::Null | Self::Blob(_) | Self::Word(_) | Self::NonFinite(_) => None,
            Self::Text(_) | Self::Escaped(_) => self.text().filter(|text| json::is_json(text)),
            Self::Float(value) if !value.is_finite() => None,
            Self::Bool(_) | Self::Number(_) | Self::Int(_) | Self::Float(_) => self.text(),
        }
    }

    /// Returns the text of a number, whether written as a number or in a string.
    fn digits(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text.trim_ascii())),
            Self::Number(_) | Self::Int(_) | Self::Float(_) => self.text(),
            Self::Escaped(_) => Some(Cow::Owned(self.text()?.trim_ascii().to_owned())),
            Self::Null
            | Self::Bool(_)
            | Self::Nested(_)
            | Self::Blob(_)
            | Self::Word(_)
            | Self::NonFinite(_) => None,
        }
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            _ => {
                let text = self.digits()?;
                let is = |words: [&str; 5]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
                if is(["true", "t", "yes", "y", "1"]) {
                    Some(true)
                } else {
                    is(["false", "f", "no", "n", "0"]).then_some(false)
                }
            }
        }
    }

    fn within(self, least: i64, most: i64) -> Option<CellValue<'a>> {
        let value = match self {
            Self::Int(value) => value,
            Self::Float(value) => instant::whole(value)?,
            _ => {
                let digits = self.digits()?;
                match digits.parse() {
                    Ok(value) => value,
                    Err(_) => instant::whole(finite(&digits)?)?,
                }
            }
        };
        (least..=most).contains(&value).then_some(CellValue::Int(value))
    }

    fn float(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "SQL's own cast from bigint to double")]
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value).filter(|value| value.is_finite()),
            Self::NonFinite(value) => Some(value),
            Self::Number(text) => finite(text),
            _ => finite(&self.digits()?),
        }
    }

    fn micros(self, unit: DateUnit) -> Option<i64> {
        match self {
            Self::Text(_) | Self::Escaped(_) => {
                let text = self.text()?;
                let text = text.trim_ascii();
                instant::timestamp(text).or_else(|| instant::timestamp(&instant::padded(text)?))
            }
            Self::Int(count) => instant::micros(count, unit),
            Self::Float(count) => instant::micros_of_float(count, unit),
            Self::Number(text) => match text.parse() {
                Ok(count) => instant::micros(count, unit),
                Err(_) => instant::micros_of_float(finite(text)?, unit),
            },
            Self::Null
            | Self::Bool(_)
            | Self::Nested(_)
            | Self::Blob(_)
            | Self::Word(_)
            | Self::NonFinite(_) => None,
        }
    }
}

/// Parses `NaN` or an infinity, in any case and with any sign.
pub(super) fn non_finite(text: &str) -> Option<f64> {
    text.trim_ascii()
        .parse()
        .ok()
        .filter(|value: &f64| !value.is_finite() && !text.contains(|sign: char| sign.is_ascii_digit()))
}

/// Parses a finite number. `NaN` and infinities would poison every sum that includes them.
fn finite(text: &str) -> Option<f64> {
    // `parse` also accepts `inf`, `infinity` and `nan`.
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Unescapes the contents of a JSON string whose escapes are well-formed. Returns `None` for a lone
/// surrogate.
pub(crate) fn unescape(inside: &str) -> Option<String> {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let letter = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        out.push(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let mut code = u32::from(unit(rest)?);
                rest = rest.get(4..)?;
                if (0xD800..0xDC00).contains(&code) {
                    let low = unit(rest.strip_prefix("\\u")?)?;
                    rest = rest.get(6..)?;
                    code = 0x1_0000 + ((code - 0xD800) << 10) + u32::from(low).checked_sub(0xDC00)?;
                    if low > 0xDFFF {
                        return None;
                    }
                }
                char::from_u32(code)?
            }
            other => char::from(other),
        });
    }
    out.push_str(rest);
    Some(out)
}

fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<'a>(token: CellToken<'a>, kind: ColumnKind, want: impl Into<Option<CellValue<'a>>>) {
        assert_eq!(token.fit(kind, DateUnit::Milliseconds), want.into(), "{token:?} as {kind:?}");
    }

    #[test]
    fn numbers_keep_their_text_and_texts_may_be_numbers() {
        check(CellToken::Number("0.10"), ColumnKind::Text, Some(CellValue::Text("0.10".into())));
        check(
            CellToken::Number("1200000000000"),
            ColumnKind::Text,
            Some(CellValue::Text("1200000000000".into())),
        );
        check(CellToken::Text(" 0.5 "), ColumnKind::Float64, Some(CellValue::Float(0.5)));
        check(CellToken::Text("7"), ColumnKind::Int8, Some(CellValue::Int(7)));
        check(CellToken::Number("5.0"), ColumnKind::Int32, Some(CellValue::Int(5)));
        check(CellToken::Number("9223372036854775807"), ColumnKind::Int64, Some(CellValue::Int(i64::MAX)));
        check(
            CellToken::Number("1.5"),
            ColumnKind::Decimal { precision: 4, scale: 2 },
            Some(CellValue::Decimal(150)),
        );
    }

    #[test]
    fn what_does_not_fit() {
        for (token, kind) in [
            (CellToken::Text("n/a"), ColumnKind::Float64),
            (CellToken::Text(""), ColumnKind::Float64),
            (CellToken::Text("NaN"), ColumnKind::Float64),
            (CellToken::Number("1e999"), ColumnKind::Float64),
            (CellToken::Number("1e39"), ColumnKind::Float32),
            (CellToken::Number("300"), ColumnKind::Int8),
            (CellToken::Number("9223372036854775808"), ColumnKind::Int64),
            (CellToken::Number("1.5"), ColumnKind::Int64),
            (CellToken::Bool(true), ColumnKind::Int64),
            (CellToken::Number("2"), ColumnKind::Boolean),
            (CellToken::Nested("[]"), ColumnKind::Float64),
            (CellToken::Blob(b"x"), ColumnKind::Text),
            (CellToken::Text("2021"), ColumnKind::Timestamp { zoned: true }),
            (CellToken::Number("1"), ColumnKind::Date),
            (CellToken::Number("1"), ColumnKind::Binary),
            (CellToken::Escaped("\\ud800"), ColumnKind::Text),
        ] {
            check(token, kind, None);
        }
    }

    #[test]
    fn timestamps_dates_and_booleans() {
        let timestamp = ColumnKind::Timestamp { zoned: false };
        check(CellToken::Number("1500"), timestamp, Some(CellValue::Micros(1_500_000)));
        check(CellToken::Text("1970-01-01T00:00:01Z"), timestamp, Some(CellValue::Micros(1_000_000)));
        check(CellToken::Number("86400000"), ColumnKind::Date, Some(CellValue::Date(1)));
        check(CellToken::Text("1970-01-02"), ColumnKind::Date, Some(CellValue::Date(1)));
        check(CellToken::Int(1), ColumnKind::Boolean, Some(CellValue::Boolean(true)));
        check(CellToken::Text("False"), ColumnKind::Boolean, Some(CellValue::Boolean(false)));
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape(r#"a\n\"\\\/\u00e9\ud83d\ude00!"#).as_deref(), Some("a\n\"\\/é😀!"));
        assert_eq!(unescape(r"\udc00"), None);
        assert_eq!(unescape(r"\ud800\u0041"), None);
        assert_eq!(unescape(r"\ud800x"), None);
    }
}
