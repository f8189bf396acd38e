//! A bounded window that moves over a file.

use std::io::{self, Read};

use super::{
    index::lines,
    pace::Pace,
    whole::{Broken, CUT},
};
use crate::engine::source::decode::{self, not_text};

/// A piece of a file, from some byte on.
pub(super) struct Window<R> {
    file: R,
    pace: Pace,
    bytes: Vec<u8>,
    /// Where in the file the piece begins.
    base: u64,
    /// How many lines end before it.
    lines: u64,
    last: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(file: R, pace: Pace) -> Self {
        Self { file, pace, bytes: Vec::new(), base: 0, lines: 0, last: false }
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// The piece as text, and whether the file ends with it.
    pub(super) fn text(&self) -> Result<(&str, bool), Broken> {
        match str::from_utf8(&self.bytes) {
            Ok(text) => Ok((text, self.last)),
            // A character that the window's edge goes through.
            Err(error) if error.error_len().is_none() && !self.last => {
                let whole = &self.bytes[..error.valid_up_to()];
                Ok((str::from_utf8(whole).unwrap_or_default(), false))
            }
            Err(error) => {
                let start = if self.base == 0 { &self.bytes[..] } else { &[] };
                Err(self.broken(error.valid_up_to(), not_text(start)))
            }
        }
    }

    /// Lets go of `used` bytes and reads on; an error inside the result if the file has no more, or if the window would
    /// grow beyond its bound.
    pub(super) fn advance(&mut self, used: usize) -> io::Result<Result<(), Broken>> {
        if self.last {
            return Ok(Err(self.broken(self.bytes.len(), CUT.to_owned())));
        }
        self.lines += lines(&self.bytes[..used]);
        self.bytes.drain(..used);
        self.base += used as u64;
        if self.bytes.len() >= self.pace.row {
            return Ok(Err(self.broken(0, format!("a row longer than {} bytes", self.pace.row))));
        }
        // As much again as is held, so that a long row is not read over and over by small steps.
        let more = self.pace.window.max(self.bytes.len()).max(1) as u64;
        match (&mut self.file).take(more).read_to_end(&mut self.bytes) {
            Ok(read) => {
                self.last = (read as u64) < more;
                Ok(Ok(()))
            }
            Err(error) => match decode::reason(&error) {
                // The bytes that can't be decoded are no text with lines.
                Some(reason) => {
                    let offset = self.base + self.bytes.len() as u64;
                    Ok(Err(Broken { offset, reason: reason.to_owned(), is_header: false }))
                }
                None => Err(error),
            },
        }
    }

    /// A break at byte `at` of the piece.
    pub(super) fn broken(&self, at: usize, reason: String) -> Broken {
        Broken::new(&self.bytes, at, self.base, self.lines, reason)
    }
}
