//! Excerpts of rejected text.

use std::fmt::Write as _;

/// Truncates a text to at most `limit` bytes, between characters. A truncated text ends in `…`.
pub(crate) fn excerpt(bytes: &[u8], limit: usize) -> String {
    if bytes.len() <= limit {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::from_utf8_lossy(&bytes[..limit]).into_owned();
    // A character that was cut in two has become a replacement character.
    let mut end = text.trim_end_matches('\u{fffd}').len().min(limit - '…'.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    let _ = text.write_char('…');
    text
}
