//! Casts of lists, structs and maps: element by element from each other, and from text.
//!
//! An element that doesn't fit is NULL, and its row is marked, so that `try_cast` keeps the rest of the
//! value.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray, StructArray, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::{DataType, FieldRef, Fields},
        row::{RowConverter, SortField},
    },
    common::{exec_err, not_impl_err},
    error::Result,
};

use super::kernel;
use crate::engine::cast::{
    converted::Converted,
    fields::{entry_fields, source_of},
    parts,
    types::{self, CastTarget},
};

fn converted(array: &ArrayRef, to: &DataType) -> Result<Converted> {
    kernel(array, &CastTarget::plain(to.clone()))
}

/// Converts nested values to another nested type.
pub(crate) fn convert(array: &ArrayRef, to: &DataType) -> Result<Converted> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::LargeList(item) | T::FixedSizeList(item, _), _) => {
            convert(&compute::cast(array, &T::List(Arc::clone(item)))?, to)
        }
        (T::List(_), T::List(item)) => {
            let lists = array.as_list::<i32>();
            let values = converted(lists.values(), item.data_type())?;
            let offsets = lists.offsets().clone();
            let misfits = rows_of(values.misfits.as_deref(), &offsets, lists.nulls());
            let made = ListArray::try_new(Arc::clone(item), offsets, values.array, lists.nulls().cloned())?;
            Ok(Converted { array: Arc::new(made), misfits })
        }
        (T::Struct(from), T::Struct(fields)) => {
            let structs = array.as_struct();
            let mut columns = Vec::with_capacity(fields.len());
            let mut misfits = Misfits::default();
            for (place, field) in fields.iter().enumerate() {
                let Some(at) = source_of(from, fields, place) else {
                    columns.push(new_null_array(field.data_type(), structs.len()));
                    continue;
                };
                let column = converted(structs.column(at), field.data_type())?;
                misfits.add(column.misfits);
                columns.push(column.array);
            }
            let misfits = misfits.within(structs.nulls());
            let made = StructArray::try_new_with_length(
                fields.clone(),
                columns,
                structs.nulls().cloned(),
                array.len(),
            )?;
            Ok(Converted { array: Arc::new(made), misfits })
        }
        (T::Map(..), T::Map(entries, sorted)) => {
            let maps = array.as_map();
            let parts = entry_fields(entries)?;
            let (keys, values) = (
                converted(maps.keys(), parts[0].data_type())?,
                converted(maps.values(), parts[1].data_type())?,
            );
            let mut misfits = Misfits::default();
            misfits.add(keys.misfits);
            misfits.add(values.misfits);
            let offsets = maps.offsets().clone();
            let misfits = rows_of(misfits.0.as_deref(), &offsets, maps.nulls());
            let array = map(entries, *sorted, offsets, (keys.array, values.array), maps.nulls().cloned())?;
            Ok(Converted { array, misfits })
        }
        (T::Struct(from), T::Map(entries, sorted)) => struct_as_map(array, from, entries, *sorted),
        (from, to) => not_impl_err!("can't cast {} to {}", types::name(from), types::name(to)),
    }
}

/// Converts structs to maps from field names to values.
fn struct_as_map(array: &ArrayRef, from: &Fields, entries: &FieldRef, sorted: bool) -> Result<Converted> {
    let (structs, parts) = (array.as_struct(), entry_fields(entries)?);
    let names: ArrayRef =
        Arc::new(from.iter().map(|field| Some(field.name().as_str())).collect::<StringArray>());
    let names = converted(&names, parts[0].data_type())?;
    let columns = structs.columns().iter().map(|column| converted(column, parts[1].data_type()));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let nulls = structs.nulls().cloned();
    let is_valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let rows = || (0..structs.len()).filter(|row| is_valid(*row));
    let picked: Vec<(usize, usize)> =
        rows().flat_map(|row| (0..columns.len()).map(move |column| (column, row))).collect();
    let values: Vec<&dyn Array> = columns.iter().map(|column| column.array.as_ref()).collect();
    let values = compute::interleave(&values, &picked)?;
    let at = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    let keys = rows().flat_map(|_| 0..at).collect::<datafusion::arrow::array::UInt32Array>();
    let keys = compute::take(&names.array, &keys, None)?;
    let lengths = (0..structs.len()).map(|row| if is_valid(row) { columns.len() } else { 0 });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let mut misfits = Misfits::default();
    if names.misfits.is_some() {
        misfits.add(Some(vec![true; structs.len()]));
    }
    for column in columns {
        misfits.add(column.misfits);
    }
    let misfits = misfits.within(structs.nulls());
    let array = map(entries, sorted, offsets, (keys, values), nulls)?;
    Ok(Converted { array, misfits })
}

/// Builds a map array, and rejects NULL keys and duplicate keys.
fn map(
    entries: &FieldRef,
    sorted: bool,
    offsets: OffsetBuffer<i32>,
    (keys, values): (ArrayRef, ArrayRef),
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    if keys.logical_null_count() > 0 {
        return exec_err!("a key of a map can't be NULL");
    }
    let converter = RowConverter::new(vec![SortField::new(keys.data_type().clone())])?;
    let rows = converter.convert_columns(&[Arc::clone(&keys)])?;
    for (ends, row) in offsets.windows(2).zip(0..) {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            continue;
        }
        let mut own: Vec<_> = (usize_of(ends[0])..usize_of(ends[1])).map(|at| rows.row(at)).collect();
        own.sort_unstable();
        if own.windows(2).any(|pair| pair[0] == pair[1]) {
            return exec_err!("the keys of a map must be different");
        }
    }
    let pairs = StructArray::try_new(entry_fields(entries)?.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, sorted)?))
}

