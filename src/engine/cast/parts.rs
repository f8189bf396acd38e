//! Elements of nested values in text: splits `[1, 2]`, `{a: 1}`, `(1, 2)` and `{k=1}` as DuckDB does.

/// The text of one element without its quotes, or `None` for NULL.
pub(super) type ElementText = Option<String>;

/// Splits a list into its elements, or returns `None` if the text isn't a list.
pub(super) fn list(text: &str) -> Option<Vec<ElementText>> {
    let mut scan = ElementScan::open(text, b"[")?;
    let mut items = Vec::new();
    loop {
        let part = scan.value(b",]")?;
        let ends = scan.next()? == b']';
        // Empty brackets are an empty list.
        if !ends || part.is_some() || !items.is_empty() {
            items.push(scan.read(part));
        }
        if ends {
            return scan.close(items);
        }
    }
}

/// Splits a map into its keys and values. Returns `None` if the text isn't a map or a key is NULL.
pub(super) fn map(text: &str) -> Option<Vec<(String, ElementText)>> {
    let mut scan = ElementScan::open(text, b"{")?;
    let mut pairs = Vec::new();
    if scan.peek()? == b'}' {
        scan.next()?;
        return scan.close(pairs);
    }
    loop {
        let key = scan.value(b"=")?;
        scan.next()?;
        let key = scan.read(key)?;
        let value = scan.value(b",}")?;
        pairs.push((key, scan.read(value)));
        if scan.next()? == b'}' {
            return scan.close(pairs);
        }
    }
}

/// Splits a struct into the values of its fields in order: by name in braces, by position in parentheses.
/// Fields missing from the text are NULL; returns `None` for fields that the struct lacks.
pub(super) fn structure(text: &str, names: &[&str]) -> Option<Vec<ElementText>> {
    let mut scan = ElementScan::open(text, b"{(")?;
    let mut values = vec![None; names.len()];
    let by_name = scan.opened == b'{';
    let closing: &[u8] = if by_name { b",}" } else { b",)" };
    if scan.peek()? == closing[1] {
        scan.next()?;
        return scan.close(values);
    }
    let mut position = 0;
    loop {
        if by_name {
            let name = scan.name()?;
            position = names.iter().position(|known| *known == name)?;
        }
        let value = scan.value(closing)?;
        *values.get_mut(position)? = scan.read(value);
        position += 1;
        if scan.next()? == closing[1] {
            return scan.close(values);
        }
    }
}

/// The start and end of an element without the spaces around it; `None` if it is empty.
type Range = Option<(usize, usize)>;

/// A position in a text. All special bytes are ASCII, so the rest can stay UTF-8.
struct ElementScan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The opening bracket of the text.
    opened: u8,
    /// True if the previous byte was a backslash.
    escaped: bool,
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn closing(bracket: u8) -> u8 {
    match bracket {
        b'{' => b'}',
        b'(' => b')',
        _ => b']',
    }
}

impl<'a> ElementScan<'a> {
    /// Starts behind the opening bracket, which must be one of `brackets`.
    fn open(text: &'a str, brackets: &[u8]) -> Option<Self> {
        let mut scan = Self { text, bytes: text.as_bytes(), at: 0, opened: 0, escaped: false };
        scan.spaces();
        scan.opened = scan.next().filter(|byte| brackets.contains(byte))?;
        Some(scan)
    }

    /// Returns the result if the text has ended.
    fn close<T>(self, read: T) -> Option<T> {
        (self.at == self.bytes.len()).then_some(read)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Consumes one byte and the spaces after it.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.spaces();
        Some(byte)
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
            self.escaped = false;
        }
    }

    /// Reads an element up to the next of these bytes outside quotes and brackets.
    fn value(&mut self, ends: &[u8]) -> Option<Range> {
        let mut found: Range = None;
        while !ends.contains(&self.peek()?) {
            let (start, byte) = (self.at, self.peek()?);
            match byte {
                b'"' | b'\'' if !self.escaped => self.skip_quotes()?,
                b'{' | b'(' | b'[' => self.skip_brackets()?,
                _ => {}
            }
            if !is_space(byte) {
                found = Some((found.map_or(start, |(start, _)| start), self.at + 1));
            }
            self.escaped = byte == b'\\';
            self.at += 1;
        }
        Some(found)
    }

    /// Reads the name of a field up to the next colon. Brackets have no special meaning here.
    fn name(&mut self) -> Option<String> {
        let mut found: Range = None;
        while self.peek()? != b':' {
            let (start, byte, escaped) = (self.at, self.peek()?, self.escaped);
            if matches!(byte, b'"' | b'\'') && !escaped {
                self.skip_quotes()?;
            }
            if escaped || !is_space(byte) {
                found = Some((found.map_or(start, |(start, _)| start), self.at + 1));
            }
            self.escaped = byte == b'\\' && !escaped;
            self.at += 1;
        }
        self.next()?;
        let name = &self.text[found?.0..found?.1];
        (!name.eq_ignore_ascii_case("null")).then(|| unquoted(name, false))
    }

    /// Moves to the closing quote.
    fn skip_quotes(&mut self) -> Option<()> {
        let quote = self.peek()?;
        let mut escaped = false;
        loop {
            self.at += 1;
            let byte = self.peek()?;
            if byte == quote && !escaped {
                return Some(());
            }
            escaped = byte == b'\\' && !escaped;
        }
    }

    /// Moves to the closing bracket.
    fn skip_brackets(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        let mut escaped = false;
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' | b'\'' if !escaped => self.skip_quotes()?,
                b'{' | b'(' | b'[' => open.push(closing(byte)),
                _ if Some(&byte) == open.last() => {
                    open.pop();
                    if open.is_empty() {
                        return Some(());
                    }
                }
                _ => {}
            }
            escaped = byte == b'\\';
            self.at += 1;
        }
    }

    fn read(&self, range: Range) -> ElementText {
        let part = range.map_or("", |(start, end)| &self.text[start..end]);
        (!part.eq_ignore_ascii_case("null")).then(|| unquoted(part, true))
    }
}

