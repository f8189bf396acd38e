//! Letters: case mapping and white space as in DuckDB.

/// Returns whether a character is a Unicode space separator, which `trim` removes.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Applies Unicode's simple uppercase mapping, which always yields one character.
pub(super) fn upper(c: char) -> char {
    match c {
        'ß' => 'ẞ',
        // Greek letters with iota subscript, whose full mapping is two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => single(c.to_uppercase(), c),
    }
}

/// Applies Unicode's simple lowercase mapping.
pub(super) fn lower(c: char) -> char {
    if c == 'İ' { 'i' } else { single(c.to_lowercase(), c) }
}

fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => otherwise,
    }
}

pub(super) fn first_code_point(text: &str) -> Option<i32> {
    text.chars().next().and_then(|first| i32::try_from(u32::from(first)).ok())
}
