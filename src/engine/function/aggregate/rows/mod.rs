//! Aggregates that need all rows of a group at once: medians, lists, modes, and DISTINCT for other
//! aggregates.
//!
//! Rows are collected as columns: first the arguments, then the keys of ORDER BY within the call. A partial
//! result is one list per column.
//!
//! - `collection`: the columns, and the result computed from them
//! - `collector`, `groups`: rows of one group, and of many
//! - `array_limit`: the maximum size of arrays

pub(super) mod array_limit;
mod collection;
mod collector;
mod groups;

use datafusion::{
    arrow::datatypes::FieldRef,
    error::Result,
    logical_expr::{
        Accumulator, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

pub(super) use self::{
    collection::{CallSettings, RowAggregate, Skip, VALUES},
    collector::{gathered, gathered_state},
};
use self::{
    collection::{Collection, state},
    collector::Collector,
    groups::Groups,
};
use super::description::{AggregateMethod, Rewrite};

impl AggregateMethod for RowAggregate {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let ordering = if self.ordered { call.ordering_fields } else { &[] };
        Ok(state(call, call.input_fields.iter().take(self.columns).chain(ordering)))
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Collector::new(Collection::new(self, &call)?)))
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        Ok(Some(Box::new(Groups::new(Collection::new(self, &call)?))))
    }

    fn holds_rows(&self) -> bool {
        true
    }

    fn ordered(&self) -> bool {
        self.ordered
    }

    fn within_group(&self) -> bool {
        self.within_group
    }

    fn own_distinct(&self) -> bool {
        true
    }

    fn rewrite(&self) -> Option<Rewrite> {
        self.rewrite
    }
}
