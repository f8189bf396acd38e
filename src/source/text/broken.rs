//! Why a file is rejected as a whole.

/// The reason why a whole file is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The byte offset of the error.
    pub(crate) offset: u64,
    pub(crate) reason: String,
    /// True if the column names are wrong, which isn't an error of any row.
    pub(crate) is_header: bool,
}

impl Broken {
    /// Creates the error at byte `at` of a piece of the file, which begins after `offset` bytes and
    /// `lines_before` line ends.
    pub(super) fn new(piece: &[u8], at: usize, offset: u64, lines_before: u64, reason: String) -> Self {
        let line = 1 + lines_before + lines(&piece[..at.min(piece.len())]);
        let reason = if line > 1 { format!("line {line}: {reason}") } else { reason };
        Self { offset: offset + at as u64, reason, is_header: false }
    }
}

/// The reason for a file that is cut off.
pub(super) const CUT: &str = "the file ends too early";

/// The reason for a file without any text.
pub(super) const EMPTY: &str = "the file is empty";

/// Counts the line ends in a piece of text.
#[expect(clippy::naive_bytecount, reason = "a fraction of what parsing the text costs")]
pub(super) fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}
