//! Regular-expression functions, in RE2's syntax.
//!
//! - `types`: types of calls
//! - `expressions`: expressions of a call, one per row
//! - `extract`, `replace`: matches and their groups

mod expressions;
mod extract;
mod replace;
mod types;

use std::sync::OnceLock;

use datafusion::{arrow::array::ArrayRef, error::Result};
use regex::Regex;

use self::{
    expressions::Expressions,
    extract::{extract, extract_all, extract_all_structs, extract_struct},
    replace::replace,
    types::{all_groups, all_texts, boolean, group_text, groups, split_texts, text, texts},
};
use super::{
    call::Call,
    description::{Function, computes, takes},
    kind::ParameterKind::{Integer, List, Varchar},
    re2::{Options, compile},
};

/// The functions defined in this file.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        names: &["regexp_matches"],
        syntax: "regexp_matches(text, regex[, options])",
        doc: "Returns whether a part of a text matches. Options: `c` and `i` mind or ignore case, `s` lets `.` match a \
              line break and `m`, `n`, `p` not, `l` takes the expression literally.",
        example: ("regexp_matches('hello', 'l+')", "true"),
        overloads: &[
            computes(&[Varchar, Varchar], boolean, "BOOLEAN", |call| matches(call, false)),
            computes(&[Varchar, Varchar, Varchar], boolean, "BOOLEAN", |call| matches(call, false)),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_full_match"],
        syntax: "regexp_full_match(text, regex[, options])",
        doc: "Returns whether the whole text matches, as `text ~ regex` and `text SIMILAR TO regex` do.",
        example: ("regexp_full_match('hello', 'l+')", "false"),
        overloads: &[
            computes(&[Varchar, Varchar], boolean, "BOOLEAN", |call| matches(call, true)),
            computes(&[Varchar, Varchar, Varchar], boolean, "BOOLEAN", |call| matches(call, true)),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_extract"],
        syntax: "regexp_extract(text, regex[, group | names][, options])",
        doc: "Returns the first match, or one of its groups, or a struct of its groups under the given names; empty text if \
              nothing matches.",
        example: ("regexp_extract('abc-12', '([a-z]+)-(\\d+)', 2)", "12"),
        overloads: &[
            computes(&[Varchar, Varchar], text, "VARCHAR", extract),
            computes(&[Varchar, Varchar, Integer], group_text, "VARCHAR", extract),
            computes(&[Varchar, Varchar, Integer, Varchar], group_text, "VARCHAR", extract),
            computes(&[Varchar, Varchar, List(&Varchar)], groups, "STRUCT", extract_struct),
            computes(&[Varchar, Varchar, List(&Varchar), Varchar], groups, "STRUCT", extract_struct),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_extract_all"],
        syntax: "regexp_extract_all(text, regex[, group | names][, options])",
        doc: "Returns all matches, or one of their groups, or structs of their groups under the given names.",
        example: ("regexp_extract_all('a1 b22', '\\d+')", "[1, 22]"),
        overloads: &[
            computes(&[Varchar, Varchar], texts, "VARCHAR[]", extract_all),
            computes(&[Varchar, Varchar, Integer], texts, "VARCHAR[]", extract_all),
            computes(&[Varchar, Varchar, Integer, Varchar], all_texts, "VARCHAR[]", extract_all),
            computes(&[Varchar, Varchar, List(&Varchar)], all_groups, "STRUCT[]", extract_all_structs),
            computes(
                &[Varchar, Varchar, List(&Varchar), Varchar],
                all_groups,
                "STRUCT[]",
                extract_all_structs,
            ),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_replace"],
        syntax: "regexp_replace(text, regex, replacement[, options])",
        doc: "Replaces the first match, or all with the option `g`; `\\1` in the replacement is the first group.",
        example: ("regexp_replace('hello', '[lo]', '-', 'g')", "he---"),
        overloads: &[
            computes(&[Varchar, Varchar, Varchar], text, "VARCHAR", replace),
            computes(&[Varchar, Varchar, Varchar, Varchar], text, "VARCHAR", replace),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_split_to_array", "string_split_regex", "str_split_regex"],
        syntax: "regexp_split_to_array(text, regex[, options])",
        doc: "Splits a text at the matches.",
        example: ("regexp_split_to_array('a1b22c', '\\d+')", "[a, b, c]"),
        overloads: &[
            computes(&[Varchar, Varchar], split_texts, "VARCHAR[]", split),
            computes(&[Varchar, Varchar, Varchar], split_texts, "VARCHAR[]", split),
        ],
        ..Function::REGULAR_EXPRESSION
    },
    Function {
        names: &["regexp_escape"],
        syntax: "regexp_escape(text)",
        doc: "Escapes a text so that it matches literally.",
        example: ("regexp_escape('a.b')", "a\\.b"),
        overloads: &[takes(&[Varchar], Varchar, |call| {
            call.map1(|text: &str| {
                let mut escaped = String::with_capacity(text.len());
                for c in text.chars() {
                    if c == '\0' {
                        escaped.push_str("\\x00");
                        continue;
                    }
                    if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
                        escaped.push('\\');
                    }
                    escaped.push(c);
                }
                Ok(Some(escaped))
            })
        })],
        ..Function::REGULAR_EXPRESSION
    },
];

/// Returns an expression that matches one combining mark, such as an accent.
pub(super) fn marks() -> Result<&'static Regex> {
    static MARKS: OnceLock<Regex> = OnceLock::new();
    if let Some(found) = MARKS.get() {
        return Ok(found);
    }
    let compiled = compile(r"\p{M}", Options::default())?;
    Ok(MARKS.get_or_init(|| compiled))
}

fn matches(call: &Call, whole: bool) -> Result<ArrayRef> {
    let mut expressions = Expressions::new(call, 2, false)?;
    expressions.whole = whole;
    let texts = call.column::<&str>(0)?;
    call.each(|row| match (texts.at(row), expressions.at(row)?) {
        (Some(text), Some((regex, _))) => Ok(Some(regex.is_match(text))),
        _ => Ok(None),
    })
}

fn split(call: &Call) -> Result<ArrayRef> {
    let expressions = Expressions::new(call, 2, false)?;
    let texts = call.column::<&str>(0)?;
    call.each(|row| {
        let Some(text) = texts.at(row) else { return Ok(None) };
        Ok(Some(match expressions.at(row)? {
            Some((regex, _)) => split_at(&regex, text),
            None => vec![Some(text)],
        }))
    })
}

/// Splits as DuckDB does: matching restarts after each part, and an empty match consumes a character.
fn split_at<'a>(regex: &Regex, text: &'a str) -> Vec<Option<&'a str>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(found) = regex.find(rest) {
        let (mut start, mut end) = (found.start(), found.end());
        if end == 0 {
            start = rest.chars().next().map_or(0, char::len_utf8);
            end = start;
            if start == rest.len() {
                break;
            }
        }
        if rest.is_empty() || start == rest.len() {
            break;
        }
        parts.push(Some(&rest[..start]));
        rest = &rest[end..];
    }
    parts.push(Some(rest));
    parts
}
