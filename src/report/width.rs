//! Measuring text in terminal columns, and fitting it to a width.

use std::borrow::Cow;

use crate::text::escaped_controls;

/// Returns the width of a text in columns: 0 for combining marks, 2 for East Asian wide characters and emoji.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(of).sum()
}

fn of(c: char) -> usize {
    match u32::from(c) {
        0..0x20
        | 0x7F..0xA0
        | 0x300..0x370
        | 0x483..0x48A
        | 0x591..0x5BE
        | 0x610..0x61B
        | 0x64B..0x660
        | 0x1AB0..0x1B00
        | 0x1DC0..0x1E00
        | 0x200B..0x2010
        | 0x20D0..0x2100
        | 0xFE00..0xFE10
        | 0xFE20..0xFE30
        | 0xFEFF => 0,
        0x1100..0x1160
        | 0x2E80..0x303F
        | 0x3041..0xA4D0
        | 0xA960..0xA980
        | 0xAC00..0xD7A4
        | 0xF900..0xFB00
        | 0xFE30..0xFE70
        | 0xFF00..0xFF61
        | 0xFFE0..0xFFE7
        | 0x1F300..0x1F650
        | 0x1F680..0x1F700
        | 0x1F900..0x1FA00
        | 0x20000..0x40000 => 2,
        _ => 1,
    }
}

/// Shortens text to at most `width` columns by replacing its middle with `…`. Names differ both at the
/// beginning (the schema) and at the end, so both are kept.
pub(super) fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let room = width.saturating_sub(1);
    let head = fitting(text.chars(), room / 2);
    let tail: String = fitting(text.chars().rev(), room - columns(&head)).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

fn fitting(chars: impl Iterator<Item = char>, room: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += of(*c);
            used <= room
        })
        .collect()
}

/// Pads text with `fill` to `width` columns.
pub(super) fn pad(text: &str, width: usize, fill: &str) -> String {
    format!("{text}{}", fill.repeat(width.saturating_sub(columns(text))))
}

/// Escapes control characters, so that text from data files or errors can't control the terminal. Keeps line
/// breaks and turns tabs into spaces.
pub(super) fn printable(text: &str) -> String {
    escaped_controls(text).replace('\t', "    ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_and_combining_characters() {
        assert_eq!(["abc", "読取", "e\u{301}", "🚰", ""].map(columns), [3, 4, 1, 2, 0]);
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(shorten("raw.readings_of_2021_q4", 15), "raw.rea…2021_q4");
        assert_eq!(shorten("読取読取読取", 6), "読…取");
        assert_eq!(shorten("raw.a", 5), "raw.a");
    }

    #[test]
    fn escape_sequences_are_spelt_out() {
        assert_eq!(printable("\u{1b}[2J\r\ta\nb"), "\\u{1b}[2J\\r    a\nb");
    }

    proptest! {
        #[test]
        fn what_is_shortened_fits(text in "\\PC{0,40}", width in 1..30_usize) {
            prop_assert!(columns(&shorten(&text, width)) <= width);
        }
    }
}
