//! Lists, structs and maps: from each other, element by element, and from text such as `[1, 2]`, `{a: 1}`, `{k=1}`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::{DataType, FieldRef, Fields},
    },
    common::not_impl_err,
    error::Result,
};

use super::{Target, kernel};
use crate::engine::dialect::types::{self, Text};

/// The place of a field among others, by its name without case.
pub(super) fn position(fields: &Fields, name: &str) -> Option<usize> {
    fields
        .iter()
        .position(|field| field.name() == name)
        .or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)))
}

fn plain(data_type: &DataType) -> Target {
    Target { data_type: data_type.clone(), text: Text::Plain }
}

/// Nested values as another nested type. A part that doesn't fit makes the whole value NULL.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::LargeList(item) | T::FixedSizeList(item, _), _) => {
            convert(&compute::cast(array, &T::List(Arc::clone(item)))?, to)
        }
        (T::List(_), T::List(item)) => {
            let lists = array.as_list::<i32>();
            let values = kernel(lists.values(), &plain(item.data_type()))?;
            let broken = broken(lists.values(), &values);
            let is_broken = |row: usize| {
                let ends = &lists.value_offsets()[row..=row + 1];
                broken.as_ref().is_some_and(|broken| (ends[0]..ends[1]).any(|at| broken[usize_of(at)]))
            };
            let nulls = without(lists.nulls(), lists.len(), is_broken);
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), lists.offsets().clone(), values, nulls)?))
        }
        (T::Struct(from), T::Struct(fields)) => {
            let structs = array.as_struct();
            let mut columns = Vec::with_capacity(fields.len());
            let mut all_broken = vec![false; structs.len()];
            for field in fields {
                let Some(at) = position(from, field.name()) else {
                    columns.push(new_null_array(field.data_type(), structs.len()));
                    continue;
                };
                let column = kernel(structs.column(at), &plain(field.data_type()))?;
                if let Some(broken) = broken(structs.column(at), &column) {
                    all_broken.iter_mut().zip(broken).for_each(|(all, one)| *all |= one);
                }
                columns.push(column);
            }
            let nulls = without(structs.nulls(), structs.len(), |row| all_broken[row]);
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?))
        }
        (T::Map(..), T::Map(entries, sorted)) => {
            let maps = array.as_map();
            let T::Struct(parts) = entries.data_type() else { return not_impl_err!("a map without entries") };
            let keys = kernel(maps.keys(), &plain(parts[0].data_type()))?;
            let values = kernel(maps.values(), &plain(parts[1].data_type()))?;
            let pairs = StructArray::try_new(parts.clone(), vec![keys, values], None)?;
            let (offsets, nulls) = (maps.offsets().clone(), maps.nulls().cloned());
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?))
        }
        (from, to) => not_impl_err!("can't cast {} to {}", types::name(from), types::name(to)),
    }
}

fn usize_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// For each value whether it became NULL; `None` if none did.
fn broken(before: &ArrayRef, after: &ArrayRef) -> Option<Vec<bool>> {
    if before.logical_null_count() == after.logical_null_count() {
        return None;
    }
    let (before, after) = (before.logical_nulls(), after.logical_nulls()?);
    let was_null = |row| before.as_ref().is_some_and(|nulls| nulls.is_null(row));
    Some((0..after.len()).map(|row| after.is_null(row) && !was_null(row)).collect())
}

/// The NULLs there are, and those rows.
fn without(nulls: Option<&NullBuffer>, rows: usize, is_broken: impl Fn(usize) -> bool) -> Option<NullBuffer> {
    let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row)) && !is_broken(row);
    let valid: Vec<bool> = (0..rows).map(valid).collect();
    valid.contains(&false).then(|| NullBuffer::from(valid))
}

