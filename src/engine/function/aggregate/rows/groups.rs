//! Groups accumulator: gathers the rows of many groups.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, new_empty_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute::{filter as keep, interleave, take},
        datatypes::Field,
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};

use super::{
    array_limit,
    collection::{Collection, as_usize, bytes, keys, narrow, pick, values_of},
};
use crate::engine::function::result_size;

/// A batch of rows, with the group of each.
#[derive(Debug)]
struct RowChunk {
    columns: Vec<ArrayRef>,
    /// The group and row index of each row that is kept.
    entries: Vec<(u32, u32)>,
    bytes: usize,
}

/// Bytes per row of the indices that are built while emitting.
const PLACES: usize = size_of::<(usize, usize)>();

/// Accumulator that holds the rows of many groups.
#[derive(Debug)]
pub(super) struct Groups {
    collection: Collection,
    chunks: Vec<RowChunk>,
    /// The number of groups.
    total: usize,
}

/// Rows sorted by group, and the offsets at which each group ends.
struct Grouped {
    columns: Vec<ArrayRef>,
    offsets: OffsetBuffer<i32>,
}

impl Groups {
    pub(super) fn new(collection: Collection) -> Self {
        Self { collection, chunks: Vec::new(), total: 0 }
    }

    fn add(&mut self, columns: Vec<ArrayRef>, entries: Vec<(u32, u32)>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let (mut columns, mut entries) = (columns, entries);
        if entries.len() * 2 < columns.first().map_or(0, Array::len) {
            let indices: UInt32Array = entries.iter().map(|(_, row)| *row).collect::<Vec<_>>().into();
            columns = pick(&columns, &indices)?;
            entries.iter_mut().zip(0..).for_each(|(entry, row)| entry.1 = row);
        }
        let bytes = columns.iter().map(bytes).sum::<usize>() + entries.capacity() * size_of::<(u32, u32)>();
        self.chunks.push(RowChunk { columns, entries, bytes });
        Ok(())
    }

    /// Removes and returns the rows of the first groups.
    fn emit(&mut self, emit_to: EmitTo, groups: usize) -> Result<Grouped> {
        let limit = match emit_to {
            EmitTo::All => u32::MAX,
            EmitTo::First(n) => narrow(n),
        };
        let mut lengths = vec![0_usize; groups];
        for (group, _) in self.chunks.iter().flat_map(|chunk| &chunk.entries).filter(|entry| entry.0 < limit)
        {
            lengths[*group as usize] += 1;
        }
        let total: usize = lengths.iter().sum();
        array_limit::check(&self.collection.name, total)?;
        let indices = self.leaving_rows(limit, &lengths, total);
        let columns = (0..self.collection.types.len())
            .map(|column| {
                if limit == u32::MAX && !self.collection.types[column].is_primitive() {
                    let sizes =
                        self.chunks.iter().map(|chunk| result_size::size(chunk.columns[column].as_ref()));
                    array_limit::check(&self.collection.name, sizes.sum())?;
                }
                let chunks: Vec<&dyn Array> =
                    self.chunks.iter().map(|chunk| chunk.columns[column].as_ref()).collect();
                if chunks.is_empty() {
                    return Ok(new_empty_array(&self.collection.types[column]));
                }
                Ok(interleave(&chunks, &indices)?)
            })
            .collect::<Result<_>>()?;
        self.chunks.retain(|chunk| !chunk.entries.is_empty());
        Ok(Grouped { columns, offsets: OffsetBuffer::from_lengths(lengths) })
    }

    /// Removes the entries of the first groups, and returns the chunk and row of each in the order of the
    /// groups, whose sizes are given. Counting takes less memory than a sort.
    fn leaving_rows(&mut self, limit: u32, lengths: &[usize], total: usize) -> Vec<(usize, usize)> {
        let mut next = Vec::with_capacity(lengths.len());
        let mut start = 0;
        for length in lengths {
            next.push(start);
            start += length;
        }
        let mut indices = vec![(0, 0); total];
        for (at, chunk) in self.chunks.iter_mut().enumerate() {
            chunk.entries.retain_mut(|(group, row)| {
                if *group < limit {
                    let place = &mut next[*group as usize];
                    indices[*place] = (at, *row as usize);
                    *place += 1;
                    return false;
                }
                *group -= limit;
                true
            });
        }
        indices
    }

