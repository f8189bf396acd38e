//! Nested values: reads structs, lists and maps from JSON text into Arrow arrays.
//!
//! A value is validated before any part of it is taken, so it fits as a whole or not at all. An undeclared
//! field doesn't fit, because its value would be silently lost. A declared field that an object lacks is
//! NULL.

use std::{borrow::Cow, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, ListArray, MapArray, StructArray},
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{DataType, FieldRef, Fields},
};

use super::DeclaredColumn;
use crate::source::{
    cell::{CellToken, unescape},
    guess::Notation,
    json::{Cursor, JsonStop, Scalar},
    kind::ColumnKind,
    spec::DateUnit,
};

/// The values of a nested column, or of a part of one.
pub(crate) struct Nested {
    shape: NestedShape,
    /// The validity of each value. A leaf column also keeps its own.
    valid: Vec<bool>,
}

enum NestedShape {
    Leaf(Box<DeclaredColumn>),
    Struct { fields: Fields, children: Vec<Nested> },
    List { field: FieldRef, items: Box<Nested>, ends: Vec<i32> },
    Map { field: FieldRef, keys: Box<Nested>, values: Box<Nested>, ends: Vec<i32> },
}

impl Nested {
    /// Starts without values. Returns `None` if sources can't read the type.
    pub(crate) fn new(data_type: &DataType, unit: DateUnit) -> Option<Self> {
        let part = |field: &FieldRef| Self::new(field.data_type(), unit);
        let shape = match data_type {
            DataType::Struct(fields) => NestedShape::Struct {
                fields: fields.clone(),
                children: fields.iter().map(part).collect::<Option<_>>()?,
            },
            DataType::List(field) => {
                NestedShape::List { field: Arc::clone(field), items: Box::new(part(field)?), ends: vec![0] }
            }
            DataType::Map(field, _) => {
                let DataType::Struct(entries) = field.data_type() else { return None };
                let [keys, values] = &entries[..] else { return None };
                let (keys, values) = (Box::new(part(keys)?), Box::new(part(values)?));
                NestedShape::Map { field: Arc::clone(field), keys, values, ends: vec![0] }
            }
            other => NestedShape::Leaf(Box::new(DeclaredColumn::new(
                other,
                ColumnKind::from_arrow(other)?,
                unit,
                true,
            ))),
        };
        Some(Self { shape, valid: Vec::new() })
    }

    /// Makes inferred types strict for all parts.
    pub(crate) fn hold(&mut self) {
        match &mut self.shape {
            NestedShape::Leaf(column) => column.hold(Notation::Json),
            NestedShape::Struct { children, .. } => children.iter_mut().for_each(Self::hold),
            NestedShape::List { items, .. } => items.hold(),
            NestedShape::Map { values, .. } => values.hold(),
        }
    }

    /// Appends a JSON text. Returns false, and appends nothing, if it isn't JSON or doesn't fit.
    pub(crate) fn append(&mut self, text: &str) -> bool {
        // The cursor needs a byte after a number to know that it has ended.
        let padded;
        let text = if text.ends_with(|last: char| last.is_ascii_digit()) {
            padded = format!("{text} ");
            &padded
        } else {
            text
        };
        let mut cursor = Cursor::new(text, true);
        let fits = self.fits(&mut cursor) == Ok(true);
        cursor.space();
        if !fits || cursor.byte().is_some() {
            return false;
        }
        // The validation above has already walked the text to its end.
        self.take(&mut Cursor::new(text, true)).is_ok()
    }

    /// Appends a NULL.
    pub(crate) fn append_null(&mut self) {
        self.valid.push(false);
        match &mut self.shape {
            NestedShape::Leaf(column) => {
                column.append(CellToken::Null);
            }
            NestedShape::Struct { children, .. } => children.iter_mut().for_each(Self::append_null),
            NestedShape::List { ends, .. } | NestedShape::Map { ends, .. } => {
                ends.extend(ends.last().copied());
            }
        }
    }

