//! CSV (RFC 4180): records of fields. Quoted fields may contain anything.

use std::borrow::Cow;

use super::{csv_dialect::Csv, header::TextHeader, json_frame::mark, refusal::Refusal, sink::DocumentSink};
use crate::source::{
    cell::{CellToken, non_finite},
    json::{Cursor, JsonStop},
    kind::ColumnKind,
    names::ColumnPlace,
    rows::SourceRows,
};

/// A field of a record.
pub(in crate::source) struct CsvField<'a> {
    pub(in crate::source) text: Cow<'a, str>,
    pub(super) quoted: bool,
    /// True if there is text between the closing quote and the end of the field.
    pub(in crate::source) torn: bool,
    /// The offset of its first byte in the text.
    pub(in crate::source) start: usize,
    /// The offset after its last byte.
    pub(in crate::source) end: usize,
}

impl Csv {
    /// Skips the record at the cursor, and passes each field with its index to `each`.
    pub(in crate::source) fn record<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        mut each: impl FnMut(usize, &CsvField<'a>),
    ) -> Result<(), JsonStop> {
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

    /// Reads a record whose fields are in header order.
    pub(super) fn read(
        &self,
        header: &TextHeader,
        cursor: &mut Cursor<'_>,
        rows: &mut SourceRows,
    ) -> Result<Option<Refusal>, JsonStop> {
        let (mut found, mut refusal) = (0, None);
        self.record(cursor, |place, field| {
            found = place + 1;
            if field.torn {
                refusal.get_or_insert(Refusal::Quoting);
            }
            if let (Some(ColumnPlace::New), Some(key)) = (header.places.get(place), header.keys.get(place))
                && !self.is_null(field, true)
            {
                rows.rescue(key, &serde_json::Value::from(&*field.text).to_string());
            }
            if let (Some(ColumnPlace::Column(column)), None) = (header.places.get(place), &refusal) {
                let kind = rows.kind(*column);
                if !rows.append(*column, self.token(field, kind)) {
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

    /// Skips an empty line, if there is one at the cursor.
    pub(in crate::source) fn blank(&self, cursor: &mut Cursor<'_>) -> Result<bool, JsonStop> {
        let length = match cursor.text.as_bytes()[cursor.at..] {
            [byte, ..] if byte == self.newline => 1,
            [b'\r', b'\n', ..] => 2,
            [] | [b'\r'] if !cursor.last => return Err(JsonStop::End),
            _ => 0,
        };
        cursor.at += length;
        Ok(length > 0)
    }

    /// Returns the value of a field in a column of this kind. Only seeds have numbers that aren't finite.
    pub(in crate::source) fn token<'a>(&self, field: &'a CsvField<'_>, kind: ColumnKind) -> CellToken<'a> {
        if self.is_null(field, kind.keeps_empty()) {
            return CellToken::Null;
        }
        let is_float = matches!(kind, ColumnKind::Float32 | ColumnKind::Float64);
        let non_finite = (is_float && self.nulls.is_some()).then(|| non_finite(&field.text)).flatten();
        non_finite.map_or(CellToken::Text(&field.text), CellToken::NonFinite)
    }

    /// Returns whether a field is NULL. With `keeps_empty`, an empty text is a value.
    pub(in crate::source) fn is_null(&self, field: &CsvField<'_>, keeps_empty: bool) -> bool {
        match &self.nulls {
            None => field.text.is_empty() && !(field.quoted && keeps_empty),
            Some(nulls) => (field.text.is_empty() && !keeps_empty) || nulls.has(&field.text),
        }
    }

    /// Parses the field at the cursor, and leaves the cursor before its terminator.
    fn field<'a>(&self, cursor: &mut Cursor<'a>) -> Result<CsvField<'a>, JsonStop> {
        let start = cursor.at;
        if cursor.byte() != Some(self.quote) {
            let end = self.end(cursor, start)?;
            cursor.at = end;
            return Ok(CsvField {
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
                None => return Err(JsonStop::End),
                Some(length) => at += length + 1,
            }
            match bytes.get(at) {
                Some(byte) if *byte == self.quote => doubled = true,
                None if !cursor.last => return Err(JsonStop::End),
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
        Ok(CsvField { text, quoted: true, torn: end != at, start, end })
    }

    /// Returns where the unquoted text at `from` ends: before a delimiter, a line end or the end of the file.
    fn end(&self, cursor: &Cursor<'_>, from: usize) -> Result<usize, JsonStop> {
        let bytes = cursor.text.as_bytes();
        let stop = bytes[from..].iter().position(|byte| *byte == self.delimiter || *byte == self.newline);
        match stop.map(|length| from + length) {
            None if cursor.last => Ok(bytes.len()),
            None => Err(JsonStop::End),
            Some(at) if bytes[at] == b'\n' && at > from && bytes[at - 1] == b'\r' => Ok(at - 1),
            Some(at) => Ok(at),
        }
    }
}

/// The state of a walk over a CSV file.
pub(super) struct CsvFrame {
    csv: Csv,
    width: usize,
    begun: bool,
}

impl CsvFrame {
    /// Starts a walk. Without a header a record has `declared` fields.
    pub(super) fn new(csv: Csv, declared: usize) -> Self {
        Self { csv, width: declared, begun: false }
    }

    pub(super) fn step<S: DocumentSink>(
        &mut self,
        cursor: &mut Cursor<'_>,
        sink: &mut S,
    ) -> Result<bool, JsonStop> {
        if !self.begun {
            mark(cursor);
        }
        if cursor.byte().is_none() {
            return match (cursor.last, self.begun || !self.csv.header) {
                (true, true) => Ok(true),
                (true, false) => Err(JsonStop::Broken(cursor.at, "the file has no header".to_owned())),
                (false, _) => Err(JsonStop::End),
            };
        }
        if (self.width > 1 || (self.csv.header && !self.begun)) && self.csv.blank(cursor)? {
            return Ok(false);
        }
        if self.csv.header && !self.begun {
            let (start, mut names) = (cursor.at, Vec::new());
            self.csv.record(cursor, |_, field| names.push(field.text.trim().to_owned()))?;
            let width = names.len();
            sink.header(names).map_err(|reason| JsonStop::Broken(start, reason))?;
            self.width = width;
        } else {
            sink.row(cursor)?;
        }
        self.begun = true;
        Ok(false)
    }
}
