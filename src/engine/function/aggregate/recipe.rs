//! The preparation of an aggregate's rows, and copies of its calls.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{FieldRef, Schema},
    error::Result,
    logical_expr::{Accumulator, function::AccumulatorArgs},
    physical_expr::{PhysicalExpr, PhysicalSortExpr},
};

use super::description::AggregateMethod;

/// The preparation of rows before a method sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Gather {
    pub(super) distinct: bool,
    pub(super) sorted: bool,
}

/// An owned copy of a call's arguments that outlives planning.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) method: &'static dyn AggregateMethod,
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
    pub(super) fn new(method: &'static dyn AggregateMethod, call: &AccumulatorArgs<'_>) -> Self {
        Self {
            method,
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

    /// Returns the arguments of the call.
    pub(super) fn call(&self, is_distinct: bool) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        }
    }

    /// Returns an empty accumulator that sees the rows as they are.
    pub(super) fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.method.accumulator(self.call(false))
    }
}
