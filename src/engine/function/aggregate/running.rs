//! Aggregates whose state is a fixed number of doubles per group.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array},
        compute::{cast, sum},
        datatypes::{DataType, Field, FieldRef, Float64Type, UInt64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{
        Accumulator, EmitTo, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use super::description::AggregateMethod;

/// An aggregate over doubles that skips rows in which any argument is NULL.
#[derive(Debug)]
pub(super) struct RunningAggregate {
    /// The state of a group without rows.
    pub(super) start: &'static [f64],
    /// Adds a row to a state.
    pub(super) add: fn(&mut [f64], &[f64]),
    /// Merges another state into a state.
    pub(super) merge: fn(&mut [f64], &[f64]),
    /// Computes the result; `None` is NULL.
    pub(super) finish: fn(&[f64]) -> Result<Option<f64>>,
}

impl AggregateMethod for RunningAggregate {
    fn may_sort_first(&self) -> bool {
        true
    }

    fn sorts_first(&self, _: &[FieldRef]) -> bool {
        true
    }

    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |at| Arc::new(Field::new(format!("{}[{at}]", call.name), DataType::Float64, true));
        Ok((0..self.start.len()).map(field).collect())
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One {
            add: self.add,
            merge: self.merge,
            finish: self.finish,
            state: self.start.to_vec(),
            result: call.return_field.data_type().clone(),
        }))
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        Ok(Some(Box::new(Many {
            start: self.start,
            add: self.add,
            merge: self.merge,
            finish: self.finish,
            states: Vec::new(),
            result: call.return_field.data_type().clone(),
        })))
    }
}

/// Calls `row` with each row that has no NULL and passes the filter.
fn each_row(
    columns: &[ArrayRef],
    filter: Option<&BooleanArray>,
    mut row: impl FnMut(usize, &[f64]),
) -> Result<()> {
    let columns: Vec<ArrayRef> =
        columns.iter().map(|column| Ok(cast(column, &DataType::Float64)?)).collect::<Result<_>>()?;
    let columns: Vec<&Float64Array> = columns.iter().map(AsArray::as_primitive::<Float64Type>).collect();
    let mut values = vec![0.0; columns.len()];
    for at in 0..columns.first().map_or(0, |column| Array::len(*column)) {
        let passes = filter.is_none_or(|filter| filter.is_valid(at) && filter.value(at));
        if passes && columns.iter().all(|column| column.is_valid(at)) {
            values.iter_mut().zip(&columns).for_each(|(value, column)| *value = column.value(at));
            row(at, &values);
        }
    }
    Ok(())
}

#[derive(Debug)]
struct One {
    add: fn(&mut [f64], &[f64]),
    merge: fn(&mut [f64], &[f64]),
    finish: fn(&[f64]) -> Result<Option<f64>>,
    state: Vec<f64>,
    result: DataType,
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        each_row(values, None, |_, row| (self.add)(&mut self.state, row))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::Float64((self.finish)(&self.state)?).cast_to(&self.result)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.state.iter().map(|value| ScalarValue::Float64(Some(*value))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        each_row(states, None, |_, row| (self.merge)(&mut self.state, row))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.state.capacity() * size_of::<f64>()
    }
}

#[derive(Debug)]
struct Many {
    start: &'static [f64],
    add: fn(&mut [f64], &[f64]),
    merge: fn(&mut [f64], &[f64]),
    finish: fn(&[f64]) -> Result<Option<f64>>,
    /// The states of all groups, concatenated.
    states: Vec<f64>,
    result: DataType,
}

impl Many {
    fn grow(&mut self, groups: usize) {
        while self.states.len() < groups * self.start.len() {
            self.states.extend_from_slice(self.start);
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<f64> {
        match emit_to {
            EmitTo::All => std::mem::take(&mut self.states),
            EmitTo::First(n) => EmitTo::First(n * self.start.len()).take_needed(&mut self.states),
        }
    }

    fn columns(&self, states: &[f64]) -> Vec<ArrayRef> {
        let width = self.start.len();
        let column = |at| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(states.iter().skip(at).step_by(width).copied()))
        };
        (0..width).map(column).collect()
    }
}