    /// Returns the number of values.
    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Returns the values, and clears this builder. Returns `None` if they exceed an array's capacity.
    pub(crate) fn finish(&mut self) -> Option<ArrayRef> {
        let valid = std::mem::take(&mut self.valid);
        let nulls = || (!valid.iter().all(|valid| *valid)).then(|| NullBuffer::from(valid.clone()));
        Some(match &mut self.shape {
            NestedShape::Leaf(column) => column.finish()?,
            NestedShape::Struct { fields, children } => {
                let children: Vec<ArrayRef> = children.iter_mut().map(Self::finish).collect::<Option<_>>()?;
                if children.is_empty() {
                    return Some(Arc::new(StructArray::new_empty_fields(valid.len(), nulls())));
                }
                Arc::new(StructArray::try_new(fields.clone(), children, nulls()).ok()?)
            }
            NestedShape::List { field, items, ends } => {
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                Arc::new(ListArray::try_new(Arc::clone(field), ends, items.finish()?, nulls()).ok()?)
            }
            NestedShape::Map { field, keys, values, ends } => {
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                let DataType::Struct(entries) = field.data_type() else { return None };
                let entries = vec![keys.finish()?, values.finish()?]
                    .into_iter()
                    .zip(entries)
                    .map(|(array, field)| (Arc::clone(field), array))
                    .collect::<Vec<_>>();
                let entries = StructArray::from(entries);
                Arc::new(MapArray::try_new(Arc::clone(field), ends, entries, nulls(), false).ok()?)
            }
        })
    }

