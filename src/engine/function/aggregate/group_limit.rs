//! Memory limit of aggregates that hold all rows of a group. DataFusion spills the groups when its pool is
//! full, which doesn't help if one group is too large: it would hold all spilled parts of the group at once
//! to merge them, without reserving memory for them. So these aggregates fail first, and name themselves.

use datafusion::{
    arrow::array::{Array, ArrayRef, BooleanArray},
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};

/// The memory of a session's operators.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::function) struct GroupMemory {
    /// The bytes for all operators.
    pub(super) operators: usize,
    /// The number of rows in a batch.
    pub(super) batch_rows: usize,
}

/// The memory that a call may take.
#[derive(Debug, Clone)]
pub(super) struct GroupLimit {
    /// The aggregate.
    name: &'static str,
    memory: GroupMemory,
}

impl GroupLimit {
    pub(super) fn new(name: &'static str, memory: GroupMemory) -> Self {
        Self { name, memory }
    }

    fn exceeded(&self, bytes: usize) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "`{}` holds the rows of a group together, which take {:.1} MB by now, and memory_limit leaves {:.1} MB to \
             all operators; raise `memory_limit` of the target, or group by more columns",
            self.name,
            bytes as f64 / 1e6,
            self.memory.operators as f64 / 1e6,
        ))
    }
}

/// An accumulator of one group that fails before the pool is full.
#[derive(Debug)]
pub(super) struct LimitedGroup {
    pub(super) inner: Box<dyn Accumulator>,
    pub(super) limit: GroupLimit,
}

impl LimitedGroup {
    fn checked(&self) -> Result<()> {
        let size = self.inner.size();
        // The pool's own error, at its size, doesn't name the aggregate.
        if size > self.limit.memory.operators / 16 * 15 { Err(self.limit.exceeded(size)) } else { Ok(()) }
    }
}

impl Accumulator for LimitedGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(values)?;
        self.checked()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.inner.evaluate()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)?;
        self.checked()
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

/// An accumulator of many groups that fails if large ones are spilled again and again.
pub(super) struct LimitedGroups {
    inner: Box<dyn GroupsAccumulator>,
    limit: GroupLimit,
    /// The bytes of partial results with large groups so far.
    large: usize,
    /// All partial results so far.
    spilled: Spilled,
}

/// Partial results that will be merged.
#[derive(Debug, Default)]
struct Spilled {
    /// The number of times.
    times: usize,
    /// The groups, counted each time.
    groups: usize,
    /// The bytes that they took in the accumulator.
    bytes: usize,
}

impl Spilled {
    /// Returns the bytes that one batch of the merged rows takes in an accumulator, if it holds the rows of
    /// more spills than an accumulator can. All states of these groups are then in memory at once.
    fn held(&self, batch_rows: usize) -> Option<usize> {
        let groups = self.groups.max(1);
        let merged = groups.min(batch_rows);
        // More than 2½ times.
        (self.times.saturating_mul(merged) > groups.saturating_mul(5) / 2)
            .then(|| (self.bytes / groups).saturating_mul(merged))
    }
}

impl LimitedGroups {
    pub(super) fn new(inner: Box<dyn GroupsAccumulator>, limit: GroupLimit) -> Self {
        Self { inner, limit, large: 0, spilled: Spilled::default() }
    }
}

impl GroupsAccumulator for LimitedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.inner.update_batch(values, group_indices, filter, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.inner.evaluate(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let GroupMemory { operators, batch_rows } = self.limit.memory;
        let accumulated = matches!(emit_to, EmitTo::All).then(|| self.inner.size());
        let columns = self.inner.state(emit_to)?;
        let groups = columns.first().map_or(0, Array::len);
        let bytes: usize = columns.iter().map(Array::get_array_memory_size).sum();
        self.spilled.times += 1;
        self.spilled.groups += groups;
        self.spilled.bytes += accumulated.unwrap_or(bytes);
        if let Some(held) = self.spilled.held(batch_rows).filter(|held| *held > operators) {
            return Err(self.limit.exceeded(held));
        }
        if bytes / groups.max(1) > operators / 64 {
            self.large += bytes;
            if self.large > operators / 2 {
                return Err(self.limit.exceeded(self.large));
            }
        }
        Ok(columns)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.inner.merge_batch(values, group_indices, total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spills_are_held_at_once_if_their_groups_fit_into_one_batch() {
        let spilled = |times, groups, bytes| Spilled { times, groups: times * groups, bytes: times * bytes };
        assert_eq!(spilled(3, 10, 500).held(2048), Some(1_500));
        assert_eq!(spilled(2, 10, 50).held(2048), None);
        // A batch holds a part of the groups.
        assert_eq!(spilled(20, 1_000, 50).held(2048), None);
        assert_eq!(spilled(1_000, 100_000, 50).held(2048), None);
        assert_eq!(spilled(20, 512, 5_120).held(2048), Some(20_480));
    }
}
