//! JSON documents: a parser and a writer that preserve key order and the digits of large integers.
//!
//! Numbers are written as in DuckDB: integers as they are, others as the shortest text of their double.

use std::fmt::Write as _;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine::function) enum Json {
    Null,
    Bool(bool),
    /// An integer of any size, as written.
    Integer(String),
    Real(f64),
    Text(String),
    List(Vec<Json>),
    /// The members, in order. Keys may repeat; the first one wins.
    Object(Vec<(String, Json)>),
}

/// The maximum nesting depth of lists and objects.
const DEPTH: usize = 512;

impl Json {
    /// Parses a document.
    ///
    /// # Errors
    /// With the byte offset at which the text isn't valid JSON.
    pub(in crate::engine::function) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        reader.space();
        let value = reader.value(0)?;
        reader.space();
        if reader.at < text.len() {
            return reader.fail("unexpected content after the document");
        }
        Ok(value)
    }

    /// Returns a key's value if this is an object that contains it.
    pub(in crate::engine::function) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(own, _)| own == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Formats the document without whitespace.
    pub(in crate::engine::function) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Returns a string without quotes, and anything else as JSON.
    pub(in crate::engine::function) fn unquoted(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.text(),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Integer(digits) => out.push_str(digits),
            Self::Real(value) => real(*value, out),
            Self::Text(text) => quote(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    quote(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Formats the document with one value per line.
    pub(in crate::engine::function) fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(0, &mut out);
        out
    }

    fn write_pretty(&self, depth: usize, out: &mut String) {
        let line = |depth: usize, out: &mut String| {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", depth));
        };
        match self {
            Self::List(items) if !items.is_empty() => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    line(depth + 1, out);
                    item.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push(']');
            }
            Self::Object(members) if !members.is_empty() => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    line(depth + 1, out);
                    quote(key, out);
                    out.push_str(": ");
                    value.write_pretty(depth + 1, out);
                }
                line(depth, out);
                out.push('}');
            }
            other => other.write(out),
        }
    }

    /// Returns DuckDB's name for the value's type.
    pub(in crate::engine::function) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool(_) => "BOOLEAN",
            Self::Integer(digits) if digits.parse::<u64>().is_ok() => "UBIGINT",
            Self::Integer(digits) if digits.parse::<i64>().is_ok() => "BIGINT",
            Self::Integer(_) | Self::Real(_) => "DOUBLE",
            Self::Text(_) => "VARCHAR",
            Self::List(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// Returns whether the value is or contains another. Objects are compared by key, lists by item.
    pub(in crate::engine::function) fn contains(&self, other: &Self) -> bool {
        if self.includes(other) {
            return true;
        }
        match self {
            Self::List(items) => items.iter().any(|item| item.contains(other)),
            Self::Object(members) => members.iter().any(|(_, value)| value.contains(other)),
            _ => false,
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(own), Self::List(others)) => {
                others.iter().all(|other| own.iter().any(|item| item.includes(other)))
            }
            (Self::Object(_), Self::Object(others)) => {
                others.iter().all(|(key, other)| self.get(key).is_some_and(|value| value.includes(other)))
            }
            (own, other) => own == other,
        }
    }

    /// Applies a merge patch (RFC 7396).
    pub(in crate::engine::function) fn merged(self, patch: Self) -> Self {
        let Self::Object(changes) = patch else { return patch };
        let mut members = match self {
            Self::Object(members) => members,
            _ => Vec::new(),
        };
        // Changed members come last, in patch order.
        for (key, change) in changes {
            let place = members.iter().position(|(own, _)| *own == key);
            let own = place.map_or(Self::Null, |place| members.remove(place).1);
            if change != Self::Null {
                members.push((key, own.merged(change)));
            }
        }
        Self::Object(members)
    }
}

