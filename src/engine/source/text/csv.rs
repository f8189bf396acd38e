//! Separated values, as RFC 4180 has them: records of fields, which may be quoted and then hold anything.

use std::borrow::Cow;

use super::{
    document::{Header, Sink},
    json::{Cursor, Stop},
    json_frame::mark,
    refusal::Refusal,
};
use crate::engine::source::{cell::Token, names::Place, rows::Rows, spec::Nulls};

/// The signs a file is written with, all of them ASCII, and what is NULL in it.
#[derive(Debug, Clone)]
pub(crate) struct Csv {
    pub(crate) delimiter: u8,
    pub(crate) header: bool,
    pub(crate) quote: u8,
    /// What ends a line: a line feed, with or without a carriage return before it, or a carriage return alone.
    pub(crate) newline: u8,
    pub(crate) nulls: Option<Nulls>,
}

/// A field of a record.
pub(in crate::engine::source) struct Field<'a> {
    pub(in crate::engine::source) text: Cow<'a, str>,
    pub(super) quoted: bool,
    /// Something stands between its closing quote and its end.
    pub(in crate::engine::source) torn: bool,
    /// Its first byte in the text it was read from.
    pub(in crate::engine::source) start: usize,
    /// One past its last.
    pub(in crate::engine::source) end: usize,
}

impl Csv {
    /// Past a record that begins here; each field with its place is given to `each`.
    pub(in crate::engine::source) fn record<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        mut each: impl FnMut(usize, &Field<'a>),
    ) -> Result<(), Stop> {
        let mut place = 0;
        loop {
            let field = self.field(cursor)?;
            each(place, &field);
            place += 1;
            match cursor.byte() {
                Some(byte) if byte == self.delimiter => cursor.at += 1,
                Some(b'\r') if self.newline != b'\r' => {
                    cursor.at += 2;
                    return Ok(());
                }
                Some(_) => {
                    cursor.at += 1;
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    /// Reads a record whose fields are in the order of the header.
    pub(super) fn read(
        &self,
        header: &Header,
        cursor: &mut Cursor<'_>,
        rows: &mut Rows,
    ) -> Result<Option<Refusal>, Stop> {
        let (mut found, mut refusal) = (0, None);
        self.record(cursor, |place, field| {
            found = place + 1;
            if field.torn {
                refusal.get_or_insert(Refusal::Quoting);
            }
            if let (Some(Place::New), Some(key)) = (header.places.get(place), header.keys.get(place))
                && !self.is_null(field, true)
            {
                rows.rescue(key, &serde_json::Value::from(&*field.text).to_string());
            }
            if let (Some(Place::Column(column)), None) = (header.places.get(place), &refusal) {
                let kind = rows.kind(*column);
                let null = self.is_null(field, kind.keeps_empty());
                let token = if null { Token::Null } else { Token::Text(&field.text) };
                if !rows.append(*column, token) {
                    refusal = Some(Refusal::Cell { column: *column, value: field.start..field.end });
                }
            }
        })?;
        if found != header.places.len() {
            refusal = Some(Refusal::Width { found, wanted: header.places.len() });
        }
        rows.end_row(refusal.is_none());
        Ok(refusal)
    }

    /// Past an empty line, if one begins here.
    pub(in crate::engine::source) fn blank(&self, cursor: &mut Cursor<'_>) -> Result<bool, Stop> {
        let length = match cursor.text.as_bytes()[cursor.at..] {
            [byte, ..] if byte == self.newline => 1,
            [b'\r', b'\n', ..] => 2,
            [] | [b'\r'] if !cursor.last => return Err(Stop::End),
            _ => 0,
        };
        cursor.at += length;
        Ok(length > 0)
    }

    /// Whether a field of a column holds nothing; in some columns an empty text is a value.
    pub(in crate::engine::source) fn is_null(&self, field: &Field<'_>, keeps_empty: bool) -> bool {
        match &self.nulls {
            None => field.text.is_empty() && !(field.quoted && keeps_empty),
            Some(nulls) => (field.text.is_empty() && !keeps_empty) || nulls.has(&field.text),
        }
    }

    /// The field that begins here; the cursor stands before what ends it.
    fn field<'a>(&self, cursor: &mut Cursor<'a>) -> Result<Field<'a>, Stop> {
        let start = cursor.at;
        if cursor.byte() != Some(self.quote) {
            let end = self.end(cursor, start)?;
            cursor.at = end;
            return Ok(Field {
                text: Cow::Borrowed(&cursor.text[start..end]),
                quoted: false,
                torn: false,
                start,
                end,
            });
        }
        let bytes = cursor.text.as_bytes();
        let quote = char::from(self.quote);
        let mut at = start + 1;
        let mut doubled = false;
        loop {
            match bytes[at..].iter().position(|byte| *byte == self.quote) {
                None => return Err(Stop::End),
                Some(length) => at += length + 1,
            }
            match bytes.get(at) {
                Some(byte) if *byte == self.quote => doubled = true,
                None if !cursor.last => return Err(Stop::End),
                _ => break,
            }
            at += 1;
        }
        let inside = &cursor.text[start + 1..at - 1];
        let end = self.end(cursor, at)?;
        cursor.at = end;
        let text = if doubled {
            Cow::Owned(inside.replace(&format!("{quote}{quote}"), &quote.to_string()))
        } else {
            Cow::Borrowed(inside)
        };
        Ok(Field { text, quoted: true, torn: end != at, start, end })
    }

    /// Where the unquoted text at `from` ends: before a delimiter, a line's end or the file's.
    fn end(&self, cursor: &Cursor<'_>, from: usize) -> Result<usize, Stop> {
        let bytes = cursor.text.as_bytes();
        let stop = bytes[from..].iter().position(|byte| *byte == self.delimiter || *byte == self.newline);
        match stop.map(|length| from + length) {
            None if cursor.last => Ok(bytes.len()),
            None => Err(Stop::End),
            Some(at) if bytes[at] == b'\n' && at > from && bytes[at - 1] == b'\r' => Ok(at - 1),
            Some(at) => Ok(at),
        }
    }
}

/// Where in a CSV file the walk is.
pub(super) struct CsvFrame {
    csv: Csv,
    width: usize,
    begun: bool,
}

impl CsvFrame {
    /// At the start; without a header a record has `declared` fields.
    pub(super) fn new(csv: Csv, declared: usize) -> Self {
        Self { csv, width: declared, begun: false }
    }

    pub(super) fn step<S: Sink>(&mut self, cursor: &mut Cursor<'_>, sink: &mut S) -> Result<bool, Stop> {
        if !self.begun {
            mark(cursor);
        }
        if cursor.byte().is_none() {
            return match (cursor.last, self.begun || !self.csv.header) {
                (true, true) => Ok(true),
                (true, false) => Err(Stop::Broken(cursor.at, "the file has no header".to_owned())),
                (false, _) => Err(Stop::End),
            };
        }
        if (self.width > 1 || (self.csv.header && !self.begun)) && self.csv.blank(cursor)? {
            return Ok(false);
        }
        if self.csv.header && !self.begun {
            let (start, mut names) = (cursor.at, Vec::new());
            self.csv.record(cursor, |_, field| names.push(field.text.trim().to_owned()))?;
            let width = names.len();
            sink.header(names).map_err(|reason| Stop::Broken(start, reason))?;
            self.width = width;
        } else {
            sink.row(cursor)?;
        }
        self.begun = true;
        Ok(false)
    }
}
