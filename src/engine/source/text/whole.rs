//! A small file in one pass: walked and decoded at once, and taken back if it breaks.

use std::{ops::Range, sync::Arc};

use super::{
    chunk,
    document::{Format, Frame, Layout, Sink},
    json::{Cursor, Stop},
    refusal::Refused,
    row::RowReader,
    sniff,
};
use crate::engine::source::{
    decode::{not_text, wide},
    rows::Rows,
};

/// Why a file is set aside whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The byte at which it breaks.
    pub(crate) offset: u64,
    pub(crate) reason: String,
}

/// What a file that ends too early is told.
pub(super) const CUT: &str = "the file ends too early";
/// What a file without any text is told.
pub(super) const EMPTY: &str = "the file is empty";
/// Reads a file into `rows`; the rows it refuses.
pub(super) fn read(
    bytes: &[u8],
    format: &Format,
    file: &Arc<str>,
    rows: &mut Rows,
) -> Result<Vec<Refused>, Broken> {
    let broken = |at: usize, reason: String| Broken { offset: at as u64, reason };
    if bytes.is_empty() {
        return Err(broken(0, EMPTY.to_owned()));
    }
    if let Some(reason) = wide(bytes) {
        return Err(broken(0, reason));
    }
    let text = str::from_utf8(bytes).map_err(|error| broken(error.valid_up_to(), not_text(bytes)))?;
    let format = &*sniff::resolve(format, text, true).map_err(|reason| broken(0, reason))?;
    let start = rows.len();
    rows.begin(file, 1);
    decode(text, format, rows).map_err(|stop| {
        rows.discard(start);
        match stop {
            Stop::End => broken(bytes.len(), CUT.to_owned()),
            Stop::Broken(at, reason) => broken(at, reason),
        }
    })
}

fn decode(text: &str, format: &Format, rows: &mut Rows) -> Result<Vec<Refused>, Stop> {
    let mut sink = Decode { format, rows, reader: None, later: None, row: 0, refused: Vec::new() };
    if !sink.needs_header() {
        sink.reader = Some(format.reader(None).map_err(|reason| Stop::Broken(0, reason))?);
    }
    let mut cursor = Cursor::new(text, true);
    Frame::new(format).walk(&mut cursor, &mut sink)?;
    let Decode { rows, reader, later, mut row, mut refused, .. } = sink;
    let Some(mut reader) = reader else { return Ok(refused) };
    if let Some(later) = later {
        refused = chunk::decode(&text[later.clone()], &mut reader, 1, rows)?;
        for refused in &mut refused {
            refused.shift(later.start);
        }
        row = 1;
    }
    if row > 0 && !reader.knows(None) {
        return Err(Stop::Broken(0, format.stranger()));
    }
    Ok(refused)
}

struct Decode<'a> {
    format: &'a Format,
    rows: &'a mut Rows,
    /// Known once the header is.
    reader: Option<RowReader>,
    /// The rows that came before the header.
    later: Option<Range<usize>>,
    row: u64,
    refused: Vec<Refused>,
}

impl Decode<'_> {
    fn needs_header(&self) -> bool {
        match &self.format.layout {
            Layout::Split => true,
            Layout::Records | Layout::Lines | Layout::AnyJson => false,
            Layout::Csv(csv) => csv.header,
            Layout::AnyCsv(dialect) => dialect.plain().header,
        }
    }
}

impl Sink for Decode<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        self.reader = Some(self.format.reader(Some(&names))?);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        let start = cursor.at;
        let Some(reader) = &mut self.reader else {
            cursor.skip()?;
            self.later.get_or_insert(start..start).end = cursor.at + 1;
            return Ok(());
        };
        self.row += 1;
        if let Some(refusal) = reader.read(cursor, self.rows)? {
            self.refused.push(Refused { row: self.row, raw: start..cursor.at, refusal });
        }
        Ok(())
    }
}
