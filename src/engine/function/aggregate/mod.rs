//! Aggregates with DuckDB's names, types and errors.
//!
//! Each aggregate is an [`Aggregate`]: its names, a line of documentation, the types it takes and gives, and
//! a [`Method`] that computes it. A family of aggregates is one file; `call` makes DataFusion's functions of
//! them.
//!
//! - `sum`: exact sums and averages
//! - `running`, `statistic`: a fixed number of doubles a group
//! - `rows`: all rows of a group; `quantile`, `distribution` and `list` evaluate them
//! - `pick`: one row of a group
//! - `native`: DataFusion's own where they agree with DuckDB
//! - `sorted`: ORDER BY within a call over a window
//! - `sliding`: moving window frames for methods that can't take a row back

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

/// One aggregate.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// The name that columns are named by.
    pub(super) name: &'static str,
    /// Other names.
    pub(super) aliases: &'static [&'static str],
    /// How it is written, such as `arg_max(arg, val)`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) usage: &'static str,
    /// One sentence for the function reference.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) doc: &'static str,
    /// The types that arguments are cast to, and the type of the result.
    types: fn(&Given<'_>) -> Result<Typed>,
    method: &'static dyn Method,
}

/// The arguments that a call is given.
pub(super) struct Given<'a> {
    name: &'a str,
    types: &'a [DataType],
}

/// The types of a call.
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
    /// The error of arguments that no variant of the function takes.
    fn refuse<T>(&self) -> Result<T> {
        let given: Vec<String> = self.types.iter().map(type_name).collect();
        plan_err!("`{}` takes no ({}): cast the arguments", self.name, given.join(", "))
    }

    /// The number of arguments, which must be one of `counts`.
    fn expect(&self, counts: std::ops::RangeInclusive<usize>) -> Result<&[DataType]> {
        if counts.contains(&self.types.len()) { Ok(self.types) } else { self.refuse() }
    }
}

/// Writes a call as another expression of the same type, or returns it as it is.
type Rewrite = fn(AggregateFunction, &SimplifyContext) -> Result<Expr>;

/// How an aggregate is computed.
trait Method: std::fmt::Debug + Send + Sync {
    /// The fields of a partial result.
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>>;

    /// Computes one group.
    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>;

    /// Computes many groups at once, if the method can.
    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        let _ = call;
        Ok(None)
    }

    /// Computes moving frames, if the method has a way of its own.
    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        let _ = call;
        None
    }

    /// Returns whether its accumulators may take rows back, if they say that they can.
    fn retracts(&self) -> bool {
        true
    }

    /// Returns whether ORDER BY within the call changes the result.
    fn ordered(&self) -> bool {
        false
    }

    /// Returns whether the order of rows changes the result for these arguments, so that ORDER BY within the
    /// call sorts them before the method sees them.
    fn sorts_first(&self, arguments: &[FieldRef]) -> bool {
        let _ = arguments;
        false
    }

    /// Returns whether [`sorts_first`](Self::sorts_first) may say so for some arguments.
    fn may_sort_first(&self) -> bool {
        false
    }

    /// Returns whether `WITHIN GROUP (ORDER BY …)` is allowed.
    fn within_group(&self) -> bool {
        false
    }

    /// Returns whether DISTINCT is the method's own affair; otherwise its rows are made distinct first.
    fn own_distinct(&self) -> bool {
        false
    }

    /// The same as an expression that DataFusion computes faster.
    fn rewrite(&self) -> Option<Rewrite> {
        None
    }
}

/// All aggregates, by family.
pub(super) fn all() -> impl Iterator<Item = &'static Aggregate> {
    [sum::ALL, statistic::ALL, pick::ALL, quantile::ALL, distribution::ALL, list::ALL, json::ALL, native::ALL]
        .into_iter()
        .flatten()
}

/// DataFusion's own aggregates that stay; it computes DISTINCT ON by `first_value`.
const KEPT: [&str; 3] = ["count", "grouping", "first_value"];

/// The value of the only row, an error if there are more.
pub(in crate::engine) fn only_row(value: Expr) -> Expr {
    static ONLY_ROW: LazyLock<Arc<AggregateUDF>> =
        LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(call::Call::new(&pick::ONLY_ROW))));
    ONLY_ROW.call(vec![value])
}

/// Replaces DataFusion's aggregates by ours. Of its own stay those that DuckDB has: others are unknown there.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    let functions = builder.aggregate_functions().get_or_insert_default();
    functions.retain(|udaf| KEPT.contains(&udaf.name()));
    functions.extend(all().map(|one| Arc::new(AggregateUDF::new_from_impl(call::Call::new(one)))));
    builder.scalar_functions().get_or_insert_default().push(Arc::new(ScalarUDF::from(sorted::Sorted::new())));
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(sorted::OrderWithin));
}

/// The function of this name, DataFusion's `count` included.
fn function(name: &str) -> Option<Arc<AggregateUDF>> {
    if name == "count" {
        return Some(count_udaf());
    }
    let found = all().find(|one| one.name == name || one.aliases.contains(&name))?;
    Some(Arc::new(AggregateUDF::new_from_impl(call::Call::new(found))))
}

/// The types that arguments of the aggregate of this name are cast to, and the type of its result.
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

/// The type of an aggregate over the items of a list, and further arguments.
pub(super) fn lists_type(name: &str, types: &[DataType]) -> Result<DataType> {
    Ok(typed(name, types)?.1.result)
}

/// Computes an aggregate over items that belong to groups, in the groups' order; a group may have no item.
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
        // With a filter the accumulators keep track of groups without items.
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