impl GroupsAccumulator for Many {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let (width, add) = (self.start.len(), self.add);
        each_row(values, filter, |at, row| {
            let start = group_indices[at] * width;
            add(&mut self.states[start..start + width], row);
        })
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let states = self.take(emit_to);
        let results = states.chunks_exact(self.start.len()).map(self.finish);
        let results: Float64Array = results.collect::<Result<Vec<_>>>()?.into();
        Ok(cast(&results, &self.result)?)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self.take(emit_to);
        Ok(self.columns(&states))
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let (width, merge) = (self.start.len(), self.merge);
        each_row(values, None, |at, row| {
            let start = group_indices[at] * width;
            merge(&mut self.states[start..start + width], row);
        })
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, Array::len);
        let width = self.start.len();
        let mut states = self.start.repeat(rows);
        each_row(values, filter, |at, row| (self.add)(&mut states[at * width..(at + 1) * width], row))?;
        Ok(self.columns(&states))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.states.capacity() * size_of::<f64>()
    }
}

/// The sum or average of one group of doubles.
#[derive(Debug)]
pub(super) struct Floats {
    average: bool,
    sum: f64,
    count: u64,
}

impl Floats {
    pub(super) fn new(average: bool) -> Self {
        Self { average, sum: 0.0, count: 0 }
    }
}

fn valid(values: &Float64Array) -> u64 {
    (values.len() - values.null_count()) as u64
}

fn mean_or_sum(average: bool, sum: f64, count: u64) -> Option<f64> {
    let result = if average { sum / count as f64 } else { sum };
    (count > 0).then_some(result)
}

impl Accumulator for Floats {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Float64Type>();
        self.count += valid(values);
        self.sum += sum(values).unwrap_or(0.0);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(mean_or_sum(self.average, self.sum, self.count)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let total = ScalarValue::Float64((self.count > 0).then_some(self.sum));
        Ok(if self.average { vec![ScalarValue::UInt64(Some(self.count)), total] } else { vec![total] })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let totals = states[states.len() - 1].as_primitive::<Float64Type>();
        self.sum += sum(totals).unwrap_or(0.0);
        self.count += if self.average {
            sum(states[0].as_primitive::<UInt64Type>()).unwrap_or(0)
        } else {
            valid(totals)
        };
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// Sum or average over a moving frame. Retracts rows without leaving rounding errors or infinities behind:
/// the sum of finite values is compensated, and the other values are counted.
#[derive(Debug)]
pub(super) struct MovingFloats {
    average: bool,
    sum: f64,
    lost: f64,
    count: u64,
    /// The numbers of NaN, infinity and -infinity.
    special: [u64; 3],
}

impl MovingFloats {
    pub(super) fn new(average: bool) -> Self {
        Self { average, sum: 0.0, lost: 0.0, count: 0, special: [0; 3] }
    }

    fn special(value: f64) -> Option<usize> {
        if value.is_finite() {
            return None;
        }
        Some(if value.is_nan() { 0 } else { usize::from(value < 0.0) + 1 })
    }

    /// Adds a finite value, and accumulates the rounding error of the addition (Neumaier).
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost +=
            if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }

    fn total(&self) -> f64 {
        match self.special {
            [0, 0, 0] if self.sum.is_finite() => self.sum + self.lost,
            [0, 0, 0] => self.sum,
            [0, _, 0] => f64::INFINITY,
            [0, 0, _] => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }
}

impl Accumulator for MovingFloats {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Float64Type>();
        self.count += valid(values);
        for value in values.iter().flatten() {
            match Self::special(value) {
                Some(kind) => self.special[kind] += 1,
                None => self.add(value),
            }
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<Float64Type>();
        self.count -= valid(values);
        for value in values.iter().flatten() {
            match Self::special(value) {
                Some(kind) => self.special[kind] -= 1,
                None => self.add(-value),
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(mean_or_sum(self.average, self.total(), self.count)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        Err(datafusion::error::DataFusionError::Internal("a window's frame has no partial results".into()))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
