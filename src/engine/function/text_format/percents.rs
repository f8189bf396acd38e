//! `printf`: placeholders with a percent sign.

use super::{
    braces::size,
    style::PlaceholderStyle,
    value::{FormatValue, Formatted, Picker},
};

/// Formats values with the syntax of `printf`.
pub(super) fn percents(format: &str, values: &[FormatValue]) -> Formatted {
    let mut picker = Picker { values, next: 0, by_position: false };
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let mut style = PlaceholderStyle { align: Some('>'), ..PlaceholderStyle::default() };
        while let Some(flag) = rest.chars().next().filter(|c| "-+ #0,'_".contains(*c)) {
            match flag {
                '-' => style.align = Some('<'),
                '+' => style.sign = Some('+'),
                ' ' => style.sign = style.sign.or(Some(' ')),
                '#' => style.alternate = true,
                '0' => style.zeros = true,
                other => style.thousands = Some(other),
            }
            rest = &rest[1..];
        }
        if let Some(after) = rest.strip_prefix('*') {
            style.width = picker.size()?;
            rest = after;
        } else {
            (style.width, rest) = size(rest)?;
        }
        if let Some(after) = rest.strip_prefix('.') {
            if let Some(after) = after.strip_prefix('*') {
                style.precision = Some(picker.size()?);
                rest = after;
            } else if after.starts_with(|c: char| c.is_ascii_digit()) {
                let (precision, after) = size(after)?;
                style.precision = Some(precision);
                rest = after;
            } else {
                // A point without digits means precision 0; for an integer it is the thousands separator.
                if after.trim_start_matches(LENGTHS).starts_with(['f', 'F', 'e', 'E', 'g', 'G']) {
                    style.precision = Some(0);
                } else {
                    style.thousands = Some('.');
                }
                rest = after;
            }
        }
        rest = rest.trim_start_matches(LENGTHS);
        let letter = rest.chars().next().filter(char::is_ascii_alphabetic).ok_or("a `%` has no letter")?;
        style.letter = Some(if letter == 'i' || letter == 'u' { 'd' } else { letter });
        rest = &rest[1..];
        if style.align == Some('<') {
            style.zeros = false;
        } else if style.zeros {
            style.align = None;
        }
        text.push_str(&style.write(picker.next()?, true)?);
    }
    text.push_str(rest);
    Ok(text)
}

/// C's length modifiers, which have no effect here.
const LENGTHS: [char; 5] = ['h', 'l', 'j', 't', 'L'];
