//! Source text and positions in it.
//!
//! A [`Source`] is one file as the user wrote it; a [`Span`] is a byte range of one. Everything that can be
//! wrong in a project carries a span, so that a message can point at it. Knows nothing about SQL, YAML or
//! Jinja.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    ops::Range,
    sync::{Arc, OnceLock},
};

/// A user's text file: its content, and its path for display (relative to the project, with `/`). Cheap to
/// clone.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    path: String,
    /// The start of the path in its package: 0 if the package is the project itself.
    package_at: usize,
    text: String,
    /// The start of each line, computed on first use, since a long file may have many findings.
    lines: OnceLock<Vec<usize>>,
    /// The number of characters before each block of `BLOCK` bytes, since a long line may have many findings.
    characters: OnceLock<Vec<usize>>,
}

const BLOCK: usize = 256;

impl Source {
    /// Creates a source from a path for display and a text.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::at(path.into(), 0, text.into())
    }

    /// Creates a source in an installed package: its path is that of the package's folder and that in it.
    #[must_use]
    pub fn in_package(folder: &str, path: &str, text: impl Into<String>) -> Self {
        if folder.is_empty() {
            return Self::new(path, text);
        }
        Self::at(format!("{folder}/{path}"), folder.len() + 1, text.into())
    }

    /// Creates a source with the same path and another text.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>) -> Self {
        Self::at(self.0.path.clone(), self.0.package_at, text.into())
    }

    fn at(path: String, package_at: usize, text: String) -> Self {
        let (lines, characters) = (OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { path, package_at, text, lines, characters }))
    }

    /// Returns the path for display: relative to the project, `/`-separated.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns the path relative to the package that holds the file.
    #[must_use]
    pub fn package_path(&self) -> &str {
        &self.0.path[self.0.package_at..]
    }

    /// Returns the whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Returns the span of a byte range, clamped to the text and widened to character boundaries.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Span {
        let text = self.text();
        let mut start = range.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = range.end.clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Span { source: self.clone(), start, end }
    }

    /// Returns the byte offset of a 1-based line and a 1-based column in characters. Positions past the end
    /// of a line or of the text give the nearest offset.
    #[must_use]
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let text = self.text();
        let start = self.lines().get(line.saturating_sub(1)).copied().unwrap_or(text.len());
        let rest = &text[start..];
        let rest = rest.split('\n').next().unwrap_or(rest);
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        start + within
    }

    /// Returns the 1-based line number of a byte offset, and the offset where that line starts.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> (usize, usize) {
        let lines = self.lines();
        let number = lines.partition_point(|start| *start <= offset).max(1);
        (number, lines[number - 1])
    }

    /// Returns the byte offset at which the line of another offset ends, without its line end.
    #[must_use]
    pub fn line_end(&self, offset: usize) -> usize {
        let (number, _) = self.line_at(offset);
        self.lines().get(number).map_or(self.text().len(), |next| next - 1)
    }

    /// Returns the number of characters before a byte offset.
    fn characters_before(&self, offset: usize) -> usize {
        let bytes = self.text().as_bytes();
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        let blocks = self.0.characters.get_or_init(|| {
            let counts = bytes.chunks(BLOCK).scan(0, |before, block| {
                *before += count(block);
                Some(*before)
            });
            std::iter::once(0).chain(counts).collect()
        });
        let block = offset / BLOCK;
        blocks[block] + count(&bytes[block * BLOCK..offset])
    }

    fn lines(&self) -> &[usize] {
        self.0.lines.get_or_init(|| {
            let ends = self.text().match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(ends).collect()
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path())
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.path() == other.path() && self.text() == other.text())
    }
}

impl Eq for Source {}

/// A byte range of a source, on character boundaries.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    pub source: Source,
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the text of the span.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text()[self.start..self.end]
    }

    /// Returns the 1-based line and column (in characters) of the first byte.
    #[must_use]
    pub fn line_column(&self) -> (usize, usize) {
        let (line, start) = self.source.line_at(self.start);
        (line, self.source.characters_before(self.start) - self.source.characters_before(start) + 1)
    }

    /// Returns the span as a range.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// `path:line:column`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.path())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A value with its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    /// The location.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Creates a value with a location.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Returns true for characters that change text direction, which can make a line read as a different one.
#[must_use]
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

/// Escapes the characters that control a terminal or reorder text, except line breaks and tabs.
#[must_use]
pub fn escaped_controls(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t' || is_bidi(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if is_bidi(c) => out.extend(c.escape_unicode()),
            c if obeyed(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns a text with spaces before or after it, up to a number of characters. Rust's own formatting panics
/// beyond 65,535.
#[must_use]
pub fn padded(text: &str, width: usize, to_the_right: bool) -> String {
    let padding = " ".repeat(width.saturating_sub(text.chars().count()));
    if to_the_right { padding + text } else { format!("{text}{padding}") }
}

/// Escapes characters in JSON that control a terminal or reorder text and that JSON allows unescaped: DEL, C1
/// controls and bidi controls. They occur only inside strings, so the value stays the same.
#[must_use]
pub fn json_escaped(json: String) -> String {
    let obeyed = |c: char| c.is_control() && c > '\u{7e}' || is_bidi(c);
    if !json.contains(obeyed) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if obeyed(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_character_that_a_terminal_obeys() {
        let value = serde_json::json!({ "a\u{9b}": "\u{7f}é\u{85}\u{202e}\u{1b}\n" });
        let text = json_escaped(value.to_string());
        assert_eq!(text, r#"{"a\u009b":"\u007fé\u0085\u202e\u001b\n"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = Source::new("a.sql", "é\nab\n");
        assert_eq!(source.span(3..4).line_column(), (2, 1));
        assert_eq!(source.span(4..5).to_string(), "a.sql:2:2");
        assert_eq!(source.offset(2, 2), 4);
        assert_eq!(source.offset(1, 99), 2);
        assert_eq!(source.offset(9, 1), 6);
    }

    #[test]
    fn positions_in_a_long_line_are_found_at_once() {
        let source = Source::new("a.yml", "é, ".repeat(700_000) + "\nx");
        let started = std::time::Instant::now();
        for at in 0..100_000 {
            let span = source.span(at * 28..at * 28 + 1);
            assert_eq!(span.line_column(), (1, at * 21 + 1));
        }
        assert_eq!((source.line_end(28), source.line_end(2_800_000)), (2_800_000, 2_800_000));
        assert_eq!(source.line_end(2_800_001), 2_800_002);
        // Counting from the start of the line takes minutes.
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{:?}", started.elapsed());
    }

    #[test]
    fn spans_never_split_a_character() {
        let source = Source::new("a.sql", "é!");
        assert_eq!(source.span(1..1).text(), "é");
        assert_eq!(source.span(7..9).text(), "");
    }
}
