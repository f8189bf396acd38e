//! Replacement of matches.

use std::borrow::Cow;

use datafusion::{arrow::array::ArrayRef, error::Result};
use regex::Captures;

use super::expressions::Expressions;
use crate::engine::function::call::Call;

pub(super) fn replace(call: &Call) -> Result<ArrayRef> {
    let expressions = Expressions::new(call, 3, true)?;
    let texts = call.column::<&str>(0)?;
    let replacements = call.column::<&str>(2)?;
    call.each(|row| {
        let (Some(text), Some(replacement)) = (texts.at(row), replacements.at(row)) else { return Ok(None) };
        let Some((regex, options)) = expressions.at(row)? else { return Ok(None) };
        let Some(parts) = rewrite(replacement, regex.captures_len()) else {
            return Ok(Some(Cow::Borrowed(text)));
        };
        let limit = usize::from(!options.global);
        Ok(Some(regex.replacen(text, limit, |captures: &Captures| {
            parts.iter().fold(String::new(), |mut made, part| {
                match part {
                    ReplacementPart::Text(text) => made.push_str(text),
                    ReplacementPart::Group(at) => {
                        made.push_str(captures.get(*at).map_or("", |found| found.as_str()));
                    }
                }
                made
            })
        })))
    })
}

/// A part of a replacement.
enum ReplacementPart {
    Text(String),
    Group(usize),
}

/// Parses a replacement, or returns `None` if it is invalid, in which case nothing is replaced.
fn rewrite(replacement: &str, groups: usize) -> Option<Vec<ReplacementPart>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut characters = replacement.chars();
    while let Some(next) = characters.next() {
        if next != '\\' {
            plain.push(next);
            continue;
        }
        match characters.next()? {
            '\\' => plain.push('\\'),
            digit => {
                let group = usize::try_from(digit.to_digit(10)?).ok().filter(|group| *group < groups)?;
                parts.push(ReplacementPart::Text(std::mem::take(&mut plain)));
                parts.push(ReplacementPart::Group(group));
            }
        }
    }
    parts.push(ReplacementPart::Text(plain));
    Some(parts)
}
