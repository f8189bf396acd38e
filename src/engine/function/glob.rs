//! GLOB: patterns with `*`, `?` and `[a-z]`, matched byte by byte as in DuckDB.

use datafusion::error::Result;

use super::{
    call::Call,
    description::{Function, takes},
    kind::ParameterKind::{Boolean, Varchar},
};

/// The function that implements `text GLOB pattern`.
pub(super) const OPERATOR: &[Function] = &[Function {
    names: &["glob_match"],
    overloads: &[takes(&[Varchar, Varchar], Boolean, matches)],
    ..Function::TEXT
}];

fn matches(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    call.map2(|text: &str, pattern: &str| Ok(Some(is_match(text.as_bytes(), pattern.as_bytes()))))
}

fn is_match(mut text: &[u8], mut pattern: &[u8]) -> bool {
    // Where to resume if the rest of the pattern doesn't match after the last `*`: one byte later.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let fits = match (pattern.first(), text.first()) {
            (Some(b'*'), _) => {
                pattern = &pattern[1..];
                star = Some((text, pattern));
                continue;
            }
            (None, None) => return true,
            (Some(_), Some(_)) => one(text[0], pattern),
            _ => None,
        };
        if let Some(rest) = fits {
            (text, pattern) = (&text[1..], rest);
            continue;
        }
        match star {
            Some((from, after)) if !from.is_empty() => {
                star = Some((&from[1..], after));
                (text, pattern) = (&from[1..], after);
            }
            _ => return false,
        }
    }
}

/// Returns the rest of the pattern if its first element matches a byte.
fn one(byte: u8, pattern: &[u8]) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', b'!', set @ ..] => in_set(byte, set).filter(|(found, _)| !found).map(|(_, rest)| rest),
        [b'[', set @ ..] => in_set(byte, set).filter(|(found, _)| *found).map(|(_, rest)| rest),
        [] | [b'\\'] => None,
        [b'\\', plain, rest @ ..] | [plain, rest @ ..] => (*plain == byte).then_some(rest),
    }
}

/// Returns whether a set contains a byte, and the pattern after the set; `None` if the set isn't closed.
fn in_set(byte: u8, set: &[u8]) -> Option<(bool, &[u8])> {
    let mut found = false;
    let mut rest = set;
    loop {
        rest = match rest {
            // A leading bracket is a member of the set.
            [b']', after @ ..] if rest.len() < set.len() => return Some((found, after)),
            [from, b'-', to, after @ ..] => {
                found |= (*from..=*to).contains(&byte);
                after
            }
            [_, b'-'] | [] => return None,
            [plain, after @ ..] => {
                found |= *plain == byte;
                after
            }
        };
    }
}
