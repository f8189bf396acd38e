//! Accumulator for the sums of many groups.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, PrimitiveArray},
        buffer::NullBuffer,
        datatypes::{ArrowPrimitiveType, Decimal128Type, Int64Type},
    },
    error::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};

use super::{
    output::{Output, addends},
    total_type::TOTAL,
};

/// The number of values in each group or, for sums, only whether there is any.
#[derive(Debug)]
pub(super) enum RowCounts {
    Each(Vec<i64>),
    /// Every group has a value: no row was NULL or filtered so far.
    All,
    Seen(Vec<bool>),
}

impl RowCounts {
    pub(super) fn new(average: bool) -> Self {
        if average { Self::Each(Vec::new()) } else { Self::All }
    }

    /// Grows to `groups`, of which the first `before` exist already; `partial` if some rows have no value.
    fn grow(&mut self, before: usize, groups: usize, partial: bool) {
        match self {
            Self::Each(counts) => counts.resize(groups, 0),
            Self::All if partial => {
                let mut seen = vec![true; before];
                seen.resize(groups, false);
                *self = Self::Seen(seen);
            }
            Self::All => {}
            Self::Seen(seen) => seen.resize(groups, false),
        }
    }

    /// Removes and returns the counts of the groups to emit, and the mask of groups with a value.
    fn emit(&mut self, emit_to: EmitTo) -> (Vec<i64>, Option<NullBuffer>) {
        match self {
            Self::Each(counts) => {
                let counts = emit_to.take_needed(counts);
                let nulls = counts.iter().map(|count| *count > 0).collect();
                (counts, Some(nulls))
            }
            Self::All => (Vec::new(), None),
            Self::Seen(seen) => (Vec::new(), Some(emit_to.take_needed(seen).into())),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Each(counts) => counts.capacity() * size_of::<i64>(),
            Self::All => 0,
            Self::Seen(seen) => seen.capacity(),
        }
    }
}

/// The sums of many groups.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) output: Output,
    pub(super) sums: Vec<i128>,
    pub(super) counts: RowCounts,
}

impl Totals {
    fn add<T: ArrowPrimitiveType<Native: Into<i128>>>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let before = self.sums.len();
        let partial = filter.is_some() || values.null_count() > 0;
        self.sums.resize(total, 0);
        self.counts.grow(before, total, partial);
        let mut fits = true;
        let Self { sums, counts, .. } = self;
        let mut add = |group: usize, value: T::Native| {
            let (sum, overflows) = sums[group].overflowing_add(value.into());
            sums[group] = sum;
            fits &= !overflows;
            match counts {
                RowCounts::Each(counts) => counts[group] += 1,
                RowCounts::All => {}
                RowCounts::Seen(seen) => seen[group] = true,
            }
        };
        if partial {
            let passes = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            for (row, group) in groups.iter().enumerate() {
                if values.is_valid(row) && passes(row) {
                    add(*group, values.value(row));
                }
            }
        } else {
            groups.iter().zip(values.values()).for_each(|(group, value)| add(*group, *value));
        }
        if fits { Ok(()) } else { Err(self.output.overflow()) }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<i128>, Vec<i64>, Option<NullBuffer>) {
        let totals = emit_to.take_needed(&mut self.sums);
        let (counts, nulls) = self.counts.emit(emit_to);
        (totals, counts, nulls)
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = addends(&values[0])?;
        match values.as_primitive_opt::<Int64Type>() {
            Some(integers) => self.add(integers, group_indices, filter, total_num_groups),
            None => {
                self.add(values.as_primitive::<Decimal128Type>(), group_indices, filter, total_num_groups)
            }
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (totals, counts, nulls) = self.take(emit_to);
        self.output.many(totals, &counts, nulls)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (totals, counts, nulls) = self.take(emit_to);
        let totals: ArrayRef = Arc::new(Decimal128Array::new(totals.into(), nulls).with_data_type(TOTAL));
        Ok(if self.output.average { vec![Arc::new(Int64Array::from(counts)), totals] } else { vec![totals] })
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let totals = values[values.len() - 1].as_primitive::<Decimal128Type>();
        self.add(totals, group_indices, None, total_num_groups)?;
        if let RowCounts::Each(counts) = &mut self.counts {
            // Each partial total was counted as one value.
            let partial = values[0].as_primitive::<Int64Type>();
            for (row, group) in group_indices.iter().enumerate() {
                counts[*group] += partial.value(row) - i64::from(totals.is_valid(row));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = addends(&values[0])?;
        let chosen = filter.map(|filter| {
            NullBuffer::new(match filter.nulls() {
                Some(nulls) => filter.values() & nulls.inner(),
                None => filter.values().clone(),
            })
        });
        let nulls = NullBuffer::union(values.nulls(), chosen.as_ref());
        let totals = match values.as_primitive_opt::<Int64Type>() {
            Some(integers) => integers.values().iter().map(|value| i128::from(*value)).collect(),
            None => values.as_primitive::<Decimal128Type>().values().clone(),
        };
        let counts: Vec<i64> = match &nulls {
            Some(nulls) if self.output.average => nulls.iter().map(i64::from).collect(),
            None if self.output.average => vec![1; values.len()],
            _ => Vec::new(),
        };
        let totals: ArrayRef = Arc::new(Decimal128Array::new(totals, nulls).with_data_type(TOTAL));
        Ok(if self.output.average { vec![Arc::new(Int64Array::from(counts)), totals] } else { vec![totals] })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<i128>() + self.counts.size()
    }
}