    /// Skips the value at the cursor, and returns whether it fits.
    fn fits(&self, cursor: &mut Cursor<'_>) -> Result<bool, JsonStop> {
        let open = cursor.peek()?;
        if open == b'n' {
            cursor.scalar()?;
            return Ok(true);
        }
        match &self.shape {
            NestedShape::Leaf(column) => {
                let token = token(cursor, column.kind())?;
                Ok(column.fits(token))
            }
            NestedShape::List { items, .. } => {
                if open != b'[' {
                    return Ok(false);
                }
                cursor.at += 1;
                let mut first = true;
                while cursor.element(first, b']')? {
                    first = false;
                    if !items.fits(cursor)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            NestedShape::Struct { fields, children } => {
                let mut given = vec![false; fields.len()];
                members(cursor, |name, cursor| match field(fields, name) {
                    Some(at) if !given[at] => {
                        given[at] = true;
                        children[at].fits(cursor)
                    }
                    _ => Ok(false),
                })
            }
            NestedShape::Map { values, .. } => {
                let mut given = std::collections::HashSet::new();
                members(cursor, |name, cursor| Ok(given.insert(name.to_owned()) && values.fits(cursor)?))
            }
        }
    }

    /// Appends the value at the cursor, which is known to fit.
    fn take(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        if cursor.peek()? == b'n' {
            cursor.scalar()?;
            self.append_null();
            return Ok(());
        }
        self.valid.push(true);
        match &mut self.shape {
            NestedShape::Leaf(column) => {
                let token = token(cursor, column.kind())?;
                column.append(token);
            }
            NestedShape::List { items, ends, .. } => {
                cursor.at += 1;
                let mut first = true;
                while cursor.element(first, b']')? {
                    first = false;
                    items.take(cursor)?;
                }
                ends.push(end(items.len(), cursor.at)?);
            }
            NestedShape::Struct { fields, children } => {
                let before = children.first().map_or(0, Self::len);
                members(cursor, |name, cursor| {
                    if let Some(at) = field(fields, name) {
                        children[at].take(cursor)?;
                    }
                    Ok(true)
                })?;
                children.iter_mut().filter(|child| child.len() == before).for_each(Self::append_null);
            }
            NestedShape::Map { keys, values, ends, .. } => {
                members(cursor, |name, cursor| {
                    if let NestedShape::Leaf(column) = &mut keys.shape {
                        column.append(CellToken::Text(name));
                    }
                    keys.valid.push(true);
                    values.take(cursor)?;
                    Ok(true)
                })?;
                ends.push(end(values.len(), cursor.at)?);
            }
        }
        Ok(())
    }
}

/// Returns the end offset of a list within all items.
fn end(length: usize, at: usize) -> Result<i32, JsonStop> {
    i32::try_from(length).map_err(|_| JsonStop::Broken(at, "more than 2147483647 items".to_owned()))
}

/// Skips the object at the cursor, and calls `each` on every member until it returns false.
fn members<'a>(
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(&str, &mut Cursor<'a>) -> Result<bool, JsonStop>,
) -> Result<bool, JsonStop> {
    if cursor.peek()? != b'{' {
        return Ok(false);
    }
    cursor.at += 1;
    let mut first = true;
    while cursor.element(first, b'}')? {
        first = false;
        let name = match cursor.key()? {
            (inside, false) => Cow::Borrowed(inside),
            (inside, true) => match unescape(inside) {
                Some(name) => Cow::Owned(name),
                None => return Ok(false),
            },
        };
        if !each(&name, cursor)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the index of the field with this name, compared with SQL's rules.
fn field(fields: &Fields, name: &str) -> Option<usize> {
    let exact = fields.iter().position(|field| field.name() == name);
    exact.or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)))
}

/// Skips the JSON value at the cursor, and returns it as a token for a column of the kind.
pub(crate) fn token<'a>(cursor: &mut Cursor<'a>, kind: ColumnKind) -> Result<CellToken<'a>, JsonStop> {
    if kind.is_json() {
        // The text of any JSON value is the value, except for null.
        return Ok(match cursor.skip()? {
            "null" => CellToken::Null,
            text => CellToken::Nested(text),
        });
    }
    Ok(match cursor.scalar()? {
        Some(Scalar::Null) => CellToken::Null,
        Some(Scalar::Bool(value)) => CellToken::Bool(value),
        Some(Scalar::Number(text)) => CellToken::Number(text),
        Some(Scalar::Word(text)) => CellToken::Word(text),
        Some(Scalar::String(inside, false)) => CellToken::Text(inside),
        Some(Scalar::String(inside, true)) => CellToken::Escaped(inside),
        None => CellToken::Nested(cursor.skip()?),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::Array,
        util::display::{ArrayFormatter, FormatOptions},
    };

    use super::*;
    use crate::engine::types::data_type;

    fn shown(sql: &str, texts: &[&str]) -> String {
        let mut nested = Nested::new(&data_type(sql).unwrap(), DateUnit::default()).unwrap();
        let taken: Vec<bool> = texts.iter().map(|text| nested.append(text)).collect();
        let array = nested.finish().unwrap();
        assert_eq!(array.data_type(), &data_type(sql).unwrap());
        let options = FormatOptions::default().with_null("NULL");
        let formatter = ArrayFormatter::try_new(&array, &options).unwrap();
        let mut values = (0..array.len()).map(|at| formatter.value(at).to_string());
        let lines = texts.iter().zip(taken).map(|(text, taken)| {
            format!("{text} => {}", if taken { values.next().unwrap() } else { "refused".to_owned() })
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn values_fit_as_a_whole_or_not_at_all() {
        insta::assert_snapshot!(shown(
            "struct(a bigint, B list(struct(c varchar, d date)))",
            &[
                r#"{"a": 1, "b": [{"c": "x", "d": "2021-01-01"}, {"c": 7}, null]}"#,
                r#"{"A": "2"}"#,
                "null",
                "{}",
                r#"{"a": 1, "more": 2}"#,
                r#"{"a": 1, "a": 2}"#,
                r#"{"b": [{"d": "2021-01-01"}, {"d": "n/a"}]}"#,
                r#"{"b": {}}"#,
                "[1]",
                r#"{"a": 1"#,
                r#"{"a": 1} x"#,
                r#"{"a": 3, "b": []}"#,
            ]
        ));
        insta::assert_snapshot!(shown(
            "map(varchar, double)",
            &[
                r#"{"x": 1, "y\n": null}"#,
                "{}",
                "null",
                r#"{"x": 1, "x": 2}"#,
                r#"{"x": true}"#,
                r#"{"z": 1.5}"#
            ]
        ));
        insta::assert_snapshot!(shown("bigint[][]", &["[[1, 2], [], null]", "[]", "[3]", "null", "[[4]]"]));
        insta::assert_snapshot!(shown("json[]", &[r#"[{"a": 1}, "x", 2, null]"#, "7"]));
    }
}
