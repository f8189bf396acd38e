//! Aggregates with DuckDB's names, types and errors.
//!
//! Each aggregate is an [`Aggregate`]: its names, a line of documentation, its argument and result types, and
//! the [`Method`] that computes it. Each family of aggregates has its own file; `call` adapts them to
//! DataFusion.
//!
//! - `sum`: exact sums and averages
//! - `running`, `statistic`: a fixed number of doubles per group
//! - `rows`: all rows of a group; `quantile`, `distribution` and `list` evaluate them
//! - `pick`: one row of a group
//! - `native`: DataFusion's own aggregates, where they agree with DuckDB
//! - `sorted`: ORDER BY within a window call
//! - `sliding`: moving window frames for methods that can't retract rows

mod call;
mod distribution;
mod json;
mod list;
mod native;
mod pick;
pub(super) mod postgres;
mod quantile;
mod rows;
mod running;
mod sliding;
mod sorted;
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
    logical_expr::{
        Accumulator, AggregateUDF, EmitTo, Expr, GroupsAccumulator, ScalarUDF,
        expr::AggregateFunction,
        function::{AccumulatorArgs, StateFieldsArgs},
        simplify::SimplifyContext,
    },
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, Literal},
    },
};

use super::kind::type_name;

/// An aggregate function.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// The primary name, which result columns are named after.
    pub(super) name: &'static str,
    /// The aliases.
    pub(super) aliases: &'static [&'static str],
    /// The call syntax, such as `arg_max(arg, val)`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) usage: &'static str,
    /// One sentence for the function reference.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) doc: &'static str,
    /// Returns the types that the arguments are cast to, and the result type.
    types: fn(&Given<'_>) -> Result<Typed>,
    method: &'static dyn Method,
}

/// The arguments of a call.
pub(super) struct Given<'a> {
    name: &'a str,
    types: &'a [DataType],
}

/// The argument and result types of a call.
struct Typed {
    arguments: Vec<DataType>,
    result: DataType,
}

impl Typed {
    #[expect(clippy::unnecessary_wraps, reason = "it ends most functions that return types")]
    fn new(arguments: impl Into<Vec<DataType>>, result: DataType) -> Result<Self> {
        Ok(Self { arguments: arguments.into(), result })
    }
}

impl Given<'_> {
    /// Returns the error for arguments that match no overload.
    fn refuse<T>(&self) -> Result<T> {
        let given: Vec<String> = self.types.iter().map(type_name).collect();
        plan_err!("`{}` takes no ({}): cast the arguments", self.name, given.join(", "))
    }

    /// Returns the argument types if their number is in `counts`, or an error.
    fn expect(&self, counts: std::ops::RangeInclusive<usize>) -> Result<&[DataType]> {
        if counts.contains(&self.types.len()) { Ok(self.types) } else { self.refuse() }
    }
}

/// Rewrites a call as an equivalent expression of the same type, or returns it unchanged.
type Rewrite = fn(AggregateFunction, &SimplifyContext) -> Result<Expr>;

/// An algorithm that computes an aggregate.
trait Method: std::fmt::Debug + Send + Sync {
    /// Returns the fields of a partial result.
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>>;

    /// Returns an accumulator for one group.
    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>;

    /// Returns an accumulator for many groups, or `None` if the method has none.
    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        let _ = call;
        Ok(None)
    }

    /// Returns an accumulator for moving frames, or `None` if the method has none of its own.
    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        let _ = call;
        None
    }

    /// Returns whether the accumulators may retract rows, provided that they support it.
    fn retracts(&self) -> bool {
        true
    }

    /// Returns whether ORDER BY within the call changes the result.
    fn ordered(&self) -> bool {
        false
    }

    /// Returns whether row order changes the result for these arguments. If so, ORDER BY within the call
    /// sorts the rows before the method sees them.
    fn sorts_first(&self, arguments: &[FieldRef]) -> bool {
        let _ = arguments;
        false
    }

    /// Returns whether [`sorts_first`](Self::sorts_first) can be true for any arguments.
    fn may_sort_first(&self) -> bool {
        false
    }

    /// Returns whether `WITHIN GROUP (ORDER BY …)` is allowed.
    fn within_group(&self) -> bool {
        false
    }

    /// Returns whether the method handles DISTINCT itself; otherwise rows are deduplicated first.
    fn own_distinct(&self) -> bool {
        false
    }

    /// Returns a rewrite to an expression that DataFusion computes faster.
    fn rewrite(&self) -> Option<Rewrite> {
        None
    }
}

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
        LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(call::Call::new(&pick::ONLY_ROW))));
    ONLY_ROW.call(vec![value])
}

/// Replaces DataFusion's aggregates with ours. Keeps only those of its own that DuckDB also has; all others
/// become unknown.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    let functions = builder.aggregate_functions().get_or_insert_default();
    functions.retain(|udaf| KEPT.contains(&udaf.name()));
    functions.extend(all().map(|one| Arc::new(AggregateUDF::new_from_impl(call::Call::new(one)))));
    builder.scalar_functions().get_or_insert_default().push(Arc::new(ScalarUDF::from(sorted::Sorted::new())));
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(sorted::OrderWithin));
}

/// Looks up an aggregate by name, including DataFusion's `count`.
fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    if name == "count" {
        return Some(count_udaf());
    }
    let found = all().find(|one| one.name == name || one.aliases.contains(&name))?;
    Some(Arc::new(AggregateUDF::new_from_impl(call::Call::new(found))))
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
