//! JSON tokenizer for a piece of text: strict, non-recursive, and aware that the piece may end within a
//! value.

/// The reason why parsing stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonStop {
    /// The text ended too early.
    End,
    /// The text is invalid at this byte, for this reason.
    Broken(usize, String),
}

impl JsonStop {
    fn expected(at: usize, what: &str) -> Self {
        Self::Broken(at, format!("expected {what}"))
    }
}

/// A position in a piece of text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    /// The piece of text.
    pub(crate) text: &'a str,
    /// The offset of the next byte to read.
    pub(crate) at: usize,
    /// True if the file ends with the piece.
    pub(crate) last: bool,
}

/// A scalar value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    /// `NaN` or an infinity: not JSON, but written by many programs.
    Word(&'a str),
    /// The contents of a string, and whether they have escapes.
    String(&'a str, bool),
}

/// The maximum nesting depth of arrays and objects.
const DEPTH: u32 = 128;

impl<'a> Cursor<'a> {
    /// Starts at the beginning of `text`.
    pub(crate) fn new(text: &'a str, last: bool) -> Self {
        Self { text, at: 0, last }
    }

    /// Returns the byte at the cursor, if the text has one.
    pub(crate) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space. Returns true if it includes a line end.
    pub(crate) fn space(&mut self) -> bool {
        let mut line = false;
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.byte() {
            line |= byte == b'\n';
            self.at += 1;
        }
        line
    }

    /// Returns the next byte after white space, without consuming it.
    pub(crate) fn peek(&mut self) -> Result<u8, JsonStop> {
        self.space();
        self.byte().ok_or(JsonStop::End)
    }

    /// Skips white space and then `byte`.
    pub(crate) fn expect(&mut self, byte: u8, what: &str) -> Result<(), JsonStop> {
        if self.peek()? != byte {
            return Err(JsonStop::expected(self.at, what));
        }
        self.at += 1;
        Ok(())
    }

    /// Skips the comma between two elements, or `close`. Returns true if another element follows.
    pub(crate) fn element(&mut self, first: bool, close: u8) -> Result<bool, JsonStop> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            return Ok(false);
        }
        if !first {
            if byte != b',' {
                let what = if close == b']' { "`,` or `]`" } else { "`,` or `}`" };
                return Err(JsonStop::expected(self.at, what));
            }
            self.at += 1;
            if self.peek()? == close {
                return Err(JsonStop::expected(self.at, "a value after `,`"));
            }
        }
        Ok(true)
    }

    /// Parses an object's key and the colon after it. Returns the contents, and whether they have escapes.
    pub(crate) fn key(&mut self) -> Result<(&'a str, bool), JsonStop> {
        if self.peek()? != b'"' {
            return Err(JsonStop::expected(self.at, "a key in quotes"));
        }
        let key = self.string()?;
        self.expect(b':', "`:`")?;
        Ok(key)
    }

    /// Parses a scalar. Returns `None` before an array or object.
    pub(crate) fn scalar(&mut self) -> Result<Option<Scalar<'a>>, JsonStop> {
        Ok(Some(match self.peek()? {
            b'"' => {
                let (inside, escaped) = self.string()?;
                Scalar::String(inside, escaped)
            }
            b'[' | b'{' => return Ok(None),
            b'N' => self.word("NaN", Scalar::Word("NaN"))?,
            b'I' => self.word("Infinity", Scalar::Word("Infinity"))?,
            b'-' if matches!(self.text.as_bytes().get(self.at + 1), Some(b'I')) => {
                self.word("-Infinity", Scalar::Word("-Infinity"))?
            }
            b'-' | b'0'..=b'9' => Scalar::Number(self.number()?),
            b't' => self.word("true", Scalar::Bool(true))?,
            b'f' => self.word("false", Scalar::Bool(false))?,
            b'n' => self.word("null", Scalar::Null)?,
            _ => return Err(JsonStop::expected(self.at, "a value")),
        }))
    }

    /// Skips a value of any kind, and returns its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str, JsonStop> {
        self.space();
        let start = self.at;
        if self.scalar()?.is_none() {
            self.skip_nested()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Skips the array or object at the cursor.
    fn skip_nested(&mut self) -> Result<(), JsonStop> {
        // A bit for each open array (0) or object (1), the innermost in the lowest bit.
        let (mut open, mut depth) = (0_u128, 0_u32);
        let mut first;
        loop {
            // Here a value begins, or (if `first`) whatever follows an opening bracket.
            let byte = self.peek()?;
            if matches!(byte, b'[' | b'{') {
                if depth == DEPTH {
                    return Err(JsonStop::Broken(self.at, format!("more than {DEPTH} levels of nesting")));
                }
                self.at += 1;
                open = open << 1 | u128::from(byte == b'{');
                depth += 1;
                first = true;
            } else {
                self.scalar()?;
                first = false;
            }
            loop {
                let object = open & 1 == 1;
                if self.element(first, if object { b'}' } else { b']' })? {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                (open, depth, first) = (open >> 1, depth - 1, false);
                if depth == 0 {
                    return Ok(());
                }
            }
        }
    }

    fn word(&mut self, word: &str, value: Scalar<'a>) -> Result<Scalar<'a>, JsonStop> {
        let rest = &self.text.as_bytes()[self.at..];
        let same = rest.iter().zip(word.as_bytes()).take_while(|(a, b)| a == b).count();
        if same == word.len() {
            self.at += word.len();
            Ok(value)
        } else if same == rest.len() {
            Err(JsonStop::End)
        } else {
            Err(JsonStop::expected(self.at, "a value"))
        }
    }

    fn number(&mut self) -> Result<&'a str, JsonStop> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start + usize::from(bytes[start] == b'-');
        let digits = |at: usize| -> Result<usize, JsonStop> {
            let count = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            match bytes.get(at + count) {
                // The number may continue in the next piece.
                None => Err(JsonStop::End),
                Some(_) if count == 0 => Err(JsonStop::expected(at, "a digit")),
                Some(_) => Ok(at + count),
            }
        };
        let whole = at;
        at = digits(at)?;
        if bytes[whole] == b'0' && at > whole + 1 {
            return Err(JsonStop::expected(whole, "a number without leading zeros"));
        }
        if bytes[at] == b'.' {
            at = digits(at + 1)?;
        }
        if matches!(bytes[at], b'e' | b'E') {
            at += 1;
            if matches!(bytes.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            at = digits(at)?;
        }
        self.at = at;
        Ok(&self.text[start..at])
    }

    /// Parses the string at the cursor. Returns its contents, and whether they have escapes.
    fn string(&mut self) -> Result<(&'a str, bool), JsonStop> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let (mut at, mut escaped) = (start, false);
        loop {
            at = plain(bytes, at);
            match bytes.get(at) {
                None => return Err(JsonStop::End),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape(bytes, at)?;
                }
                Some(_) => {
                    return Err(JsonStop::Broken(at, "a control character inside a string".to_owned()));
                }
            }
        }
        self.at = at + 1;
        Ok((&self.text[start..at], escaped))
    }
}

/// Skips the escape at `at`.
fn escape(bytes: &[u8], at: usize) -> Result<usize, JsonStop> {
    match bytes.get(at + 1) {
        None => Err(JsonStop::End),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let digits = bytes[at + 2..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
            match bytes.get(at + 2 + digits) {
                _ if digits == 4 => Ok(at + 6),
                None => Err(JsonStop::End),
                Some(_) => Err(JsonStop::expected(at + 2 + digits, "four hexadecimal digits")),
            }
        }
        Some(_) => Err(JsonStop::Broken(at, "an escape that JSON does not have".to_owned())),
    }
}

/// Finds the next quote, backslash or control character from `at` on. It checks eight bytes at a time,
/// because strings are most of a file.
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(eight) = bytes.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
        let word = u64::from_le_bytes(eight);
        // Sets the high bit of bytes that are zero, or below 0x20. The lowest such bit is never a false
        // positive.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = quote | backslash | control;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes[at.min(bytes.len())..].iter().position(stops).map_or(bytes.len(), |found| at + found)
}

