//! Moving window frames for aggregates that can't retract rows: keeps the frame's rows, and aggregates them
//! again for each row of the window.

use std::collections::VecDeque;

use datafusion::{
    arrow::array::{Array, ArrayRef},
    common::ScalarValue,
    error::Result,
    logical_expr::{Accumulator, function::AccumulatorArgs},
};

use super::{
    description::AggregateMethod,
    recipe::{Gather, Recipe},
    rows,
};

/// The rows of a moving frame.
#[derive(Debug)]
pub(super) struct Sliding {
    recipe: Recipe,
    gather: Gather,
    chunks: VecDeque<Vec<ArrayRef>>,
}

impl Sliding {
    pub(super) fn new(
        method: &'static dyn AggregateMethod,
        call: &AccumulatorArgs<'_>,
        gather: Gather,
    ) -> Self {
        Self { recipe: Recipe::new(method, call), gather, chunks: VecDeque::new() }
    }

    /// Returns an empty accumulator.
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        if self.gather == Gather::default() {
            return self.recipe.accumulator();
        }
        let Gather { distinct, sorted } = self.gather;
        Ok(Box::new(rows::gathered(self.recipe.method, &self.recipe.call(distinct), distinct, sorted)?))
    }
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.chunks.push_back(values.to_vec());
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        // Frames drop their oldest rows first.
        let mut gone = values.first().map_or(0, Array::len);
        while gone > 0
            && let Some(oldest) = self.chunks.front_mut()
        {
            let rows = oldest.first().map_or(0, Array::len);
            if rows > gone {
                for column in oldest {
                    *column = column.slice(gone, rows - gone);
                }
                break;
            }
            gone -= rows;
            self.chunks.pop_front();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut accumulator = self.accumulator()?;
        for chunk in &self.chunks {
            accumulator.update_batch(chunk)?;
        }
        accumulator.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut accumulator = self.accumulator()?;
        for chunk in &self.chunks {
            accumulator.update_batch(chunk)?;
        }
        accumulator.state()
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        Err(datafusion::error::DataFusionError::Internal("a window's frame has no partial results".into()))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.chunks.iter().flatten().map(Array::get_array_memory_size).sum::<usize>()
    }
}
