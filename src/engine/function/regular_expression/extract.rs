//! Extraction of matches and their groups.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, ListArray, StringArray, StructArray},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::DataType,
    },
    error::Result,
};
use regex::{Captures, Regex};

use super::expressions::Expressions;
use crate::engine::function::call::{Call, fail};

/// Converts a group number to an index; DuckDB limits it to one digit.
pub(super) fn group(index: i32) -> Result<usize> {
    match usize::try_from(index) {
        Ok(index @ 0..=9) => Ok(index),
        _ => fail(format!("the group {index} of a regular expression is not between 0 and 9")),
    }
}

pub(super) fn extract(call: &Call) -> Result<ArrayRef> {
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

pub(super) fn extract_all(call: &Call) -> Result<ArrayRef> {
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

pub(super) fn extract_struct(call: &Call) -> Result<ArrayRef> {
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

pub(super) fn extract_all_structs(call: &Call) -> Result<ArrayRef> {
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
