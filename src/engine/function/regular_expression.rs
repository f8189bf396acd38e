//! Regular-expression functions, in RE2's syntax.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{DataType, Field},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};
use regex::{Captures, Regex};

use super::{
    call::{Call, fail},
    description::{Function, Typing, computes, takes},
    kind::{
        Kind::{Integer, List, Varchar},
        list_of,
    },
    re2::{Cache, Options, compile},
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

/// Validates a literal expression while the query is planned.
fn check(typing: &Typing) -> Result<()> {
    match typing.text(1) {
        Some(pattern) => compile(pattern, Options::default())
            .map(drop)
            .map_err(|error| DataFusionError::Plan(crate::engine::message(&error))),
        None => Ok(()),
    }
}

/// Rejects options that vary by row.
fn constant_options(typing: &Typing, options: usize) -> Result<()> {
    typing.constant(options, "the options of a regular expression")?;
    if let Some(letters) = typing.text(options) {
        Options::parse(Some(letters), true)
            .map_err(|error| DataFusionError::Plan(crate::engine::message(&error)))?;
    }
    Ok(())
}

fn boolean(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    constant_options(typing, 2)?;
    Ok(DataType::Boolean)
}

fn text(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    constant_options(typing, 3)?;
    Ok(DataType::Utf8)
}

/// Returns the type of a group's text, after checking that the group is constant.
fn group_text(typing: &Typing) -> Result<DataType> {
    typing.constant(2, "the group of a regular expression")?;
    text(typing)
}

fn all_texts(typing: &Typing) -> Result<DataType> {
    constant_options(typing, 3)?;
    texts(typing)
}

fn split_texts(typing: &Typing) -> Result<DataType> {
    constant_options(typing, 2)?;
    texts(typing)
}

fn texts(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    Ok(list_of(DataType::Utf8))
}

/// Returns a struct type with the field names listed in the third argument.
fn groups(typing: &Typing) -> Result<DataType> {
    check(typing)?;
    let Some(Some(ScalarValue::List(names))) = typing.literals.get(2) else {
        return Err(DataFusionError::Plan(
            "the names of groups must be a list of constants, such as ['year', 'month']".into(),
        ));
    };
    let names = names.value(0);
    let names = names.as_string_opt::<i32>().filter(|names| names.null_count() == 0);
    let Some(names) = names else {
        return Err(DataFusionError::Plan("the names of groups must be texts".into()));
    };
    for (at, name) in names.iter().flatten().enumerate() {
        if names.iter().take(at).flatten().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(DataFusionError::Plan(format!("two groups are called `{name}`")));
        }
    }
    typing.constant(1, "the regular expression of named groups")?;
    if typing.literals.get(1).copied().flatten().is_some_and(ScalarValue::is_null) {
        return Err(DataFusionError::Plan("the regular expression of named groups must not be NULL".into()));
    }
    if let Some(pattern) = typing.text(1) {
        let groups = compile(pattern, Options::default())?.captures_len() - 1;
        if groups < names.len() {
            return Err(DataFusionError::Plan(format!(
                "the regular expression `{pattern}` has fewer groups ({groups}) than names are given ({})",
                names.len()
            )));
        }
    }
    let fields: Vec<Field> =
        names.iter().flatten().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    Ok(DataType::Struct(fields.into()))
}

fn all_groups(typing: &Typing) -> Result<DataType> {
    groups(typing).map(list_of)
}

/// A call's expressions, one per row.
struct Expressions<'a> {
    patterns: super::call::Column<'a, &'a str>,
    options: Option<super::call::Column<'a, &'a str>>,
    cache: Cache,
    replacing: bool,
    whole: bool,
}

impl<'a> Expressions<'a> {
    fn new(call: &'a Call, options: usize, replacing: bool) -> Result<Self> {
        let options = if call.len() > options { Some(call.column(options)?) } else { None };
        Ok(Self { patterns: call.column(1)?, options, cache: Cache::default(), replacing, whole: false })
    }

