//! The parts of nested values in text: `[1, 2]`, `{a: 1}`, `(1, 2)` and `{k=1}`, split as DuckDB splits them.

/// A part as a value of its own: without its quotes, and `None` for NULL.
pub(super) type Part = Option<String>;

/// The elements of a list.
pub(super) fn list(text: &str) -> Option<Vec<Part>> {
    let mut scan = Scan::open(text, b"[")?;
    let mut items = Vec::new();
    loop {
        let part = scan.value(b",]")?;
        let ends = scan.next()? == b']';
        // Brackets without anything between them are a list without elements.
        if !ends || part.is_some() || !items.is_empty() {
            items.push(scan.read(part));
        }
        if ends {
            return scan.close(items);
        }
    }
}

/// The keys and values of a map. NULL is no key.
pub(super) fn map(text: &str) -> Option<Vec<(String, Part)>> {
    let mut scan = Scan::open(text, b"{")?;
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

/// The values of a struct for its fields in order: by name in braces, by position in parentheses. Fields that
/// the text lacks are NULL; names that the struct lacks spoil it.
pub(super) fn structure(text: &str, names: &[&str]) -> Option<Vec<Part>> {
    let mut scan = Scan::open(text, b"{(")?;
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

/// Where a part begins and ends, without spaces around it; `None` if there is nothing.
type Range = Option<(usize, usize)>;

/// A place in a text. All bytes with a meaning are ASCII, so that the rest can stay UTF-8.
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The bracket that the text begins with.
    opened: u8,
    /// True if the byte before was a backslash.
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

impl<'a> Scan<'a> {
    /// Begins behind one of these brackets.
    fn open(text: &'a str, brackets: &[u8]) -> Option<Self> {
        let mut scan = Self { text, bytes: text.as_bytes(), at: 0, opened: 0, escaped: false };
        scan.spaces();
        scan.opened = scan.next().filter(|byte| brackets.contains(byte))?;
        Some(scan)
    }

    /// Returns what was read if only spaces follow.
    fn close<T>(self, read: T) -> Option<T> {
        (self.at == self.bytes.len()).then_some(read)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes one byte, and the spaces after it.
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

    /// The part before the next of these bytes that is neither in quotes nor in brackets.
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

    /// The name of a field: before the next colon, in which brackets are like any other character.
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

    /// Goes to the quote that ends a quoted text.
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

    /// Goes to the bracket that ends what is in brackets.
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

    fn read(&self, range: Range) -> Part {
        let part = range.map_or("", |(start, end)| &self.text[start..end]);
        (!part.eq_ignore_ascii_case("null")).then(|| unquoted(part, true))
    }
}

/// The text of a part: quotes are taken off and backslashes in them mean the next character. Brackets keep
/// what is in them as it is, to be read as a nested value, if they have a meaning.
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
            // Quotes within brackets stay, and brackets within them mean nothing.
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
