//! One-dimensional arrays, with positions starting at 1.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray, new_empty_array, new_null_array},
        compute,
        datatypes::DataType,
    },
    error::Result,
};

use super::{
    kind::{
        GivenArgument,
        PostgresKind::{Any, AnyArray, Integer, Text, TextArray},
        type_name,
    },
    output,
    overload::{Routine, RoutineResult, by, takes},
    text::count,
    unresolved::Unresolved,
};
use crate::engine::function::call::{Call, fail};

pub(super) const ROUTINES: &[Routine] = &[
    takes("cardinality", &[AnyArray], Integer, |call| {
        call.map1(|items: ArrayRef| Ok(Some(count(items.len()))))
    }),
    takes("array_length", &[AnyArray, Integer], Integer, |call| {
        call.map2(|items: ArrayRef, dimension: i32| {
            Ok((dimension == 1 && !items.is_empty()).then(|| count(items.len())))
        })
    }),
    by("$item", &[AnyArray, Integer], RoutineResult::By(item_type), item),
    by("array_append", &[AnyArray, Any], RoutineResult::By(appended), |call| append(call, 0, 1)),
    by("array_prepend", &[Any, AnyArray], RoutineResult::By(prepended), |call| append(call, 1, 0)),
    by("array_cat", &[AnyArray, AnyArray], RoutineResult::By(joined), concat),
    by("array_to_string", &[AnyArray, Text], RoutineResult::By(written), to_string),
    by("array_to_string", &[AnyArray, Text, Text], RoutineResult::By(written), to_string),
    takes("string_to_array", &[Text, Text], TextArray, from_string),
    takes("string_to_array", &[Text, Text, Text], TextArray, from_string),
];

fn item_of(of: &DataType) -> Option<&DataType> {
    match of {
        DataType::List(item) => Some(item.data_type()),
        _ => None,
    }
}

fn item_type(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    match item_of(&types[0]) {
        Some(DataType::List(_)) | None => Err(Unresolved::new(
            "an array of arrays has no single positions in PostgreSQL",
            "unnest it, or keep arrays of one dimension",
        )),
        Some(item) => Ok(item.clone()),
    }
}

/// Returns the type of concatenated arrays, whose item types must match.
pub(super) fn joined(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    if types[0] == types[1] {
        return Ok(types[0].clone());
    }
    Err(Unresolved::new(
        format!("can't join {} and {}", type_name(&types[0]), type_name(&types[1])),
        "cast the items of one of them",
    ))
}

pub(super) fn appended(types: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    with_item(&types[0], &types[1], &given[1])
}

pub(super) fn prepended(types: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    with_item(&types[1], &types[0], &given[0])
}

fn with_item(array: &DataType, item: &DataType, given: &GivenArgument) -> Result<DataType, Unresolved> {
    if item_of(array) == Some(item) && !given.is_unknown() {
        return Ok(array.clone());
    }
    Err(Unresolved::new(
        format!("{} has no items of {}", type_name(array), type_name(item)),
        "cast the item to the type of the others",
    ))
}

fn written(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    output::writable(&types[0]).map(|()| DataType::Utf8)
}

/// Builds a column of lists from one list per row.
fn lists(call: &Call, rows: &[Option<ArrayRef>]) -> Result<ArrayRef> {
    use datafusion::arrow::{
        array::ListArray,
        buffer::{NullBuffer, OffsetBuffer},
    };
    let DataType::List(field) = call.returns() else { return fail("an array was due") };
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().map_or(0, Array::len)).collect();
    let parts: Vec<&dyn Array> = rows.iter().flatten().map(AsRef::as_ref).collect();
    let items = if parts.is_empty() { new_empty_array(field.data_type()) } else { compute::concat(&parts)? };
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, Some(nulls))?))
}

pub(super) fn concat(call: &Call) -> Result<ArrayRef> {
    let (left, right) = (call.column::<ArrayRef>(0)?, call.column::<ArrayRef>(1)?);
    let rows: Vec<Option<ArrayRef>> = (0..call.rows())
        .map(|row| {
            Ok(match (left.at(row), right.at(row)) {
                (Some(left), Some(right)) => Some(compute::concat(&[left.as_ref(), right.as_ref()])?),
                (left, right) => left.or(right),
            })
        })
        .collect::<Result<_>>()?;
    lists(call, &rows)
}

pub(super) fn append(call: &Call, array: usize, item: usize) -> Result<ArrayRef> {
    let (lists_of, items) = (call.column::<ArrayRef>(array)?, call.array(item)?);
    let rows: Vec<Option<ArrayRef>> = (0..call.rows())
        .map(|row| {
            let one = items.slice(row, 1);
            Ok(Some(match lists_of.at(row) {
                Some(list) if array == 0 => compute::concat(&[list.as_ref(), one.as_ref()])?,
                Some(list) => compute::concat(&[one.as_ref(), list.as_ref()])?,
                None => one,
            }))
        })
        .collect::<Result<_>>()?;
    lists(call, &rows)
}

/// Returns one item of each array, or NULL if the position is out of bounds.
fn item(call: &Call) -> Result<ArrayRef> {
    let (arrays, positions) = (call.column::<ArrayRef>(0)?, call.column::<i32>(1)?);
    let missing = new_null_array(call.returns(), 1);
    let rows: Vec<ArrayRef> = (0..call.rows())
        .map(|row| {
            let index = positions.at(row).and_then(|at| usize::try_from(i64::from(at) - 1).ok());
            match (arrays.at(row), index) {
                (Some(items), Some(index)) if index < items.len() => items.slice(index, 1),
                _ => Arc::clone(&missing),
            }
        })
        .collect();
    if rows.is_empty() {
        return Ok(new_empty_array(call.returns()));
    }
    let parts: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    Ok(compute::concat(&parts)?)
}

fn to_string(call: &Call) -> Result<ArrayRef> {
    let (arrays, separators) = (call.column::<ArrayRef>(0)?, call.column::<&str>(1)?);
    let nulls = if call.len() > 2 { Some(call.column::<&str>(2)?) } else { None };
    call.each(|row| {
        let (Some(items), Some(separator)) = (arrays.at(row), separators.at(row)) else { return Ok(None) };
        let null = nulls.as_ref().and_then(|nulls| nulls.at(row));
        let texts: StringArray = output::texts(&items)?;
        let parts: Vec<&str> = texts.iter().filter_map(|text| text.or(null)).collect();
        Ok(Some(parts.join(separator)))
    })
}

fn from_string(call: &Call) -> Result<ArrayRef> {
    let (texts, separators) = (call.array(0)?, call.column::<Option<&str>>(1)?);
    let texts = texts.as_string::<i32>();
    let nulls = if call.len() > 2 { Some(call.column::<&str>(2)?) } else { None };
    call.each(|row| {
        if texts.is_null(row) {
            return Ok(None);
        }
        let text = texts.value(row);
        let null = nulls.as_ref().and_then(|nulls| nulls.at(row));
        let parts: Vec<String> = match separators.at(row).flatten() {
            None => text.chars().map(String::from).collect(),
            Some(_) if text.is_empty() => Vec::new(),
            Some("") => vec![text.to_owned()],
            Some(separator) => text.split(separator).map(str::to_owned).collect(),
        };
        let items = parts.into_iter().map(|part| (Some(part.as_str()) != null).then_some(part));
        Ok(Some(items.collect::<Vec<Option<String>>>()))
    })
}