    fn at(&self, row: usize) -> Result<Option<(Arc<Regex>, Options)>> {
        let Some(pattern) = self.patterns.at(row) else { return Ok(None) };
        let mut options = match &self.options {
            Some(letters) => Options::parse(letters.at(row), self.replacing)?,
            None => Options::default(),
        };
        options.whole = self.whole;
        Ok(Some((self.cache.get(pattern, options)?, options)))
    }
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

/// Converts a group number to an index; DuckDB limits it to one digit.
fn group(index: i32) -> Result<usize> {
    match usize::try_from(index) {
        Ok(index @ 0..=9) => Ok(index),
        _ => fail(format!("the group {index} of a regular expression is not between 0 and 9")),
    }
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let expressions = Expressions::new(call, 3, false)?;
    let texts = call.column::<&str>(0)?;
    let indices = if call.len() > 2 { Some(call.column::<i32>(2)?) } else { None };
    call.each(|row| {
        let (Some(text), Some((regex, _))) = (texts.at(row), expressions.at(row)?) else { return Ok(None) };
        let index = match &indices {
            None => 0,
            Some(indices) => match indices.at(row) {
                Some(index) => group(index)?,
                None => return Ok(Some("")),
            },
        };
        let found = if index == 0 {
            regex.find(text)
        } else {
            regex.captures(text).and_then(|captures| captures.get(index))
        };
        Ok(Some(found.map_or("", |found| found.as_str())))
    })
}

fn extract_all(call: &Call) -> Result<ArrayRef> {
    let expressions = Expressions::new(call, 3, false)?;
    let texts = call.column::<&str>(0)?;
    let indices = if call.len() > 2 { Some(call.column::<i32>(2)?) } else { None };
    call.each(|row| {
        let index = match &indices {
            None => Some(0),
            Some(indices) => match indices.at(row) {
                Some(index) => usize::try_from(index).ok(),
                None => return Ok(None),
            },
        };
        let (Some(text), Some((regex, _))) = (texts.at(row), expressions.at(row)?) else { return Ok(None) };
        let found = all_captures(&regex, text);
        // A nonexistent group is an error only if something matches.
        match index {
            None => Ok(Some(Vec::new())),
            Some(index) if index >= regex.captures_len() && !found.is_empty() => fail(format!(
                "the regular expression has {} groups, so there is no group {index}",
                regex.captures_len() - 1
            )),
            Some(index) => {
                let group = |captures: &Captures<'_>| captures.get(index).map(|found| found.range());
                let ranges = found.iter().map(group);
                Ok(Some(ranges.map(|range| range.map(|range| &text[range])).collect::<Vec<Option<&str>>>()))
            }
        }
    })
}

/// Returns all matches from left to right. An empty match may directly follow another, and consumes a
/// character.
fn all_captures<'a>(regex: &Regex, text: &'a str) -> Vec<Captures<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(captures) = (at <= text.len()).then(|| regex.captures_at(text, at)).flatten() {
        let Some(range) = captures.get(0).map(|whole| whole.range()) else { break };
        at = if range.is_empty() {
            range.end + text[range.end..].chars().next().map_or(1, char::len_utf8)
        } else {
            range.end
        };
        found.push(captures);
    }
    found
}

/// Returns the groups of a match, starting with the first; unmatched groups are empty.
fn values<'a>(captures: Option<&Captures<'a>>, count: usize) -> Vec<&'a str> {
    let value = |at| captures.and_then(|captures| captures.get(at)).map_or("", |found| found.as_str());
    (1..=count).map(value).collect()
}

fn extract_struct(call: &Call) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.returns() else { return fail("regexp_extract: no names") };
    let expressions = Expressions::new(call, 3, false)?;
    let texts = call.column::<&str>(0)?;
    let mut columns: Vec<Vec<Option<&str>>> = vec![Vec::with_capacity(call.rows()); fields.len()];
    let mut valid = Vec::with_capacity(call.rows());
    for row in 0..call.rows() {
        let (Some(text), Some((regex, _))) = (texts.at(row), expressions.at(row)?) else {
            for column in &mut columns {
                column.push(None);
            }
            valid.push(false);
            continue;
        };
        let found = values(regex.captures(text).as_ref(), fields.len());
        columns.iter_mut().zip(found).for_each(|(column, value)| column.push(Some(value)));
        valid.push(true);
    }
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(NullBuffer::from(valid)))?))
}

fn extract_all_structs(call: &Call) -> Result<ArrayRef> {
    let DataType::List(item) = call.returns() else { return fail("regexp_extract_all: no list") };
    let DataType::Struct(fields) = item.data_type() else { return fail("regexp_extract_all: no names") };
    let expressions = Expressions::new(call, 3, false)?;
    let texts = call.column::<&str>(0)?;
    let mut columns: Vec<Vec<Option<&str>>> = vec![Vec::new(); fields.len()];
    let (mut valid, mut lengths) = (Vec::new(), Vec::new());
    for row in 0..call.rows() {
        let (Some(text), Some((regex, _))) = (texts.at(row), expressions.at(row)?) else {
            valid.push(false);
            lengths.push(0);
            continue;
        };
        let mut count = 0;
        for captures in all_captures(&regex, text) {
            // A group that didn't participate in the match is NULL here, unlike in `regexp_extract`.
            for (at, column) in columns.iter_mut().enumerate() {
                column.push(captures.get(at + 1).map(|found| found.as_str()));
            }
            count += 1;
        }
        valid.push(true);
        lengths.push(count);
    }
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    let items = Arc::new(StructArray::try_new(fields.clone(), columns, None)?);
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, Some(NullBuffer::from(valid)))?))
}

fn replace(call: &Call) -> Result<ArrayRef> {
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
                    Part::Text(text) => made.push_str(text),
                    Part::Group(at) => made.push_str(captures.get(*at).map_or("", |found| found.as_str())),
                }
                made
            })
        })))
    })
}

/// A part of a replacement.
enum Part {
    Text(String),
    Group(usize),
}

/// Parses a replacement, or returns `None` if it is invalid, in which case nothing is replaced.
fn rewrite(replacement: &str, groups: usize) -> Option<Vec<Part>> {
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
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Group(group));
            }
        }
    }
    parts.push(Part::Text(plain));
    Some(parts)
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
