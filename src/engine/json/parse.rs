//! The JSON parser.

use datafusion::error::DataFusionError;

use super::value::Json;

impl Json {
    /// Parses a document.
    ///
    /// # Errors
    /// With the byte offset at which the text isn't valid JSON.
    pub(in crate::engine) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = JsonParser { text, at: 0 };
        reader.space();
        let value = reader.value(0)?;
        reader.space();
        if reader.at < text.len() {
            return reader.fail("unexpected content after the document");
        }
        Ok(value)
    }
}

/// The maximum nesting depth of lists and objects.
const DEPTH: usize = 512;

pub(crate) struct JsonParser<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl JsonParser<'_> {
    pub(crate) fn fail<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("malformed JSON at byte {}: {what}", self.at))
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(crate) fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        let found = self.text[self.at..].get(..word.len())?.eq_ignore_ascii_case(word);
        found.then(|| {
            self.at += word.len();
            value
        })
    }

    pub(crate) fn value(&mut self, depth: usize) -> Result<Json, String> {
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

    pub(crate) fn object(&mut self, depth: usize) -> Result<Json, String> {
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

    pub(crate) fn list(&mut self, depth: usize) -> Result<Json, String> {
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

    pub(crate) fn string(&mut self) -> Result<String, String> {
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

    pub(crate) fn unit(&mut self) -> Result<u32, String> {
        let unit =
            self.text.get(self.at..self.at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(unit) = unit else { return self.fail("invalid escape") };
        self.at += 4;
        Ok(unit)
    }

    pub(crate) fn unicode(&mut self) -> Result<char, String> {
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

    pub(crate) fn number(&mut self) -> Result<Json, String> {
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

/// Parses a row's document.
pub(crate) fn parsed(text: &str) -> Result<Json, DataFusionError> {
    Json::parse(text).map_err(|error| {
        let mut shown: String = text.chars().take(80).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        DataFusionError::Execution(format!("{error}, in `{shown}`"))
    })
}
