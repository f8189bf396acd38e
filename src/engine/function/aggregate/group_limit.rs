//! Memory limit of aggregates that hold all rows of a group. DataFusion spills the groups when its pool is
//! full, which doesn't help if one group is too large: it would hold all spilled parts of the group at once
//! to merge them, without reserving memory for them. So these aggregates fail first, and name themselves.

use datafusion::{
    arrow::array::{Array, ArrayRef, BooleanArray},
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};

/// The memory that a call may take.
#[derive(Debug, Clone)]
pub(super) struct GroupLimit {
    /// The aggregate.
    name: &'static str,
    /// The bytes for all operators of a session.
    operators: usize,
}

impl GroupLimit {
    pub(super) fn new(name: &'static str, operators: usize) -> Self {
        Self { name, operators }
    }

    fn exceeded(&self, bytes: usize) -> DataFusionError {
        DataFusionError::ResourcesExhausted(format!(
            "`{}` holds the rows of a group together, which take {:.1} MB by now, and memory_limit leaves {:.1} MB to \
             all operators; raise `memory_limit` of the target, or group by more columns",
            self.name,
            bytes as f64 / 1e6,
            self.operators as f64 / 1e6,
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
        if size > self.limit.operators / 16 * 15 { Err(self.limit.exceeded(size)) } else { Ok(()) }
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
    spilled: usize,
}

impl LimitedGroups {
    pub(super) fn new(inner: Box<dyn GroupsAccumulator>, limit: GroupLimit) -> Self {
        Self { inner, limit, spilled: 0 }
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
        let columns = self.inner.state(emit_to)?;
        let groups = columns.first().map_or(0, Array::len).max(1);
        let bytes: usize = columns.iter().map(Array::get_array_memory_size).sum();
        if bytes / groups > self.limit.operators / 64 {
            self.spilled += bytes;
            if self.spilled > self.limit.operators / 2 {
                return Err(self.limit.exceeded(self.spilled));
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
