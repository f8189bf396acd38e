//! Text functions: positions count characters from 1, and case follows Unicode's simple mappings, as in the
//! locale `C.UTF-8`.

use datafusion::{arrow::array::ArrayRef, error::Result};

use super::{
    kind::PostgresKind::{Boolean, Bytea, Integer, Text},
    overload::{Routine, takes},
};
use crate::engine::function::call::{Call, fail};

pub(super) const ROUTINES: &[Routine] = &[
    takes("length", &[Text], Integer, length),
    takes("length", &[Bytea], Integer, |call| call.map1(|bytes: &[u8]| Ok(Some(count(bytes.len()))))),
    takes("char_length", &[Text], Integer, length),
    takes("character_length", &[Text], Integer, length),
    takes("octet_length", &[Text], Integer, |call| call.map1(|text: &str| Ok(Some(count(text.len()))))),
    takes("octet_length", &[Bytea], Integer, |call| call.map1(|bytes: &[u8]| Ok(Some(count(bytes.len()))))),
    takes("bit_length", &[Text], Integer, |call| call.map1(|text: &str| Ok(Some(count(text.len() * 8))))),
    takes("lower", &[Text], Text, |call| {
        call.map1(|text: &str| Ok(Some(text.chars().map(lower).collect::<String>())))
    }),
    takes("upper", &[Text], Text, |call| {
        call.map1(|text: &str| Ok(Some(text.chars().map(upper).collect::<String>())))
    }),
    takes("initcap", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(capitalized(text))))),
    takes("btrim", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(text.trim_matches(' '))))),
    takes("btrim", &[Text, Text], Text, |call| {
        call.map2(|text: &str, of: &str| Ok(Some(text.trim_matches(|c| of.contains(c)))))
    }),
    takes("ltrim", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(text.trim_start_matches(' '))))),
    takes("ltrim", &[Text, Text], Text, |call| {
        call.map2(|text: &str, of: &str| Ok(Some(text.trim_start_matches(|c| of.contains(c)))))
    }),
    takes("rtrim", &[Text], Text, |call| call.map1(|text: &str| Ok(Some(text.trim_end_matches(' '))))),
    takes("rtrim", &[Text, Text], Text, |call| {
        call.map2(|text: &str, of: &str| Ok(Some(text.trim_end_matches(|c| of.contains(c)))))
    }),
    takes("lpad", &[Text, Integer], Text, |call| pad(call, true)),
    takes("lpad", &[Text, Integer, Text], Text, |call| pad(call, true)),
    takes("rpad", &[Text, Integer], Text, |call| pad(call, false)),
    takes("rpad", &[Text, Integer, Text], Text, |call| pad(call, false)),
    takes("left", &[Text, Integer], Text, |call| {
        call.map2(|text: &str, size: i32| Ok(Some(&text[..offset(text, first(text, size))])))
    }),
    takes("right", &[Text, Integer], Text, |call| {
        call.map2(|text: &str, size: i32| {
            let length = text.chars().count();
            Ok(Some(&text[offset(text, length - first(text, size))..]))
        })
    }),
    takes("substring", &[Text, Integer], Text, substring),
    takes("substring", &[Text, Integer, Integer], Text, substring),
    takes("substr", &[Text, Integer], Text, substring),
    takes("substr", &[Text, Integer, Integer], Text, substring),
    takes("strpos", &[Text, Text], Integer, |call| {
        call.map2(|text: &str, part: &str| Ok(Some(position(text, part))))
    }),
    takes("replace", &[Text, Text, Text], Text, |call| {
        call.map3(|text: &str, from: &str, to: &str| {
            Ok(Some(if from.is_empty() { text.to_owned() } else { text.replace(from, to) }))
        })
    }),
    takes("translate", &[Text, Text, Text], Text, |call| {
        call.map3(|text: &str, from: &str, to: &str| Ok(Some(translated(text, from, to))))
    }),
    takes("repeat", &[Text, Integer], Text, |call| {
        call.map2(|text: &str, times: i32| {
            let times = usize::try_from(times).unwrap_or(0);
            if text.len().saturating_mul(times) > LONGEST { too_long() } else { Ok(Some(text.repeat(times))) }
        })
    }),
    takes("reverse", &[Text], Text, |call| {
        call.map1(|text: &str| Ok(Some(text.chars().rev().collect::<String>())))
    }),
    takes("starts_with", &[Text, Text], Boolean, |call| {
        call.map2(|text: &str, start: &str| Ok(Some(text.starts_with(start))))
    }),
    takes("$^@", &[Text, Text], Boolean, |call| {
        call.map2(|text: &str, start: &str| Ok(Some(text.starts_with(start))))
    }),
    takes("ascii", &[Text], Integer, |call| {
        call.map1(|text: &str| Ok(Some(text.chars().next().map_or(0, |c| u32::from(c).cast_signed()))))
    }),
    takes("chr", &[Integer], Text, |call| {
        call.map1(|code: i32| {
            match u32::try_from(code).ok().filter(|code| *code > 0).and_then(char::from_u32) {
                Some(c) => Ok(Some(c.to_string())),
                None => fail(format!("chr: {code} is no character")),
            }
        })
    }),
    takes("split_part", &[Text, Text, Integer], Text, |call| {
        call.map3(|text: &str, separator: &str, at: i32| part(text, separator, at).map(Some))
    }),
    takes("overlay", &[Text, Text, Integer], Text, |call| {
        call.map3(|text: &str, by: &str, from: i32| {
            overlaid(text, by, from, count(by.chars().count())).map(Some)
        })
    }),
    takes("overlay", &[Text, Text, Integer, Integer], Text, |call| {
        call.map4(|text: &str, by: &str, from: i32, size: i32| overlaid(text, by, from, size).map(Some))
    }),
];