fn usize_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

/// The rows in which something doesn't fit, combined from several columns.
#[derive(Default)]
struct Misfits(Option<Vec<bool>>);

impl Misfits {
    fn add(&mut self, more: Option<Vec<bool>>) {
        let Some(more) = more else { return };
        match &mut self.0 {
            None => self.0 = Some(more),
            Some(all) => all.iter_mut().zip(more).for_each(|(all, one)| *all |= one),
        }
    }

    /// Keeps only rows that aren't NULL themselves.
    fn within(self, nulls: Option<&NullBuffer>) -> Option<Vec<bool>> {
        let mut misfits = self.0?;
        if let Some(nulls) = nulls {
            misfits.iter_mut().zip(nulls).for_each(|(misfit, valid)| *misfit &= valid);
        }
        misfits.contains(&true).then_some(misfits)
    }
}

/// Returns the rows whose elements include one that doesn't fit.
fn rows_of(
    misfits: Option<&[bool]>,
    offsets: &OffsetBuffer<i32>,
    nulls: Option<&NullBuffer>,
) -> Option<Vec<bool>> {
    let misfits = misfits?;
    let row = |ends: &[i32]| misfits[usize_of(ends[0])..usize_of(ends[1])].contains(&true);
    Misfits(Some(offsets.windows(2).map(row).collect())).within(nulls)
}

/// Parses texts as lists, structs or maps, with NULL for each text that isn't one.
pub(crate) fn parse(texts: &StringArray, to: &DataType) -> Result<Converted> {
    match to {
        DataType::List(item) => lists(texts, item),
        DataType::Struct(fields) => structs(texts, fields),
        DataType::Map(entries, sorted) => maps(texts, entries, *sorted),
        other => not_impl_err!("can't cast VARCHAR to {}", types::name(other)),
    }
}

/// Splits texts into elements, with `None` for NULLs and for texts that can't be split; the latter are
/// misfits.
fn split<T>(texts: &StringArray, split: impl Fn(&str) -> Option<T>) -> (Vec<Option<T>>, Misfits) {
    let rows: Vec<Option<T>> = texts.iter().map(|text| split(text?)).collect();
    let spoilt = rows.iter().enumerate().map(|(row, parts)| parts.is_none() && texts.is_valid(row)).collect();
    (rows, Misfits(Some(spoilt)))
}

/// Returns the null buffer of the rows: those that couldn't be split are NULL.
fn validity<T>(rows: &[Option<T>]) -> Option<NullBuffer> {
    rows.iter().any(Option::is_none).then(|| rows.iter().map(Option::is_some).collect())
}

fn lists(texts: &StringArray, item: &FieldRef) -> Result<Converted> {
    let (rows, mut misfits) = split(texts, parts::list);
    let flat: ArrayRef = Arc::new(rows.iter().flatten().flatten().cloned().collect::<StringArray>());
    let values = converted(&flat, item.data_type())?;
    let offsets = OffsetBuffer::<i32>::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
    misfits.add(rows_of(values.misfits.as_deref(), &offsets, None));
    let array = ListArray::try_new(Arc::clone(item), offsets, values.array, validity(&rows))?;
    Ok(Converted { array: Arc::new(array), misfits: misfits.within(None) })
}

fn structs(texts: &StringArray, fields: &Fields) -> Result<Converted> {
    let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let (rows, mut misfits) = split(texts, |text| parts::structure(text, &names));
    let mut columns = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let value = |row: &Option<Vec<parts::ElementText>>| row.as_ref()?.get(at)?.clone();
        let texts: ArrayRef = Arc::new(rows.iter().map(value).collect::<StringArray>());
        let column = converted(&texts, field.data_type())?;
        misfits.add(column.misfits);
        columns.push(column.array);
    }
    let array = StructArray::try_new_with_length(fields.clone(), columns, validity(&rows), texts.len())?;
    Ok(Converted { array: Arc::new(array), misfits: misfits.within(None) })
}

fn maps(texts: &StringArray, entries: &FieldRef, sorted: bool) -> Result<Converted> {
    let fields = entry_fields(entries)?;
    let (mut rows, mut misfits) = split(texts, parts::map);
    let all = |rows: &[Option<Vec<(String, parts::ElementText)>>]| -> ArrayRef {
        Arc::new(rows.iter().flatten().flatten().map(|(key, _)| Some(key.as_str())).collect::<StringArray>())
    };
    let offsets = |rows: &[Option<Vec<(String, parts::ElementText)>>]| {
        OffsetBuffer::<i32>::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)))
    };
    let mut keys = converted(&all(&rows), fields[0].data_type())?;
    if let Some(without_key) = rows_of(keys.misfits.as_deref(), &offsets(&rows), None) {
        // Unlike a value, a key can't be NULL, so a map whose key doesn't fit is NULL as a whole.
        rows.iter_mut().zip(&without_key).filter(|(_, spoilt)| **spoilt).for_each(|(row, _)| *row = None);
        misfits.add(Some(without_key));
        keys = converted(&all(&rows), fields[0].data_type())?;
    }
    let values: ArrayRef =
        Arc::new(rows.iter().flatten().flatten().map(|(_, value)| value.clone()).collect::<StringArray>());
    let values = converted(&values, fields[1].data_type())?;
    let offsets = offsets(&rows);
    misfits.add(rows_of(values.misfits.as_deref(), &offsets, None));
    let array = map(entries, sorted, offsets, (keys.array, values.array), validity(&rows))?;
    Ok(Converted { array, misfits: misfits.within(None) })
}
