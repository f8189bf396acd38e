//! The first pass over a big file: is it sound, what is its header, and where do chunks of rows begin?

use std::io;

use super::{
    document::{Format, Frame, Sink},
    json::{Cursor, Stop},
    pace::Pace,
    row::RowReader,
    sniff,
    whole::{Broken, EMPTY},
    window::Window,
};
use crate::engine::source::decode::Text;

/// What is known of a sound file.
#[derive(Debug)]
pub(crate) struct Index {
    /// How the file is written.
    pub(super) format: Format,
    /// Whether places in the text are places in the file; if not, chunks can only be read one after another.
    pub(super) is_direct: bool,
    pub(super) header: Option<Vec<String>>,
    pub(super) chunks: Vec<Chunk>,
}

/// Some rows that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The first byte of the first row.
    pub(super) start: u64,
    /// One past the last byte of the last row.
    pub(super) end: u64,
    /// The place of the first row in the file, from 1.
    pub(super) first: u64,
}

/// Walks a file in a bounded window. `go_on` is asked now and then.
pub(super) fn build(
    file: Text<'_>,
    format: &Format,
    pace: Pace,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Result<Index, Broken>> {
    let is_direct = file.is_direct;
    let format = match sniff::resolve(format, sniff::beginning(&file.head), false) {
        Ok(format) => format.into_owned(),
        Err(reason) => return Ok(Err(Broken { offset: 0, reason })),
    };
    let format = &format;
    let mut window = Window::new(file.reader(), pace);
    let mut frame = Frame::new(format);
    let reader = match format.reader(None) {
        Ok(reader) => reader,
        Err(reason) => return Ok(Err(window.broken(0, reason))),
    };
    let mut notes =
        Notes { format, reader, base: 0, header: None, known: false, chunks: Vec::new(), row: 0, pace };
    if let Err(broken) = window.advance(0)? {
        return Ok(Err(broken));
    }
    loop {
        if !go_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        notes.base = window.base();
        let (text, last) = match window.text() {
            Ok(piece) => piece,
            Err(broken) => return Ok(Err(broken)),
        };
        if text.is_empty() && last && window.base() == 0 {
            return Ok(Err(window.broken(0, EMPTY.to_owned())));
        }
        let mut cursor = Cursor::new(text, last);
        match frame.walk(&mut cursor, &mut notes) {
            Ok(()) => break,
            Err(Stop::Broken(at, reason)) => return Ok(Err(window.broken(at, reason))),
            Err(Stop::End) => {
                let used = cursor.at;
                if let Err(broken) = window.advance(used)? {
                    return Ok(Err(broken));
                }
            }
        }
    }
    if notes.row > 0 && !notes.known {
        return Ok(Err(Broken { offset: 0, reason: format.stranger() }));
    }
    let Notes { header, chunks, .. } = notes;
    Ok(Ok(Index { format: format.clone(), is_direct, header, chunks }))
}

struct Notes<'a> {
    format: &'a Format,
    reader: RowReader,
    /// Where in the file the cursor's text begins.
    base: u64,
    header: Option<Vec<String>>,
    /// Whether a row or the header has anything of what is declared.
    known: bool,
    chunks: Vec<Chunk>,
    row: u64,
    pace: Pace,
}

impl Sink for Notes<'_> {
    fn header(&mut self, names: Vec<String>) -> Result<(), String> {
        self.known = self.format.reader(Some(&names))?.knows(None);
        self.header = Some(names);
        Ok(())
    }

    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        let start = self.base + cursor.at as u64;
        let text = self.reader.skip(cursor)?;
        self.known = self.known || (self.header.is_none() && self.reader.knows(Some(text)));
        let end = self.base + cursor.at as u64;
        self.row += 1;
        match self.chunks.last_mut() {
            Some(chunk) if end - chunk.start <= self.pace.chunk => chunk.end = end,
            _ => self.chunks.push(Chunk { start, end, first: self.row }),
        }
        Ok(())
    }
}