/// The maximum length of a function's result, in bytes: PostgreSQL's limit.
const LONGEST: usize = 0x3fff_ffff;

fn too_long<T>() -> Result<T> {
    fail("requested length too large")
}

/// Converts a length to an integer.
pub(super) fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn length(call: &Call) -> Result<ArrayRef> {
    call.map1(|text: &str| Ok(Some(count(text.chars().count()))))
}

fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => otherwise,
    }
}

fn upper(c: char) -> char {
    single(c.to_uppercase(), c)
}

fn lower(c: char) -> char {
    if c == 'İ' { 'i' } else { single(c.to_lowercase(), c) }
}

/// Capitalizes the first letter of each word and lowercases the rest; words consist of letters and digits.
fn capitalized(text: &str) -> String {
    let mut within = false;
    text.chars()
        .map(|c| {
            let made = if within { lower(c) } else { upper(c) };
            within = c.is_alphanumeric();
            made
        })
        .collect()
}

/// Returns the byte offset of a character, or the text's length if it has fewer characters.
pub(super) fn offset(text: &str, character: usize) -> usize {
    if text.is_ascii() {
        return character.min(text.len());
    }
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// Returns how many characters the first `size` are, or all but the last `-size` if it is negative.
fn first(text: &str, size: i32) -> usize {
    let (length, magnitude) =
        (text.chars().count(), usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX));
    if size < 0 { length.saturating_sub(magnitude) } else { length.min(magnitude) }
}

/// Returns a substring's position starting at 1, or 0 if it doesn't occur.
pub(super) fn position(text: &str, part: &str) -> i32 {
    text.find(part).map_or(0, |at| count(text[..at].chars().count()) + 1)
}

fn substring(call: &Call) -> Result<ArrayRef> {
    if call.len() == 2 {
        return call.map2(|text: &str, start: i32| slice(text, start.into(), None).map(Some));
    }
    call.map3(|text: &str, start: i32, size: i32| slice(text, start.into(), Some(size.into())).map(Some))
}

/// Returns the characters from a position on; the position may lie before the text.
pub(super) fn slice(text: &str, start: i64, size: Option<i64>) -> Result<&str> {
    let end = match size {
        Some(size) if size < 0 => return fail("negative substring length not allowed"),
        Some(size) => start + size,
        None => i64::MAX,
    };
    let index = |at: i64| usize::try_from((at - 1).max(0)).unwrap_or(usize::MAX);
    let (from, to) = (offset(text, index(start)), offset(text, index(end)));
    Ok(text.get(from..to.max(from)).unwrap_or(""))
}

fn pad(call: &Call, before: bool) -> Result<ArrayRef> {
    let (texts, sizes) = (call.column::<&str>(0)?, call.column::<i32>(1)?);
    let fills = if call.len() > 2 { Some(call.column::<&str>(2)?) } else { None };
    call.each(|row| {
        let fill = match &fills {
            Some(fills) => fills.at(row),
            None => Some(" "),
        };
        let (Some(text), Some(size), Some(fill)) = (texts.at(row), sizes.at(row), fill) else {
            return Ok(None);
        };
        let (size, length) = (usize::try_from(size).unwrap_or(0), text.chars().count());
        if size.saturating_mul(4) > LONGEST {
            return too_long();
        }
        if length >= size || fill.is_empty() {
            return Ok(Some(text[..offset(text, size)].to_owned()));
        }
        let filling: String = fill.chars().cycle().take(size - length).collect();
        Ok(Some(if before { filling + text } else { text.to_owned() + &filling }))
    })
}

fn translated(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let replaced = |c: char| match from.chars().position(|other| other == c) {
        Some(at) => to.get(at).copied(),
        None => Some(c),
    };
    text.chars().filter_map(replaced).collect()
}

fn part(text: &str, separator: &str, at: i32) -> Result<String> {
    if at == 0 {
        return fail("split_part: the position must not be zero");
    }
    if text.is_empty() {
        return Ok(String::new());
    }
    let parts: Vec<&str> = if separator.is_empty() { vec![text] } else { text.split(separator).collect() };
    let index = if at > 0 { i64::from(at) - 1 } else { i64::from(count(parts.len())) + i64::from(at) };
    Ok(usize::try_from(index).ok().and_then(|index| parts.get(index)).map_or("", |part| part).to_owned())
}

fn overlaid(text: &str, by: &str, from: i32, size: i32) -> Result<String> {
    if from <= 0 {
        return fail("negative substring length not allowed");
    }
    let start = slice(text, 1, Some(i64::from(from) - 1))?;
    let rest = slice(text, i64::from(from) + i64::from(size), None)?;
    Ok([start, by, rest].concat())
}
