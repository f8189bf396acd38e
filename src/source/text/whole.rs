//! Whole-file reading: walks and decodes a small file in one pass, and discards its rows if it breaks.

use std::{ops::Range, sync::Arc};

use super::{
    broken::{Broken, CUT, EMPTY},
    chunk,
    document::Frame,
    format::{RowLayout, TextFormat},
    refusal::{Refusal, RefusedRow},
    row::RowReader,
    sink::DocumentSink,
    sniff,
};
use crate::source::{
    decode::{not_text, wide},
    drift::Deviation,
    hive::Folders,
    json::{Cursor, JsonStop},
    rows::SourceRows,
};

/// The result of reading a file.
pub(super) struct Decoded {
    /// The rejected rows.
    pub(super) refused: Vec<RefusedRow>,
    /// The number of rows, including rejected ones.
    pub(super) count: u64,
    /// The columns of the file, and how they deviate from the declared ones.
    pub(super) columns: (Vec<String>, Deviation),
    /// True for a single JSON document, which may have all rows in one line.
    pub(super) is_document: bool,
}

/// Reads a file into `rows`, and returns its rejects, row count and columns.
pub(super) fn read(
    bytes: &[u8],
    format: &TextFormat,
    file: &Arc<str>,
    folders: &Folders,
    rows: &mut SourceRows,
) -> Result<Decoded, Broken> {
    let broken = |at: usize, reason: String| Broken::new(bytes, at, 0, 0, reason);
    if bytes.is_empty() {
        return Err(broken(0, EMPTY.to_owned()));
    }
    if let Some(reason) = wide(bytes) {
        return Err(broken(0, reason));
    }
    let (text, is_whole) = text(bytes);
    let format = &*sniff::resolve(format, folders, text, is_whole).map_err(|reason| broken(0, reason))?;
    let start = rows.len();
    rows.begin(file, 1, folders);
    let mut is_header = false;
    decode((text, is_whole), format, folders, rows, &mut is_header).map_err(|stop| {
        rows.discard(start);
        match stop {
            JsonStop::End if !is_whole => broken(text.len(), not_text(bytes)),
            JsonStop::End => broken(bytes.len(), CUT.to_owned()),
            JsonStop::Broken(at, reason) => Broken { is_header, ..broken(at, reason) },
        }
    })
}

/// Returns the bytes as text up to the first one that isn't, and whether that is all. As in a file that is
/// read in pieces, a fault before such a byte is the first one.
pub(super) fn text(bytes: &[u8]) -> (&str, bool) {
    match str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), false),
    }
}

fn decode(
    (text, is_whole): (&str, bool),
    format: &TextFormat,
    folders: &Folders,
    rows: &mut SourceRows,
    is_header: &mut bool,
) -> Result<Decoded, JsonStop> {
    let mut sink =
        Decode { format, folders, rows, reader: None, later: None, row: 0, refused: Vec::new(), is_header };
    if !sink.needs_header() {
        sink.reader = Some(format.reader(None, folders).map_err(|reason| JsonStop::Broken(0, reason))?);
    }
    let mut cursor = Cursor::new(text, is_whole);
    Frame::new(format, format.own(folders).len()).walk(&mut cursor, &mut sink)?;
    let Decode { rows, reader, later, mut row, mut refused, .. } = sink;
    let Some(mut reader) = reader else {
        return Ok(Decoded {
            refused,
            count: 0,
            columns: (Vec::new(), Deviation::default()),
            is_document: true,
        });
    };
    if let Some(later) = later {
        (refused, row) = chunk::decode(&text[later.clone()], &mut reader, 1, rows)?;
        for refused in &mut refused {
            refused.shift(later.start);
        }
    }
    let invalid = refused.iter().filter(|refused| matches!(refused.refusal, Refusal::Invalid(_))).count();
    if let Some(reason) = format.refuse(&reader, row - invalid as u64) {
        return Err(JsonStop::Broken(0, reason));
    }
    Ok(Decoded { refused, count: row, columns: reader.columns(), is_document: format.is_document() })
}

struct Decode<'a> {
    format: &'a TextFormat,
    folders: &'a Folders,
    rows: &'a mut SourceRows,
    /// `None` until the header is known.
    reader: Option<RowReader>,
    /// The range of the rows that come before the header.
    later: Option<Range<usize>>,
    row: u64,
    refused: Vec<RefusedRow>,
    /// Set to true if the header is wrong.
    is_header: &'a mut bool,
}

impl Decode<'_> {
    fn needs_header(&self) -> bool {
        match &self.format.layout {
            RowLayout::Split => true,
            RowLayout::Records | RowLayout::Lines | RowLayout::AnyJson => false,
            RowLayout::Csv(csv) => csv.header,
            RowLayout::AnyCsv(dialect) => dialect.plain().header,
        }
    }
}

impl DocumentSink for Decode<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        let reader = self.format.reader(Some(&names), self.folders);
        *self.is_header = reader.is_err();
        self.reader = Some(reader?);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        let start = cursor.at;
        let Some(reader) = &mut self.reader else {
            cursor.skip()?;
            self.later.get_or_insert(start..start).end = cursor.at + 1;
            return Ok(());
        };
        let refusal = reader.read(cursor, self.rows)?;
        self.row += 1;
        if let Some(refusal) = refusal {
            self.refused.push(RefusedRow { row: self.row, raw: start..cursor.at, refusal });
        }
        Ok(())
    }

    fn invalid(&mut self, _text: &str, at: Range<usize>, reason: String) {
        self.rows.end_row(false);
        self.row += 1;
        self.refused.push(RefusedRow { row: self.row, raw: at, refusal: Refusal::Invalid(reason) });
    }
}
