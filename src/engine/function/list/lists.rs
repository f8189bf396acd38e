//! Lists in columns: the items of each row, and lists built by picking items.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, UInt32Array},
        buffer::{NullBuffer, OffsetBuffer},
        compute::{cast, concat},
        datatypes::DataType,
    },
    error::{DataFusionError, Result},
};

use crate::engine::function::{
    call::Call,
    description::Typing,
    result_size::{check, size, taken},
};

/// An argument's lists.
pub(super) struct Lists {
    pub(super) list: ListArray,
}

impl Lists {
    /// Returns an argument's lists.
    pub(super) fn of(call: &Call, argument: usize) -> Result<Self> {
        let column = call.array(argument)?;
        let Some(list) = column.as_list_opt::<i32>() else {
            return Err(DataFusionError::Internal(format!("argument {argument} is no list")));
        };
        Ok(Self { list: list.clone() })
    }

    /// Returns the range of a row's items in [`Self::items`], or `None` for NULL.
    pub(super) fn row(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let end = |at: usize| usize::try_from(self.list.value_offsets()[at]).unwrap_or(0);
        self.list.is_valid(row).then(|| end(row)..end(row + 1))
    }

    /// Returns whether an item is not NULL.
    pub(super) fn has_value(&self, at: usize) -> bool {
        !self.list.values().data_type().is_null() && self.list.values().is_valid(at)
    }

    pub(super) fn items(&self) -> &ArrayRef {
        self.list.values()
    }
}

/// Returns the item type of a list type.
pub(super) fn item_type(list: &DataType) -> DataType {
    match list {
        DataType::List(field) => field.data_type().clone(),
        _ => DataType::Null,
    }
}

/// Concatenates arrays as items of a list type.
pub(super) fn joined(items: &[&ArrayRef], list: &DataType) -> Result<ArrayRef> {
    let wanted = item_type(list);
    let items: Vec<ArrayRef> = items.iter().map(|items| Ok(cast(items, &wanted)?)).collect::<Result<_>>()?;
    check(items.first().map_or(0, Array::len), items.iter().map(|items| size(items.as_ref())).sum())?;
    Ok(concat(&items.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
}

/// Builds lists by selecting items: `row` pushes the indices of a row's items, with `None` for NULL, and
/// returns false if the row itself is NULL.
pub(super) fn lists_of(
    call: &Call,
    items: &ArrayRef,
    mut row: impl FnMut(usize, &mut Vec<Option<u32>>) -> Result<bool>,
) -> Result<ArrayRef> {
    let mut indices = Vec::new();
    let mut lengths = Vec::with_capacity(call.rows());
    let mut valid = Vec::with_capacity(call.rows());
    for at in 0..call.rows() {
        let before = indices.len();
        let is_valid = row(at, &mut indices)?;
        if !is_valid {
            indices.truncate(before);
        }
        valid.push(is_valid);
        lengths.push(indices.len() - before);
        check(at + 1, size_of_val(indices.as_slice()))?;
    }
    let items = taken(items.as_ref(), &UInt32Array::from(indices))?;
    list_array(call.returns(), items, OffsetBuffer::from_lengths(lengths), Some(valid.into()))
}

/// Builds an array of a list type.
pub(super) fn list_array(
    list: &DataType,
    items: ArrayRef,
    offsets: OffsetBuffer<i32>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::List(field) = list else {
        return Err(DataFusionError::Internal(format!("{list} is no list")));
    };
    let items = if items.data_type() == field.data_type() { items } else { cast(&items, field.data_type())? };
    Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, nulls)?))
}

pub(super) fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Returns the item type of an argument.
pub(super) fn item_of(typing: &Typing, argument: usize) -> DataType {
    typing.types.get(argument).map_or(DataType::Null, item_type)
}

/// Converts a position in a list of `length` items to an index, or returns `None` if it is out of range.
pub(super) fn place(position: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if position < 0 { length + position } else { position - 1 };
    (0..length).contains(&place).then(|| usize::try_from(place).ok()).flatten()
}