/// Returns whether a text is exactly one JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    let padded = format!("{text} ");
    let mut cursor = Cursor::new(&padded, true);
    if cursor.skip().is_err() {
        return false;
    }
    cursor.space();
    cursor.byte().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> Result<(), JsonStop> {
        let padded = format!("{text} ");
        let mut cursor = Cursor::new(&padded, true);
        cursor.skip()?;
        cursor.space();
        if cursor.at == padded.len() { Ok(()) } else { Err(JsonStop::Broken(cursor.at, "more".to_owned())) }
    }

    fn check(text: &str) {
        let ours = whole(text);
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}: {ours:?}, {theirs:?}");
    }

    #[test]
    fn agrees_with_another_parser_on_the_grammar() {
        for text in [
            "",
            " ",
            "null",
            "nul",
            "nulls",
            "true",
            "[",
            "[]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{\"a\"}",
            "{\"a\":1,}",
            "{\"a\":1,\"b\":[{},[[]]]}",
            "01",
            "-",
            "-0",
            "-0.5e+7",
            "1.",
            ".5",
            "1e",
            "1e+",
            "\"",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12fé\"",
            "\"\\u00e9\"",
            "\"tab\there\"",
            "[1]]",
            "{]",
            "[}",
            "\"a long string with \\\"escapes\\\" and é\"",
            "[\"0123456\u{1}\"]",
        ] {
            check(text);
        }
    }

    #[test]
    fn words_that_other_programs_write_for_numbers_are_values_of_their_own() {
        for text in ["NaN", "[NaN, -Infinity]", "{\"a\":Infinity}"] {
            assert_eq!(whole(text), Ok(()), "{text}");
        }
        assert!(matches!(whole("Nan"), Err(JsonStop::Broken(0, _))));
        assert!(matches!(whole("-I"), Err(JsonStop::Broken(0, _))));
    }

    #[test]
    fn nesting_has_a_floor() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(whole(&deep(128)), Ok(()));
        assert!(matches!(whole(&deep(129)), Err(JsonStop::Broken(128, _))));
    }

    proptest! {
        #[test]
        fn agrees_with_another_parser_on_any_text(text in r#"[\[\]{}:,"\\ue0-9. tnrlfalsé-]{0,24}"#) {
            // A lone surrogate is valid by the grammar, but the other parser rejects it when it builds the
            // text.
            prop_assume!(!text.to_ascii_lowercase().contains("\\ud"));
            check(&text);
        }

        #[test]
        fn a_prefix_of_a_value_is_never_broken(value in r#"\[("[a-z\\n]{0,12}"|-?[1-9][0-9]{0,9}\.5e-7|\{"k":null\})\]"#, cut in 0.0..1.0) {
            prop_assume!(serde_json::from_str::<serde_json::Value>(&value).is_ok());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short text")]
            let cut = (value.len() as f64 * cut) as usize;
            let found = Cursor::new(&value[..cut], false).skip().map(str::len);
            prop_assert_eq!(found, Err(JsonStop::End));
        }
    }
}
