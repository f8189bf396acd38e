//! A bounded window that slides over a file.

use std::io::{self, Read};

use super::{
    broken::{Broken, CUT, lines},
    pace::ReadSizes,
};
use crate::source::{decode::not_text, undecodable};

/// The part of a file in the window.
pub(super) struct FileWindow<R> {
    file: R,
    pace: ReadSizes,
    bytes: Vec<u8>,
    /// The window's byte offset in the file.
    base: u64,
    /// The number of line ends before the window.
    lines: u64,
    last: bool,
    /// The first bytes of the file, which tell what it is if it isn't text.
    head: Vec<u8>,
}

/// The number of bytes that tell what a file is.
const TELLING: usize = 4096;

impl<R: Read> FileWindow<R> {
    pub(super) fn new(file: R, pace: ReadSizes) -> Self {
        Self { file, pace, bytes: Vec::new(), base: 0, lines: 0, last: false, head: Vec::new() }
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    /// Returns the window as text up to the first byte that isn't, and whether it reaches the end of the
    /// file. What precedes such a byte may have a fault of its own, which is the first one then.
    pub(super) fn text(&self) -> (&str, bool) {
        match str::from_utf8(&self.bytes) {
            Ok(text) => (text, self.last),
            Err(error) => (str::from_utf8(&self.bytes[..error.valid_up_to()]).unwrap_or_default(), false),
        }
    }

    /// Drops `used` bytes from the window and reads more. The inner result is an error if the file has no
    /// more bytes, or if the window would exceed its bound.
    pub(super) fn advance(&mut self, used: usize) -> io::Result<Result<(), Broken>> {
        // Unless it is a character that is cut by the edge of the window.
        if let Err(error) = str::from_utf8(&self.bytes)
            && (error.error_len().is_some() || self.last)
        {
            return Ok(Err(self.broken(error.valid_up_to(), not_text(&self.head))));
        }
        if self.last {
            return Ok(Err(self.broken(self.bytes.len(), CUT.to_owned())));
        }
        self.lines += lines(&self.bytes[..used]);
        self.bytes.drain(..used);
        self.base += used as u64;
        if self.bytes.len() >= self.pace.row {
            return Ok(Err(self.broken(0, format!("a row longer than {} bytes", self.pace.row))));
        }
        // Double the window, so that a long row isn't rescanned many times in small steps.
        let more = self.pace.window.max(self.bytes.len()).max(1) as u64;
        match (&mut self.file).take(more).read_to_end(&mut self.bytes) {
            Ok(read) => {
                let known = TELLING - self.head.len();
                let new = &self.bytes[self.bytes.len() - read..];
                self.head.extend_from_slice(&new[..new.len().min(known)]);
                self.last = (read as u64) < more;
                Ok(Ok(()))
            }
            Err(error) => match undecodable::reason(&error) {
                // Bytes that can't be decoded have no line number.
                Some(reason) => {
                    let offset = self.base + self.bytes.len() as u64;
                    Ok(Err(Broken { offset, reason: reason.to_owned(), is_header: false }))
                }
                None => Err(error),
            },
        }
    }

    /// Creates the error at byte `at` of the window.
    pub(super) fn broken(&self, at: usize, reason: String) -> Broken {
        Broken::new(&self.bytes, at, self.base, self.lines, reason)
    }
}
