//! Mapping from compiled text back to the user's text.

use std::ops::Range;

/// A rewritten text, with the origin of each of its bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Stitched {
    text: String,
    pieces: Vec<StitchedPiece>,
}

#[derive(Debug, Clone)]
struct StitchedPiece {
    /// The start in the rewritten text.
    start: usize,
    /// The corresponding range of the user's text.
    source: Range<usize>,
    /// Whether the piece is a verbatim copy, rather than a replacement.
    copied: bool,
}

impl Stitched {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Appends a part of the user's text.
    pub(super) fn copy(&mut self, original: &str, range: Range<usize>) {
        if !range.is_empty() {
            self.pieces.push(StitchedPiece { start: self.text.len(), source: range.clone(), copied: true });
            self.text.push_str(&original[range]);
        }
    }

    /// Appends generated text that replaces a part of the user's.
    pub(super) fn put(&mut self, text: &str, source: Range<usize>) {
        if !text.is_empty() {
            self.pieces.push(StitchedPiece { start: self.text.len(), source, copied: false });
            self.text.push_str(text);
        }
    }

    /// Maps a range of the rewritten text to the user's text.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let Some(first) = self.piece(range.start) else { return 0..0 };
        let within = if first.copied { range.start - first.start } else { 0 };
        let start = (first.source.start + within).min(first.source.end);
        if range.is_empty() {
            return start..start;
        }
        let end = match self.piece(range.end - 1) {
            Some(last) if last.copied => (last.source.start + range.end - last.start).min(last.source.end),
            Some(last) => last.source.end,
            None => start,
        };
        // Moved parts may be in reverse order.
        start.min(end)..end.max(start)
    }

    fn piece(&self, at: usize) -> Option<&StitchedPiece> {
        let after = self.pieces.partition_point(|piece| piece.start <= at);
        self.pieces.get(after.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_bytes_keep_their_offset_and_put_ones_their_anchor() {
        let mut stitched = Stitched::default();
        stitched.put("PRE", 0..0);
        stitched.copy("hello world", 0..5);
        stitched.put("[new]", 5..6);
        stitched.copy("hello world", 6..11);
        assert_eq!(stitched.text(), "PREhello[new]world");
        assert_eq!(stitched.original(4..6), 1..3);
        assert_eq!(stitched.original(9..11), 5..6);
        assert_eq!(stitched.original(13..18), 6..11);
        assert_eq!(stitched.original(99..120), 11..11);
    }
}