/// Unquotes an element: removes quotes, and replaces a backslash in them with the next character. If
/// `brackets` is true, text in brackets stays unchanged, because it is parsed as a nested value later.
fn unquoted(part: &str, brackets: bool) -> String {
    let mut text = String::with_capacity(part.len());
    let mut open: Vec<char> = Vec::new();
    let (mut quote, mut inner) = (None, None);
    let mut characters = part.chars().peekable();
    while let Some(character) = characters.next() {
        if open.is_empty() {
            let before_quote = characters.peek().is_some_and(|next| "'\"".contains(*next));
            match character {
                '\\' if quote.is_some() || before_quote => {
                    text.extend(characters.next());
                    continue;
                }
                '\'' | '"' if quote == Some(character) => {
                    quote = None;
                    continue;
                }
                '\'' | '"' if quote.is_none() => {
                    quote = Some(character);
                    continue;
                }
                _ => {}
            }
        }
        if !open.is_empty() && (inner.is_some() || "'\"".contains(character)) {
            // Inside brackets, quotes stay, and brackets within quotes have no special meaning.
            text.push(character);
            match inner {
                Some(_) if character == '\\' => text.extend(characters.next()),
                Some(own) if own == character => inner = None,
                None => inner = Some(character),
                Some(_) => {}
            }
            continue;
        }
        if quote.is_none() {
            if open.last() == Some(&character) {
                open.pop();
            }
            match character {
                '[' if brackets => open.push(']'),
                '{' if brackets => open.push('}'),
                '(' if brackets => open.push(')'),
                _ => {}
            }
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{list, map, structure};

    fn shown(parts: Option<Vec<Option<String>>>) -> String {
        let part = |part: Option<String>| part.unwrap_or_else(|| "NULL".into());
        parts.map_or("-".into(), |parts| parts.into_iter().map(part).collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn lists_are_split_as_in_duckdb() {
        let cases = [
            ("[1, 2]", "1|2"),
            (" [ 1 ,2 ] ", "1|2"),
            ("[]", ""),
            ("[,]", "|"),
            ("[1,]", "1|"),
            ("[null, 'null', NULL x]", "NULL|null|NULL x"),
            ("['a, b', \"c]\"]", "a, b|c]"),
            (r"[\'a\', can\'t]", "'a'|can't"),
            (r#"[nested"["bracket, test]"#, "nested[bracket|test"),
            ("[[1, 'a'], {k: \"v\"}]", "[1, 'a']|{k: \"v\"}"),
            (r#"[" \\a "]"#, r" \a "),
            ("[1] x", "-"),
            ("[1", "-"),
            ("['a]", "-"),
            ("1", "-"),
        ];
        for (text, expect) in cases {
            assert_eq!(shown(list(text)), expect, "{text}");
        }
    }

    #[test]
    fn structs_are_split_as_in_duckdb() {
        let cases = [
            ("{a: 1, b: x y}", "1|x y"),
            ("{b: 2}", "NULL|2"),
            ("{}", "NULL|NULL"),
            ("(1, 2)", "1|2"),
            ("(1)", "1|NULL"),
            ("(1, 2, 3)", "-"),
            ("{'a': \"x\", \"b\": {c: 'd'}}", "x|{c: 'd'}"),
            ("{A: 1}", "-"),
            ("{a: 1,, b: 2}", "-"),
            ("{a: 1, a: 2}", "2|NULL"),
            ("{a 1}", "-"),
        ];
        for (text, expect) in cases {
            assert_eq!(shown(structure(text, &["a", "b"])), expect, "{text}");
        }
        assert_eq!(shown(structure(r#"{"b\\s": 1}"#, &[r"b\s"])), "1");
        assert_eq!(shown(structure(r"{b\s: 1}", &[r"b\s"])), "1");
        assert_eq!(shown(structure(r#"{"b\s": 1}"#, &[r"b\s"])), "-");
    }

    #[test]
    fn maps_are_split_as_in_duckdb() {
        let shown = |text| {
            let pairs = map(text)?.into_iter();
            Some(pairs.map(|(key, value)| format!("{key}>{}", value.unwrap_or("NULL".into()))).collect())
        };
        let cases: [(&str, Option<Vec<String>>); 6] = [
            ("{a=1, b = null}", Some(vec!["a>1".into(), "b>NULL".into()])),
            ("{}", Some(vec![])),
            ("{k,l = v}", Some(vec!["k,l>v".into()])),
            ("{k = v,w}", None),
            ("{null = 1}", None),
            (r#"{k"w"q = \"v\"}"#, Some(vec!["kwq>\"v\"".into()])),
        ];
        for (text, expect) in cases {
            assert_eq!(shown(text), expect, "{text}");
        }
    }
}
