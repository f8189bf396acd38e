//! Slicing of text by position, and padding.

use datafusion::error::Result;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    call::fail,
    description::{Function, takes},
    kind::ParameterKind::{BigInt, Integer, Varchar},
};

/// The maximum length of a text that a function makes, in bytes. It is copied into a column at least once.
pub(super) const LONGEST: usize = 1 << 29;

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["substring", "substr"],
        syntax: "substring(text, start[, length])",
        doc: "Returns the characters from a position on, which counts from 1, or from the end if negative; a negative \
              length takes those before it.",
        example: ("substring('hello', -3, 2)", "ll"),
        overloads: &[
            takes(&[Varchar, BigInt], Varchar, |call| {
                call.map2(|text: &str, start: i64| substring(text, start, None).map(Some))
            }),
            takes(&[Varchar, BigInt, BigInt], Varchar, |call| {
                call.map3(|text: &str, start: i64, length: i64| {
                    substring(text, start, Some(length)).map(Some)
                })
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["substring_grapheme"],
        syntax: "substring_grapheme(text, start[, length])",
        doc: "Returns the grapheme clusters from a position on.",
        example: ("substring_grapheme('abc', 2, 1)", "b"),
        overloads: &[
            takes(&[Varchar, BigInt], Varchar, |call| {
                call.map2(|text: &str, start: i64| graphemes(text, start, None).map(Some))
            }),
            takes(&[Varchar, BigInt, BigInt], Varchar, |call| {
                call.map3(|text: &str, start: i64, length: i64| {
                    graphemes(text, start, Some(length)).map(Some)
                })
            }),
        ],
        ..Function::TEXT
    },
    Function {
        names: &["left"],
        syntax: "left(text, count)",
        doc: "Returns the first characters, or all but the last ones if the count is negative.",
        example: ("left('hello', 2)", "he"),
        overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
            call.map2(|text: &str, count: i64| {
                Ok(Some(&text[..offset(text, first_of(text.chars().count(), count))]))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["right"],
        syntax: "right(text, count)",
        doc: "Returns the last characters, or all but the first ones if the count is negative.",
        example: ("right('hello', 2)", "lo"),
        overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
            call.map2(|text: &str, count: i64| {
                let length = text.chars().count();
                Ok(Some(&text[offset(text, length - first_of(length, count))..]))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["left_grapheme"],
        syntax: "left_grapheme(text, count)",
        doc: "Returns the first grapheme clusters.",
        example: ("left_grapheme('hello', 2)", "he"),
        overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
            call.map2(|text: &str, count: i64| {
                let clusters: Vec<&str> = text.graphemes(true).collect();
                Ok(Some(clusters[..first_of(clusters.len(), count)].concat()))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["right_grapheme"],
        syntax: "right_grapheme(text, count)",
        doc: "Returns the last grapheme clusters.",
        example: ("right_grapheme('hello', 2)", "lo"),
        overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
            call.map2(|text: &str, count: i64| {
                let clusters: Vec<&str> = text.graphemes(true).collect();
                Ok(Some(clusters[clusters.len() - first_of(clusters.len(), count)..].concat()))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["lpad"],
        syntax: "lpad(text, count, padding)",
        doc: "Pads a text at its start to a number of characters, or cuts it to that.",
        example: ("lpad('7', 3, '0')", "007"),
        overloads: &[takes(&[Varchar, Integer, Varchar], Varchar, |call| {
            call.map3(|text: &str, count: i32, padding: &str| {
                let (kept, padding) = pad("lpad", text, count, padding)?;
                Ok(Some(padding + kept))
            })
        })],
        ..Function::TEXT
    },
    Function {
        names: &["rpad"],
        syntax: "rpad(text, count, padding)",
        doc: "Pads a text at its end to a number of characters, or cuts it to that.",
        example: ("rpad('7', 3, '0')", "700"),
        overloads: &[takes(&[Varchar, Integer, Varchar], Varchar, |call| {
            call.map3(|text: &str, count: i32, padding: &str| {
                let (kept, padding) = pad("rpad", text, count, padding)?;
                Ok(Some(kept.to_owned() + &padding))
            })
        })],
        ..Function::TEXT
    },
];

/// Returns the characters to keep, and the padding to add.
fn pad<'a>(name: &str, text: &'a str, count: i32, padding: &str) -> Result<(&'a str, String)> {
    let wanted = usize::try_from(count).unwrap_or(0);
    let length = text.chars().count();
    if length >= wanted {
        return Ok((&text[..offset(text, wanted)], String::new()));
    }
    if padding.is_empty() {
        return fail(format!("{name}: the padding is empty, and the text is too short without"));
    }
    if wanted.saturating_mul(4) > LONGEST {
        return fail(format!("{name}: the result is longer than 512 MB"));
    }
    Ok((text, padding.chars().cycle().take(wanted - length).collect()))
}

/// Returns how many of `length` characters the first `count` are, or all but the last `-count` if it is
/// negative.
fn first_of(length: usize, count: i64) -> usize {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 { length.saturating_sub(size) } else { length.min(size) }
}

/// Returns the byte offset of a character, or the text's length if it has fewer characters.
fn offset(text: &str, character: usize) -> usize {
    if text.is_ascii() {
        return character.min(text.len());
    }
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

fn substring(text: &str, start: i64, length: Option<i64>) -> Result<&str> {
    let count = if text.is_ascii() { text.len() } else { text.chars().count() };
    let (from, to) = slice(count, start, length)?;
    let first = offset(text, from);
    Ok(&text[first..first + offset(&text[first..], to - from)])
}

fn graphemes(text: &str, start: i64, length: Option<i64>) -> Result<String> {
    let clusters: Vec<&str> = text.graphemes(true).collect();
    let (from, to) = slice(clusters.len(), start, length)?;
    Ok(clusters[from..to].concat())
}

/// Returns the range of characters that `substring` selects.
fn slice(count: usize, start: i64, length: Option<i64>) -> Result<(usize, usize)> {
    const FURTHEST: i64 = u32::MAX as i64;
    for (name, value) in [("start", start), ("length", length.unwrap_or(0))] {
        if !(-FURTHEST - 1..=FURTHEST).contains(&value) {
            return fail(format!("substring: the {name} {value} is out of range"));
        }
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut length = length.unwrap_or(FURTHEST);
    let mut from = match start {
        1.. => start - 1,
        0 => 0,
        _ => count + start,
    };
    if start == 0 {
        // Position 0 is before the first character.
        length -= 1;
        if length <= 0 {
            return Ok((0, 0));
        }
    }
    let mut to = from.saturating_add(length);
    if length < 0 {
        (from, to) = (to, from);
    }
    let (from, to) = (from.clamp(0, count), to.clamp(0, count));
    Ok((usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0)))
}

/// Returns the integer part of a non-negative number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are what it is for")]
pub(super) fn whole(of: f64) -> usize {
    of as usize
}
