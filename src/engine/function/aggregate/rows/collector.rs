//! Collector: gathers the rows of one group.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, new_empty_array},
        buffer::OffsetBuffer,
        compute::{concat, filter as keep},
        datatypes::{DataType, Field, FieldRef},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{
        Accumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use super::super::recipe::Recipe;
use super::{
    array_limit,
    collection::{Collection, Skip, aggregate, bytes, state, values_of},
};
use crate::engine::function::{aggregate::description::AggregateMethod, result_size};

/// Returns the partial-result fields of an aggregate whose rows are deduplicated or sorted first.
pub(in crate::engine::function::aggregate) fn gathered_state(
    call: &StateFieldsArgs<'_>,
    sorted: bool,
) -> Vec<FieldRef> {
    let ordering = if sorted { call.ordering_fields } else { &[] };
    state(call, call.input_fields.iter().chain(ordering))
}

/// Returns an accumulator that deduplicates or sorts a group's rows before aggregating them.
pub(in crate::engine::function::aggregate) fn gathered(
    method: &'static dyn AggregateMethod,
    call: &AccumulatorArgs<'_>,
    distinct: bool,
    sorted: bool,
) -> Result<Collector> {
    let recipe = Recipe::new(method, call);
    let mut types: Vec<DataType> = call.expr_fields.iter().map(|field| field.data_type().clone()).collect();
    let columns = types.len();
    let mut orders = Vec::new();
    for order in call.order_bys.iter().filter(|_| sorted) {
        types.push(order.expr.data_type(call.schema)?);
        orders.push(order.options);
    }
    Ok(Collector::new(Collection {
        name: aggregate(call.name),
        columns,
        types,
        orders,
        skip: Skip::Nothing,
        distinct,
        lists: false,
        result: call.return_field.data_type().clone(),
        finish: Arc::new(move |columns| {
            let mut accumulator = recipe.accumulator()?;
            accumulator.update_batch(columns)?;
            accumulator.evaluate()
        }),
    }))
}

/// Accumulator that holds the rows of one group.
#[derive(Debug)]
pub(in crate::engine::function::aggregate) struct Collector {
    collection: Collection,
    /// One list of chunks per column.
    chunks: Vec<Vec<ArrayRef>>,
}

impl Collector {
    pub(super) fn new(collection: Collection) -> Self {
        Self { chunks: vec![Vec::new(); collection.types.len()], collection }
    }

    fn add(&mut self, columns: Vec<ArrayRef>) {
        if columns.first().is_some_and(|column| !column.is_empty()) {
            self.chunks.iter_mut().zip(columns).for_each(|(chunks, column)| chunks.push(column));
        }
    }

    fn keep(&self, values: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let columns = self.collection.columns_of(values);
        match self.collection.kept(&columns, None)? {
            Some(kept) => columns.iter().map(|one| Ok(keep(one, &kept)?)).collect(),
            None => Ok(columns),
        }
    }

    fn columns(&mut self) -> Result<Vec<ArrayRef>> {
        for (chunks, data_type) in self.chunks.iter_mut().zip(&self.collection.types) {
            let whole = match chunks.as_slice() {
                [] => new_empty_array(data_type),
                [one] => Arc::clone(one),
                many => {
                    let size = |chunk: &ArrayRef| result_size::size(chunk.as_ref()).max(chunk.len());
                    if !data_type.is_primitive() {
                        array_limit::check(&self.collection.name, many.iter().map(size).sum())?;
                    }
                    concat(&many.iter().map(AsRef::as_ref).collect::<Vec<_>>())?
                }
            };
            *chunks = vec![whole];
        }
        Ok(self.chunks.iter().map(|chunks| Arc::clone(&chunks[0])).collect())
    }
}

impl Accumulator for Collector {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns = self.keep(values)?;
        self.add(columns);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        // Frames drop their oldest rows first.
        let gone = self.keep(values)?.first().map_or(0, Array::len);
        let columns = self.columns()?;
        for (chunks, column) in self.chunks.iter_mut().zip(columns) {
            let gone = gone.min(column.len());
            *chunks = vec![column.slice(gone, column.len() - gone)];
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let columns = self.columns()?;
        self.collection.result(columns)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |column: ArrayRef| {
            let field = Arc::new(Field::new_list_field(column.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths([column.len()]);
            Ok(ScalarValue::List(Arc::new(ListArray::try_new(field, offsets, column, None)?)))
        };
        self.columns()?.into_iter().map(list).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns = states.iter().map(|state| values_of(state.as_list::<i32>())).collect();
        self.add(columns);
        Ok(())
    }

    fn size(&self) -> usize {
        // The rows, plus the copy made when they are concatenated.
        size_of_val(self) + 2 * self.chunks.iter().flatten().map(bytes).sum::<usize>()
    }
}
