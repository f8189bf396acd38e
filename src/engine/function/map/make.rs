//! Construction of maps from lists, entries and other maps.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, MapArray, StructArray, UInt32Array},
        buffer::{NullBuffer, OffsetBuffer},
        compute::{cast, concat, take},
        datatypes::{DataType, FieldRef},
    },
    error::Result,
};

use super::entries::{entries, rows};
use crate::engine::function::call::{Call, fail};

/// Builds a map from entries whose keys must be unique and not NULL.
pub(super) fn made(
    call: &Call,
    keys: ArrayRef,
    values: ArrayRef,
    lengths: Vec<usize>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let DataType::Map(field, _) = call.returns() else { return fail("the result is no map") };
    let DataType::Struct(fields) = field.data_type() else { return fail("the entries are no structs") };
    if keys.logical_null_count() > 0 {
        return fail("the keys of a map must not be NULL");
    }
    let rows = rows(&[&keys])?;
    let mut start = 0;
    for length in &lengths {
        let mut seen = std::collections::HashSet::new();
        if !(start..start + length).all(|at| seen.insert(rows[0].row(at))) {
            return fail("the keys of a map must be unique");
        }
        start += length;
    }
    let offsets = OffsetBuffer::from_lengths(lengths);
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, false)?))
}

pub(super) fn of_lists(call: &Call) -> Result<ArrayRef> {
    let (keys, values) = (call.array(0)?, call.array(1)?);
    let (keys, values) = (keys.as_list::<i32>(), values.as_list::<i32>());
    let mut lengths = Vec::new();
    let mut valid = Vec::new();
    let mut places: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    for row in 0..call.rows() {
        let is_valid = keys.is_valid(row) && values.is_valid(row);
        valid.push(is_valid);
        if !is_valid {
            lengths.push(0);
            continue;
        }
        let range = |list: &datafusion::arrow::array::ListArray| -> Result<std::ops::Range<u32>> {
            let end = |at: usize| u32::try_from(list.value_offsets()[at]).unwrap_or(0);
            Ok(end(row)..end(row + 1))
        };
        let (own, others) = (range(keys)?, range(values)?);
        if own.len() != others.len() {
            return fail(format!("a map of {} keys can't have {} values", own.len(), others.len()));
        }
        lengths.push(own.len());
        places[0].extend(own);
        places[1].extend(others);
    }
    let [own, others] = places.map(UInt32Array::from);
    let keys = take(keys.values(), &own, None)?;
    let values = take(values.values(), &others, None)?;
    made(call, keys, values, lengths, Some(valid.into()))
}

pub(super) fn of_entries(call: &Call) -> Result<ArrayRef> {
    let column = call.array(0)?;
    let lists = column.as_list::<i32>();
    let mut lengths = Vec::new();
    let mut places: Vec<u32> = Vec::new();
    for row in 0..call.rows() {
        let end = |at: usize| u32::try_from(lists.value_offsets()[at]).unwrap_or(0);
        let range = if lists.is_valid(row) { end(row)..end(row + 1) } else { 0..0 };
        lengths.push(range.len());
        places.extend(range);
    }
    let pairs = take(lists.values(), &UInt32Array::from(places), None)?;
    let pairs = pairs.as_struct();
    made(call, Arc::clone(pairs.column(0)), Arc::clone(pairs.column(1)), lengths, lists.nulls().cloned())
}

pub(super) fn concatenated(call: &Call) -> Result<ArrayRef> {
    let DataType::Map(field, _) = call.returns() else { return fail("`map_concat` takes maps") };
    let field: &FieldRef = field;
    let mut maps = Vec::new();
    for at in 0..call.len() {
        if !call.type_of(at).is_null() {
            let column = cast(&call.array(at)?, &DataType::Map(Arc::clone(field), false))?;
            maps.push(column.as_map().clone());
        }
    }
    let keys = concat(&maps.iter().map(|map| map.keys().as_ref()).collect::<Vec<_>>())?;
    let values = concat(&maps.iter().map(|map| map.values().as_ref()).collect::<Vec<_>>())?;
    let rows = rows(&[&keys])?;
    let mut lengths = Vec::new();
    let mut places: [Vec<u32>; 2] = [Vec::new(), Vec::new()];
    for row in 0..call.rows() {
        let mut seen = HashMap::new();
        let start = places[0].len();
        let mut base = 0;
        for map in &maps {
            if map.is_valid(row) {
                for at in entries(map, row).map(|at| base + at) {
                    let at32 = u32::try_from(at).unwrap_or(u32::MAX);
                    if let Some(place) = seen.get(&rows[0].row(at)) {
                        places[1][*place] = at32;
                    } else {
                        seen.insert(rows[0].row(at), places[0].len());
                        places[0].push(at32);
                        places[1].push(at32);
                    }
                }
            }
            base += map.keys().len();
        }
        lengths.push(places[0].len() - start);
    }
    let [own, others] = places.map(UInt32Array::from);
    let (keys, values) = (take(&keys, &own, None)?, take(&values, &others, None)?);
    made(call, keys, values, lengths, None)
}
