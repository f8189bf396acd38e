//! Aggregates with DuckDB's names, types and errors.
//!
//! Each aggregate is an [`Aggregate`]: its names, a line of documentation, its argument and result types, and
//! the method that computes it. Each family of aggregates has its own file; `call` adapts them to
//! DataFusion.
//!
//! - `description`: aggregates and their methods
//! - `sum`: exact sums and averages
//! - `running`, `statistic`: a fixed number of doubles per group
//! - `rows`: all rows of a group; `quantile`, `distribution` and `list` evaluate them
//! - `group_limit`: the memory of aggregates that hold all rows of a group
//! - `pick`: one row of a group
//! - `native`: DataFusion's own aggregates, where they agree with DuckDB
//! - `sorted`: ORDER BY within a window call
//! - `recipe`: how rows are prepared, and copies of calls
//! - `sliding`: moving window frames for methods that can't retract rows

pub(super) mod call;
pub(super) mod description;
mod distribution;
mod group_limit;
mod json;
mod list;
mod native;
mod pick;
mod quantile;
mod recipe;
mod rows;
mod running;
mod sliding;
pub(in crate::engine) mod sorted;
mod statistic;
mod sum;
#[cfg(test)]
mod tests;
mod types;

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, new_empty_array},
        buffer::BooleanBuffer,
        compute::cast,
        datatypes::{DataType, Field, FieldRef, Schema},
    },
    common::{ScalarValue, plan_err},
    error::Result,
    execution::SessionStateBuilder,
    functions_aggregate::count::count_udaf,
    logical_expr::{AggregateUDF, EmitTo, Expr, ScalarUDF, function::AccumulatorArgs},
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, Literal},
    },
};

pub(super) use self::description::Aggregate;
use self::{description::Typed, group_limit::GroupMemory};
use crate::engine::memory::Budget;

/// Returns all aggregates, family by family.
pub(super) fn all() -> impl Iterator<Item = &'static Aggregate> {
    [sum::ALL, statistic::ALL, pick::ALL, quantile::ALL, distribution::ALL, list::ALL, json::ALL, native::ALL]
        .into_iter()
        .flatten()
}

/// The DataFusion aggregates to keep; DISTINCT ON is planned as `first_value`.
const KEPT: [&str; 3] = ["count", "grouping", "first_value"];

/// Builds an aggregate that returns the only row's value and fails if there is more than one row.
pub(in crate::engine) fn only_row(value: Expr) -> Expr {
    static ONLY_ROW: LazyLock<Arc<AggregateUDF>> =
        LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(call::AggregateCall::new(&pick::ONLY_ROW))));
    ONLY_ROW.call(vec![value])
}

/// Replaces DataFusion's aggregates with ours. Keeps only those of its own that DuckDB also has; all others
/// become unknown.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    let memory = memory(builder);
    let functions = builder.aggregate_functions().get_or_insert_default();
    functions.retain(|udaf| KEPT.contains(&udaf.name()));
    let limited = |one| call::AggregateCall::new(one).within(memory);
    functions.extend(all().map(|one| Arc::new(AggregateUDF::new_from_impl(limited(one)))));
    builder.scalar_functions().get_or_insert_default().push(Arc::new(ScalarUDF::from(sorted::Sorted::new())));
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(sorted::OrderWithin));
}

/// Returns the memory of a session's operators, if it is limited.
pub(super) fn memory(builder: &mut SessionStateBuilder) -> Option<GroupMemory> {
    let config = builder.config().as_ref()?;
    let operators = Budget::of(config).operators()?;
    Some(GroupMemory { operators, batch_rows: config.batch_size() })
}

/// Looks up an aggregate by name, including DataFusion's `count`.
fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    if name == "count" {
        return Some(count_udaf());
    }
    let found = all().find(|one| one.name == name || one.aliases.contains(&name))?;
    Some(Arc::new(AggregateUDF::new_from_impl(call::AggregateCall::new(found))))
}

/// Looks up an aggregate by name, and resolves the types that its arguments are cast to and its result type.
fn typed(name: &str, types: &[DataType]) -> Result<(Arc<AggregateUDF>, Typed)> {
    let Some(function) = function(name) else {
        return plan_err!("unknown aggregate `{name}`");
    };
    if name == "count" {
        return Ok((function, Typed { arguments: types.to_vec(), result: DataType::Int64 }));
    }
    let arguments = function.coerce_types(types)?;
    let result = function.return_type(&arguments)?;
    Ok((function, Typed { arguments, result }))
}

/// Returns the result type of an aggregate over a list's items and further arguments.
pub(super) fn lists_type(name: &str, types: &[DataType]) -> Result<DataType> {
    Ok(typed(name, types)?.1.result)
}

/// Computes an aggregate over items that belong to groups, in group order. A group may be empty.
pub(super) fn over_lists(
    name: &str,
    items: &ArrayRef,
    constants: &[ScalarValue],
    groups: &[usize],
    number: usize,
) -> Result<ArrayRef> {
    let mut types = vec![items.data_type().clone()];
    types.extend(constants.iter().map(ScalarValue::data_type));
    let (function, signature) = typed(name, &types)?;
    let items = cast(items, &signature.arguments[0])?;
    let schema = Schema::new(vec![Field::new("item", signature.arguments[0].clone(), true)]);
    let mut exprs: Vec<Arc<dyn PhysicalExpr>> = vec![Arc::new(Column::new("item", 0))];
    let mut values = vec![Arc::clone(&items)];
    for (constant, to) in constants.iter().zip(&signature.arguments[1..]) {
        let constant = constant.cast_to(to)?;
        values.push(constant.to_array_of_size(items.len())?);
        exprs.push(Arc::new(Literal::new(constant)));
    }
    let expr_fields: Vec<FieldRef> =
        signature.arguments.iter().map(|of| Arc::new(Field::new("item", of.clone(), true))).collect();
    let call = AccumulatorArgs {
        return_field: Arc::new(Field::new(name, signature.result, true)),
        schema: &schema,
        ignore_nulls: false,
        order_bys: &[],
        is_reversed: false,
        name,
        is_distinct: false,
        exprs: &exprs,
        expr_fields: &expr_fields,
    };
    if function.groups_accumulator_supported(call.clone()) {
        let mut accumulator = function.create_groups_accumulator(call)?;
        // Passing a filter makes the accumulators track groups without items.
        let all = BooleanArray::new(BooleanBuffer::new_set(groups.len()), None);
        accumulator.update_batch(&values, groups, Some(&all), number)?;
        return accumulator.evaluate(EmitTo::All);
    }
    let mut results = Vec::with_capacity(number);
    let mut start = 0;
    for group in 0..number {
        let length = groups[start..].iter().take_while(|of| **of == group).count();
        let mut accumulator = function.accumulator(call.clone())?;
        accumulator
            .update_batch(&values.iter().map(|column| column.slice(start, length)).collect::<Vec<_>>())?;
        results.push(accumulator.evaluate()?);
        start += length;
    }
    if results.is_empty() {
        return Ok(new_empty_array(call.return_field.data_type()));
    }
    ScalarValue::iter_to_array(results)
}