/// Texts as lists, structs or maps, NULL where they aren't any.
pub(super) fn parse(texts: &StringArray, to: &DataType) -> Result<ArrayRef> {
    match to {
        DataType::List(item) => {
            let rows: Vec<_> = texts.iter().map(|text| items(text?, '[', ']')).collect();
            lists(&rows, item)
        }
        DataType::Struct(fields) => {
            let rows: Vec<_> = texts.iter().map(|text| pairs(text?, ':')).collect();
            structs(&rows, fields)
        }
        DataType::Map(entries, sorted) => {
            let DataType::Struct(parts) = entries.data_type() else {
                return not_impl_err!("a map without entries");
            };
            let rows: Vec<_> = texts.iter().map(|text| pairs(text?, '=')).collect();
            let keys: StringArray =
                rows.iter().flatten().flatten().map(|(key, _)| Some(key.clone())).collect();
            let values: StringArray =
                rows.iter().flatten().flatten().map(|(_, value)| value.clone()).collect();
            let keys = kernel(&(Arc::new(keys) as ArrayRef), &plain(parts[0].data_type()))?;
            let values = kernel(&(Arc::new(values) as ArrayRef), &plain(parts[1].data_type()))?;
            let pairs = StructArray::try_new(parts.clone(), vec![keys, values], None)?;
            let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
            let nulls = without(None, rows.len(), |row| rows[row].is_none());
            Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?))
        }
        other => not_impl_err!("can't cast VARCHAR to {}", types::name(other)),
    }
}

fn lists(rows: &[Option<Vec<Option<String>>>], item: &FieldRef) -> Result<ArrayRef> {
    let flat: StringArray = rows.iter().flatten().flatten().cloned().collect();
    let flat: ArrayRef = Arc::new(flat);
    let values = kernel(&flat, &plain(item.data_type()))?;
    let broken = broken(&flat, &values);
    let offsets = OffsetBuffer::<i32>::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
    let is_broken = |row: usize| {
        let ends = &offsets[row..=row + 1];
        rows[row].is_none()
            || broken.as_ref().is_some_and(|broken| (ends[0]..ends[1]).any(|at| broken[usize_of(at)]))
    };
    let nulls = without(None, rows.len(), is_broken);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets.clone(), values, nulls)?))
}

type Pairs = Vec<(String, Option<String>)>;

fn structs(rows: &[Option<Pairs>], fields: &Fields) -> Result<ArrayRef> {
    let mut columns = Vec::with_capacity(fields.len());
    let mut all_broken: Vec<bool> = rows.iter().map(Option::is_none).collect();
    for field in fields {
        let value = |pairs: &Option<Pairs>| {
            pairs.as_ref()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(field.name()))?.1.clone()
        };
        let texts: ArrayRef = Arc::new(rows.iter().map(value).collect::<StringArray>());
        let column = kernel(&texts, &plain(field.data_type()))?;
        if let Some(broken) = broken(&texts, &column) {
            all_broken.iter_mut().zip(broken).for_each(|(all, one)| *all |= one);
        }
        columns.push(column);
    }
    let nulls = without(None, rows.len(), |row| all_broken[row]);
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?))
}

/// The elements between two brackets; NULL is `None`.
fn items(text: &str, open: char, close: char) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix(open)?.strip_suffix(close)?;
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    split(inner, ',')?.into_iter().map(|part| element(&part)).collect()
}

/// The keys and values between braces.
fn pairs(text: &str, separator: char) -> Option<Pairs> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.trim().is_empty() {
        return Some(Vec::new());
    }
    let pair = |part: String| {
        let parts = split(&part, separator)?;
        let (key, value) = (parts.first()?, parts.get(1..)?.join(&separator.to_string()));
        Some((element(key)??, element(&value)?))
    };
    split(inner, ',')?.into_iter().map(pair).collect()
}

/// A single element: quotes are taken off, NULL is `None`.
#[expect(clippy::option_option, reason = "no element, and the element NULL")]
fn element(part: &str) -> Option<Option<String>> {
    let part = part.trim();
    let quote = part.chars().next().filter(|c| "'\"".contains(*c));
    let Some(quote) = quote else {
        return Some((!part.eq_ignore_ascii_case("null")).then(|| part.to_owned()));
    };
    let inner = part.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next()? } else { character });
    }
    Some(Some(text))
}

/// The parts between separators, those within quotes and brackets left whole.
fn split(text: &str, separator: char) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let part = parts.last_mut()?;
        if character == separator && depth == 0 && quote.is_none() {
            parts.push(String::new());
            continue;
        }
        part.push(character);
        match (quote, character) {
            (Some(_), '\\') => part.push(characters.next()?),
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '[' | '{' | '(') => depth += 1,
            (None, ']' | '}' | ')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(parts)
}
