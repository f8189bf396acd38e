//! JSON frames: the parts of a document around its rows. Each step consumes one part, or changes nothing.

use super::sink::DocumentSink;
use crate::source::{
    cell::unescape,
    json::{Cursor, JsonStop, Scalar},
};

/// `{"columns": [..], "data": [[..], ..]}`, with members in any order and possibly others between them.
#[derive(Default)]
pub(super) struct SplitDocument {
    state: Member,
    columns: bool,
    data: bool,
}

#[derive(Default, Clone, Copy)]
enum Member {
    #[default]
    Open,
    Next {
        first: bool,
    },
    Rows {
        first: bool,
    },
    /// In an unused array, such as `index`, which may be as long as the data.
    Skipped {
        first: bool,
    },
    Closed,
}

impl SplitDocument {
    pub(super) fn step<S: DocumentSink>(
        &mut self,
        cursor: &mut Cursor<'_>,
        sink: &mut S,
    ) -> Result<bool, JsonStop> {
        self.state = match self.state {
            Member::Rows { first } => {
                if cursor.element(first, b']')? {
                    sink.row(cursor)?;
                    Member::Rows { first: false }
                } else {
                    Member::Next { first: false }
                }
            }
            Member::Open => {
                open(cursor, b'{', "`{`")?;
                Member::Next { first: true }
            }
            Member::Next { first } => {
                if cursor.element(first, b'}')? {
                    self.member(cursor, sink)?
                } else {
                    self.complete(cursor.at)?;
                    Member::Closed
                }
            }
            Member::Skipped { first } => {
                if cursor.element(first, b']')? {
                    cursor.skip()?;
                    Member::Skipped { first: false }
                } else {
                    Member::Next { first: false }
                }
            }
            Member::Closed => return closed(cursor),
        };
        Ok(false)
    }

    fn member<S: DocumentSink>(&mut self, cursor: &mut Cursor<'_>, sink: &mut S) -> Result<Member, JsonStop> {
        let start = cursor.at;
        let (key, _) = cursor.key()?;
        match key {
            "columns" | "data" if (key == "data" && self.data) || (key == "columns" && self.columns) => {
                Err(JsonStop::Broken(start, format!("duplicate `{key}`")))
            }
            "columns" => {
                let names = names(cursor)?;
                sink.header(names).map_err(|reason| JsonStop::Broken(start, reason))?;
                self.columns = true;
                Ok(Member::Next { first: false })
            }
            "data" => {
                cursor.expect(b'[', "`[` after `data`")?;
                self.data = true;
                Ok(Member::Rows { first: true })
            }
            _ if cursor.peek()? == b'[' => {
                cursor.at += 1;
                Ok(Member::Skipped { first: true })
            }
            _ => {
                cursor.skip()?;
                Ok(Member::Next { first: false })
            }
        }
    }

    fn complete(&self, at: usize) -> Result<(), JsonStop> {
        match (self.columns, self.data) {
            (true, true) => Ok(()),
            (false, _) => Err(JsonStop::Broken(at, "the document has no `columns`".to_owned())),
            (true, false) => Err(JsonStop::Broken(at, "the document has no `data`".to_owned())),
        }
    }
}

/// `[{..}, ..]`.
#[derive(Default)]
pub(super) struct Records {
    state: Member,
}

impl Records {
    pub(super) fn step<S: DocumentSink>(
        &mut self,
        cursor: &mut Cursor<'_>,
        sink: &mut S,
    ) -> Result<bool, JsonStop> {
        self.state = match self.state {
            Member::Open => {
                open(cursor, b'[', "`[`")?;
                Member::Rows { first: true }
            }
            Member::Rows { first } if cursor.element(first, b']')? => {
                sink.row(cursor)?;
                Member::Rows { first: false }
            }
            Member::Rows { .. } => Member::Closed,
            Member::Closed | Member::Next { .. } | Member::Skipped { .. } => return closed(cursor),
        };
        Ok(false)
    }
}

/// JSON lines: one object per line. A line that isn't valid JSON is rejected as a row, unless objects of the
/// file span several lines: then the start of the next object is unknown.
#[derive(Default)]
pub(super) struct Lines {
    begun: bool,
    /// True once an object spans several lines.
    extends: bool,
}

