//! Moving window frames for aggregates that can't retract rows: keeps the frame's rows, and aggregates them
//! again for each row of the window.

use std::{collections::VecDeque, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{FieldRef, Schema},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{Accumulator, function::AccumulatorArgs},
    physical_expr::{PhysicalExpr, PhysicalSortExpr},
};

use super::{description::AggregateMethod, rows};

/// The preparation of rows before a method sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gather {
    pub(super) distinct: bool,
    pub(super) sorted: bool,
}

/// An owned copy of a call's arguments that outlives planning.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    method: &'static dyn AggregateMethod,
    gather: Gather,
    return_field: FieldRef,
    schema: Arc<Schema>,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl Recipe {
    pub(super) fn new(
        method: &'static dyn AggregateMethod,
        call: &AccumulatorArgs<'_>,
        gather: Gather,
    ) -> Self {
        Self {
            method,
            gather,
            return_field: Arc::clone(&call.return_field),
            schema: Arc::new(call.schema.clone()),
            ignore_nulls: call.ignore_nulls,
            order_bys: call.order_bys.to_vec(),
            is_reversed: call.is_reversed,
            name: call.name.to_owned(),
            exprs: call.exprs.to_vec(),
            expr_fields: call.expr_fields.to_vec(),
        }
    }

    /// Returns an empty accumulator.
    pub(super) fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        let call = AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.gather.distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        };
        if self.gather != Gather::default() {
            let Gather { distinct, sorted } = self.gather;
            return Ok(Box::new(rows::gathered(self.method, &call, distinct, sorted)?));
        }
        self.method.accumulator(call)
    }
}

/// The rows of a moving frame.
#[derive(Debug)]
pub(super) struct Sliding {
    recipe: Recipe,
    chunks: VecDeque<Vec<ArrayRef>>,
}

impl Sliding {
    pub(super) fn new(
        method: &'static dyn AggregateMethod,
        call: &AccumulatorArgs<'_>,
        gather: Gather,
    ) -> Self {
        Self { recipe: Recipe::new(method, call, gather), chunks: VecDeque::new() }
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
        let mut accumulator = self.recipe.accumulator()?;
        for chunk in &self.chunks {
            accumulator.update_batch(chunk)?;
        }
        accumulator.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut accumulator = self.recipe.accumulator()?;
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