/// Writes the shortest text of a double, with a point or an exponent.
fn real(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        let scientific = format!("{value:e}");
        let exponent: i32 =
            scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
        if (-7..21).contains(&exponent) {
            let plain = format!("{value}");
            out.push_str(&plain);
            if !plain.contains('.') {
                out.push_str(".0");
            }
        } else {
            out.push_str(&scientific);
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("malformed JSON at byte {}: {what}", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let found = self.text[self.at..].get(..word.len())?.eq_ignore_ascii_case(word);
        found.then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > DEPTH {
            return self.fail("it nests too deeply");
        }
        match self.peek() {
            None => self.fail("unexpected end of data"),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => {
                let rest = &self.text[self.at..];
                let found = if rest.starts_with("null") {
                    self.word("null", Json::Null)
                } else if rest.starts_with("true") {
                    self.word("true", Json::Bool(true))
                } else if rest.starts_with("false") {
                    self.word("false", Json::Bool(false))
                } else {
                    self.word("nan", Json::Real(f64::NAN))
                        .or_else(|| self.word("infinity", Json::Real(f64::INFINITY)))
                        .or_else(|| self.word("inf", Json::Real(f64::INFINITY)))
                };
                found.map_or_else(|| self.fail("unexpected character"), Ok)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {}
                None => return self.fail("unexpected end of data"),
                Some(_) => return self.fail("expected a key"),
            }
            let key = self.string()?;
            self.space();
            match self.peek() {
                Some(b':') => self.at += 1,
                None => return self.fail("unexpected end of data"),
                Some(_) => return self.fail("expected a colon"),
            }
            self.space();
            members.push((key, self.value(depth + 1)?));
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                    // DuckDB's parser accepts a trailing comma in objects and lists.
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        return Ok(Json::Object(members));
                    }
                }
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                None => return self.fail("unexpected end of data"),
                Some(_) => return self.fail("expected a comma or `}`"),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, String> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        return Ok(Json::List(items));
                    }
                }
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::List(items));
                }
                None => return self.fail("unexpected end of data"),
                Some(_) => return self.fail("expected a comma or `]`"),
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find(['"', '\\']) else {
                self.at = self.text.len();
                return self.fail("unexpected end of data");
            };
            if rest[..end].bytes().any(|byte| byte < 0x20) {
                return self.fail("control character in a text");
            }
            out.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == b'"' {
                return Ok(out);
            }
            let Some(escaped) = self.peek() else { return self.fail("unexpected end of data") };
            self.at += 1;
            out.push(match escaped {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return self.fail("unknown escape"),
            });
        }
    }

    fn unit(&mut self) -> Result<u32, String> {
        let unit =
            self.text.get(self.at..self.at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(unit) = unit else { return self.fail("invalid escape") };
        self.at += 4;
        Ok(unit)
    }

    fn unicode(&mut self) -> Result<char, String> {
        let first = self.unit()?;
        let code = if (0xD800..0xDC00).contains(&first) {
            if !self.text[self.at..].starts_with("\\u") {
                return self.fail("invalid surrogate");
            }
            self.at += 2;
            let second = self.unit()?;
            if !(0xDC00..0xE000).contains(&second) {
                return self.fail("invalid surrogate");
            }
            0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        } else {
            first
        };
        char::from_u32(code).map_or_else(|| self.fail("invalid surrogate"), Ok)
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
            let word = self
                .word("infinity", Json::Real(f64::NEG_INFINITY))
                .or_else(|| self.word("inf", Json::Real(f64::NEG_INFINITY)))
                .or_else(|| self.word("nan", Json::Real(f64::NAN)));
            if let Some(found) = word {
                return Ok(found);
            }
        }
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while matches!(reader.peek(), Some(b'0'..=b'9')) {
                reader.at += 1;
            }
            reader.at - from
        };
        let leading_zero = self.peek() == Some(b'0');
        let whole = digits(self);
        if whole == 0 || (leading_zero && whole > 1) {
            return self.fail("invalid number");
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            integer = false;
            if digits(self) == 0 {
                return self.fail("invalid number");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            integer = false;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if digits(self) == 0 {
                return self.fail("invalid number");
            }
        }
        let text = &self.text[start..self.at];
        if integer {
            return Ok(Json::Integer(text.to_owned()));
        }
        text.parse().map_or_else(|_| self.fail("invalid number"), |value| Ok(Json::Real(value)))
    }
}