impl Lines {
    pub(super) fn step<S: DocumentSink>(
        &mut self,
        cursor: &mut Cursor<'_>,
        sink: &mut S,
    ) -> Result<bool, JsonStop> {
        if !self.begun {
            mark(cursor);
        }
        let line = cursor.space();
        match cursor.byte() {
            None if cursor.last => Ok(true),
            None => Err(JsonStop::End),
            Some(_) if self.begun && !line => {
                Err(JsonStop::Broken(cursor.at, "expected a new line after the object".to_owned()))
            }
            Some(_) => {
                let start = cursor.at;
                match sink.row(cursor) {
                    Ok(()) => self.extends |= cursor.text[start..cursor.at].contains('\n'),
                    Err(stop) => {
                        let (end, reason) = self.invalid_line(cursor, start, stop)?;
                        cursor.at = end;
                        sink.invalid(cursor.text, start..end, reason);
                    }
                }
                self.begun = true;
                Ok(false)
            }
        }
    }

    /// Returns the end of the invalid line that begins at `start`, and the reason.
    ///
    /// # Errors
    /// Returns `stop` if it is unclear where the line ends.
    fn invalid_line(
        &self,
        cursor: &Cursor<'_>,
        start: usize,
        stop: JsonStop,
    ) -> Result<(usize, String), JsonStop> {
        if self.extends || (stop == JsonStop::End && !cursor.last) {
            return Err(stop);
        }
        let bytes = cursor.text.as_bytes();
        let end = line_end(bytes, start);
        let next = bytes[end..].iter().find(|byte| !matches!(byte, b'\r' | b'\n'));
        let is_over = match next {
            // If a single object is cut off, the whole file is cut off.
            None => cursor.last && self.begun,
            Some(b'{') => true,
            Some(byte) => self.begun && !matches!(byte, b' ' | b'\t' | b'"' | b'}' | b']' | b','),
        };
        match next {
            None if !cursor.last => Err(JsonStop::End),
            _ if is_over => Ok((end, invalid_reason(stop, end))),
            _ => Err(stop),
        }
    }
}

/// Returns the end of the line that contains `start`: the position of its line feed, or the end of the text.
fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| start + length)
}

/// Returns the reason why a line that ends at `end` is invalid.
fn invalid_reason(stop: JsonStop, end: usize) -> String {
    match stop {
        JsonStop::Broken(at, reason) if at < end => format!("invalid JSON: {reason}"),
        _ => "invalid JSON: the line ends too early".to_owned(),
    }
}

/// Moves the cursor from the start of a line of [`Lines`] to its end, and returns why the line is invalid.
pub(super) fn skip_invalid_line(cursor: &mut Cursor<'_>, start: usize, stop: JsonStop) -> String {
    let end = line_end(cursor.text.as_bytes(), start);
    cursor.at = end;
    invalid_reason(stop, end)
}

/// Skips the byte order mark that some programs write at the start of UTF-8 text.
pub(super) fn mark(cursor: &mut Cursor<'_>) {
    if cursor.text[cursor.at..].starts_with('\u{feff}') {
        cursor.at += '\u{feff}'.len_utf8();
    }
}

fn open(cursor: &mut Cursor<'_>, bracket: u8, what: &str) -> Result<(), JsonStop> {
    mark(cursor);
    cursor.expect(bracket, what)
}

fn closed(cursor: &mut Cursor<'_>) -> Result<bool, JsonStop> {
    cursor.space();
    match cursor.byte() {
        Some(_) => Err(JsonStop::Broken(cursor.at, "text after the end of the document".to_owned())),
        None if cursor.last => Ok(true),
        None => Err(JsonStop::End),
    }
}

fn names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, JsonStop> {
    cursor.expect(b'[', "`[` after `columns`")?;
    let mut names = Vec::new();
    while cursor.element(names.is_empty(), b']')? {
        let at = cursor.at;
        let name = match cursor.scalar()? {
            Some(Scalar::String(inside, false)) => Some(inside.to_owned()),
            Some(Scalar::String(inside, true)) => unescape(inside),
            Some(Scalar::Number(text)) => Some(text.to_owned()),
            _ => None,
        };
        names.push(name.ok_or_else(|| JsonStop::Broken(at, "a column's name has to be text".to_owned()))?);
    }
    Ok(names)
}
