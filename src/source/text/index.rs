//! First pass over a large file: validates its frame, reads its header, and splits it into chunks of rows.

use std::{io, ops::Range};

use super::{
    broken::{Broken, EMPTY, lines},
    document::Frame,
    format::TextFormat,
    pace::ReadSizes,
    row::RowReader,
    sink::DocumentSink,
    sniff,
    window::FileWindow,
};
use crate::source::{
    decode::Text,
    drift::Deviation,
    hive::Folders,
    json::{Cursor, JsonStop},
};

/// The result of the first pass over a valid file.
#[derive(Debug)]
pub(crate) struct Index {
    /// The file's format.
    pub(super) format: TextFormat,
    /// True if positions in the text are positions in the file. If false, chunks can only be read
    /// sequentially.
    pub(super) is_direct: bool,
    pub(super) header: Option<Vec<String>>,
    pub(super) chunks: Vec<RowChunk>,
    /// The file's own columns, and how they differ from the declared ones.
    pub(super) columns: (Vec<String>, Deviation),
}

/// A run of consecutive rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowChunk {
    /// The offset of the first row's first byte.
    pub(super) start: u64,
    /// The offset after the last row's last byte.
    pub(super) end: u64,
    /// The number of the first row in the file, from 1.
    pub(super) first: u64,
    /// The line on which it begins, from 1.
    pub(super) line: u64,
}

/// Walks a file in a bounded window. Polls `go_on` now and then, to stop early.
pub(super) fn build(
    file: Text<'_>,
    format: &TextFormat,
    folders: &Folders,
    pace: ReadSizes,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Result<Index, Broken>> {
    let is_direct = file.is_direct;
    let format = match sniff::resolve(format, folders, sniff::beginning(&file.head), false) {
        Ok(format) => format.into_owned(),
        Err(reason) => return Ok(Err(Broken { offset: 0, reason, is_header: false })),
    };
    let format = &format;
    let mut window = FileWindow::new(file.reader(), pace);
    let mut frame = Frame::new(format, format.own(folders).len());
    let reader = match format.reader(None, folders) {
        Ok(reader) => reader,
        Err(reason) => return Ok(Err(window.broken(0, reason))),
    };
    let mut notes = IndexNotes::new(format, folders, reader, pace);
    if let Err(broken) = window.advance(0)? {
        return Ok(Err(broken));
    }
    loop {
        if !go_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        notes.base = window.base();
        let (text, last) = window.text();
        if text.is_empty() && last && window.base() == 0 {
            return Ok(Err(window.broken(0, EMPTY.to_owned())));
        }
        let mut cursor = Cursor::new(text, last);
        match frame.walk(&mut cursor, &mut notes) {
            Ok(()) => break,
            Err(JsonStop::Broken(at, reason)) => {
                return Ok(Err(Broken { is_header: notes.is_header, ..window.broken(at, reason) }));
            }
            Err(JsonStop::End) => {
                let used = cursor.at;
                notes.line_at(cursor.text, used);
                if let Err(broken) = window.advance(used)? {
                    return Ok(Err(broken));
                }
            }
        }
    }
    let IndexNotes { header, chunks, row, invalid, reader, .. } = notes;
    let reader = match format.reader(header.as_deref(), folders) {
        Ok(of_header) if header.is_some() => of_header,
        _ => reader,
    };
    if let Some(reason) = format.refuse(&reader, row - invalid) {
        return Ok(Err(Broken { offset: 0, reason, is_header: false }));
    }
    Ok(Ok(Index { format: format.clone(), is_direct, header, chunks, columns: reader.columns() }))
}

struct IndexNotes<'a> {
    format: &'a TextFormat,
    folders: &'a Folders,
    reader: RowReader,
    /// The offset of the cursor's text in the file.
    base: u64,
    header: Option<Vec<String>>,
    /// True if the header is invalid.
    is_header: bool,
    chunks: Vec<RowChunk>,
    row: u64,
    /// The number of rows that are invalid lines.
    invalid: u64,
    pace: ReadSizes,
    /// The line number at the byte `counted`, from 1.
    line: u64,
    /// The file offset up to which lines are counted.
    counted: u64,
}

impl<'a> IndexNotes<'a> {
    fn new(format: &'a TextFormat, folders: &'a Folders, reader: RowReader, pace: ReadSizes) -> Self {
        Self {
            format,
            folders,
            reader,
            base: 0,
            header: None,
            is_header: false,
            chunks: Vec::new(),
            row: 0,
            invalid: 0,
            pace,
            line: 1,
            counted: 0,
        }
    }

    /// Adds a row to the last chunk, or to a new one if that is full.
    fn add(&mut self, text: &str, at: Range<usize>) {
        let (start, end) = (self.base + at.start as u64, self.base + at.end as u64);
        self.row += 1;
        match self.chunks.last_mut() {
            Some(chunk) if end - chunk.start <= self.pace.chunk => chunk.end = end,
            _ => {
                let line = self.line_at(text, at.start);
                self.chunks.push(RowChunk { start, end, first: self.row, line });
            }
        }
    }

    /// Returns the line number of a byte of the cursor's text. Calls must be in ascending order of position.
    fn line_at(&mut self, text: &str, at: usize) -> u64 {
        let from = usize::try_from(self.counted.saturating_sub(self.base)).unwrap_or(at).min(at);
        self.line += lines(&text.as_bytes()[from..at]);
        self.counted = self.base + at as u64;
        self.line
    }
}

impl DocumentSink for IndexNotes<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        let reader = self.format.reader(Some(&names), self.folders);
        self.is_header = reader.is_err();
        reader?;
        self.header = Some(names);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        let at = cursor.at;
        self.reader.skip(cursor)?;
        self.add(cursor.text, at..cursor.at);
        Ok(())
    }

    /// The piece that has the row refuses it.
    fn invalid(&mut self, text: &str, at: Range<usize>, _reason: String) {
        self.invalid += 1;
        self.add(text, at);
    }
}
