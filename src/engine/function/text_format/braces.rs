//! `format`: placeholders in braces.

use super::{
    style::PlaceholderStyle,
    value::{FormatValue, Formatted, Picker, WIDEST},
};

/// Formats values with the syntax of `format`.
pub(super) fn braces(format: &str, values: &[FormatValue]) -> Formatted {
    let mut picker = Picker { values, next: 0, by_position: false };
    let mut text = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err("a `}` is open".into());
        }
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or("a `{` is open")?;
        let position = &rest[..digits];
        rest = &rest[digits..];
        let value = if position.is_empty() {
            picker.next()?
        } else {
            picker.at(position.parse().map_err(|_| "a position is too large".to_owned())?)?
        };
        let mut style = PlaceholderStyle::default();
        if let Some(after) = rest.strip_prefix(':') {
            rest = brace_style(after, &mut style, &mut picker)?;
        }
        rest = rest.strip_prefix('}').ok_or("a `{` is open, or its format is not valid")?;
        text.push_str(&style.write(value, false)?);
    }
    text.push_str(rest);
    Ok(text)
}

/// Parses `[[fill]align][sign][#][0][width][,][.precision][letter]` and returns the remaining text.
fn brace_style<'a>(
    spec: &'a str,
    style: &mut PlaceholderStyle,
    picker: &mut Picker,
) -> std::result::Result<&'a str, String> {
    let mut rest = spec;
    let is_align = |c: char| "<>^".contains(c);
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (Some(fill), Some(align)) if is_align(align) && fill != '{' && fill != '}' => {
            (style.fill, style.align) = (Some(fill), Some(align));
            rest = characters.as_str();
        }
        (Some(align), _) if is_align(align) => {
            style.align = Some(align);
            rest = &rest[1..];
        }
        _ => {}
    }
    if let Some(sign) = rest.chars().next().filter(|c| "+- ".contains(*c)) {
        style.sign = Some(sign).filter(|sign| *sign != '-');
        rest = &rest[1..];
    }
    if let Some(after) = rest.strip_prefix('#') {
        style.alternate = true;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('0') {
        style.zeros = true;
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("{}") {
        style.width = picker.size()?;
        rest = after;
    } else {
        (style.width, rest) = size(rest)?;
    }
    if let Some(mark) = rest.chars().next().filter(|c| ",_'".contains(*c)) {
        style.thousands = Some(mark);
        rest = &rest[1..];
    } else if let Some(after) = rest.strip_prefix('t') {
        style.thousands = after.chars().next();
        rest = &after[style.thousands.map_or(0, char::len_utf8)..];
    }
    if let Some(after) = rest.strip_prefix('.') {
        if let Some(after) = after.strip_prefix("{}") {
            style.precision = Some(picker.size()?);
            rest = after;
        } else {
            let (precision, after) = size(after)?;
            style.precision = Some(precision);
            rest = after;
        }
    }
    if let Some(letter) = rest.chars().next().filter(|c| *c != '}') {
        style.letter = Some(letter);
        rest = &rest[letter.len_utf8()..];
    }
    Ok(rest)
}

pub(super) fn size(rest: &str) -> std::result::Result<(usize, &str), String> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Ok((0, rest));
    }
    let size = rest[..digits].parse::<usize>().ok().filter(|size| *size <= WIDEST);
    Ok((size.ok_or("a width is too large")?, &rest[digits..]))
}