    /// Returns each group's rows as a list.
    fn lists(&self, grouped: Grouped) -> Result<ArrayRef> {
        let Grouped { columns, offsets } = grouped;
        let mut items = Arc::clone(&columns[0]);
        if !self.collection.orders.is_empty() {
            let mut indices = Vec::with_capacity(items.len());
            let keys = keys(&columns[self.collection.columns..], &self.collection.orders)?;
            for ends in offsets.windows(2) {
                let mut group: Vec<u32> = (narrow(as_usize(ends[0]))..narrow(as_usize(ends[1]))).collect();
                group.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
                indices.extend(group);
            }
            items = take(&items, &UInt32Array::from(indices), None)?;
        }
        let nulls: NullBuffer = offsets.windows(2).map(|ends| ends[0] < ends[1]).collect();
        let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
        Ok(Arc::new(ListArray::try_new(field, offsets, items, Some(nulls))?))
    }

    /// Removes the groups to emit and returns their number.
    fn leaving(&mut self, emit_to: EmitTo) -> usize {
        let leaving = match emit_to {
            EmitTo::First(n) => n,
            EmitTo::All => self.total,
        };
        self.total -= leaving;
        leaving
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.total = total_num_groups;
        let columns = self.collection.columns_of(values);
        let kept = self.collection.kept(&columns, filter)?;
        let entries = group_indices.iter().enumerate();
        let entries = match &kept {
            Some(kept) => entries
                .filter(|(row, _)| kept.value(*row))
                .map(|(row, group)| (narrow(*group), narrow(row)))
                .collect(),
            None => entries.map(|(row, group)| (narrow(*group), narrow(row))).collect(),
        };
        self.add(columns, entries)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.leaving(emit_to);
        let grouped = self.emit(emit_to, groups)?;
        if groups == 0 {
            return Ok(new_empty_array(&self.collection.result));
        }
        if self.collection.lists && !self.collection.distinct {
            return self.lists(grouped);
        }
        let results = grouped.offsets.windows(2).map(|ends| {
            let (start, length) = (as_usize(ends[0]), as_usize(ends[1] - ends[0]));
            self.collection.result(grouped.columns.iter().map(|one| one.slice(start, length)).collect())
        });
        let results: Vec<ScalarValue> = results.collect::<Result<_>>()?;
        if !self.collection.result.is_primitive() {
            array_limit::check(&self.collection.name, results.iter().map(text_bytes).sum())?;
        }
        ScalarValue::iter_to_array(results)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.leaving(emit_to);
        let Grouped { columns, offsets } = self.emit(emit_to, groups)?;
        columns.into_iter().map(|column| lists(column, offsets.clone())).collect()
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.total = total_num_groups;
        let columns = values.iter().map(|state| values_of(state.as_list::<i32>())).collect();
        let first = values[0].as_list::<i32>();
        let mut entries = Vec::new();
        let mut row = 0;
        for (at, group) in group_indices.iter().enumerate() {
            for _ in 0..as_usize(first.value_length(at)) {
                entries.push((narrow(*group), row));
                row += 1;
            }
        }
        self.add(columns, entries)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let columns = self.collection.columns_of(values);
        let rows = columns.first().map_or(0, Array::len);
        let Some(kept) = self.collection.kept(&columns, filter)? else {
            let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(1, rows));
            return columns.into_iter().map(|column| lists(column, offsets.clone())).collect();
        };
        let offsets = OffsetBuffer::from_lengths(kept.values().iter().map(usize::from));
        let filtered = columns.iter().map(|column| keep(column, &kept));
        filtered.map(|column| lists(column?, offsets.clone())).collect()
    }

    fn size(&self) -> usize {
        // The rows, plus what emitting them takes: a copy in group order, and the indices used to make it.
        let chunks = self.chunks.iter();
        size_of_val(self) + chunks.map(|chunk| 2 * chunk.bytes + chunk.entries.len() * PLACES).sum::<usize>()
    }
}

/// Returns the number of bytes of a text.
fn text_bytes(value: &ScalarValue) -> usize {
    value.try_as_str().flatten().map_or(0, str::len)
}

fn lists(items: ArrayRef, offsets: OffsetBuffer<i32>) -> Result<ArrayRef> {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, items, None::<NullBuffer>)?))
}
