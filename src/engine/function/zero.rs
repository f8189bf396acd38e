//! Equal zeros in sorts by floats and in distinct aggregates: 0.0 and -0.0 are one value, as they already are
//! in comparisons, groups and joins.
//!
//! DataFusion sorts floats by IEEE 754's total order, which distinguishes the zeros: `rank() over (order by
//! x)` counts them as two values (apache/datafusion#22835). The rule below normalizes zeros in sort keys
//! wherever a tie is visible. Remove it once DataFusion treats the zeros as ties.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::{
        ColumnarValue, Expr, ExprSchemable, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
        Signature, SortExpr, Volatility, expr_rewriter::NamePreserver,
    },
    optimizer::AnalyzerRule,
};

use super::value::comparable;

/// Registers the rule.
pub(super) fn install(builder: &mut SessionStateBuilder) {
    builder.analyzer_rules().get_or_insert_default().push(Arc::new(OneZero));
}

#[derive(Debug)]
struct OneZero;

impl AnalyzerRule for OneZero {
    fn name(&self) -> &'static str {
        "one_zero"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Window(ref window) => {
                let schema = Arc::clone(window.input.schema());
                let names = NamePreserver::new(&node);
                node.map_expressions(|expression| {
                    let name = names.save(&expression);
                    let changed = expression.transform_up(|part| windowed(part, &schema))?;
                    Ok(changed.update_data(|expression| name.restore(expression)))
                })
            }
            LogicalPlan::Aggregate(ref aggregate) => {
                let schema = Arc::clone(aggregate.input.schema());
                let names = NamePreserver::new(&node);
                node.map_expressions(|expression| {
                    let name = names.save(&expression);
                    let changed = expression.transform_up(|part| distinct(part, &schema))?;
                    Ok(changed.update_data(|expression| name.restore(expression)))
                })
            }
            LogicalPlan::Sort(mut sort) if sort.expr.len() > 1 => {
                let schema = Arc::clone(sort.input.schema());
                let last = sort.expr.len() - 1;
                let changed = one_zero_each(&mut sort.expr[..last], &schema)?;
                Ok(if changed {
                    Transformed::yes(LogicalPlan::Sort(sort))
                } else {
                    Transformed::no(LogicalPlan::Sort(sort))
                })
            }
            other => Ok(Transformed::no(other)),
        })
        .map(|plan| plan.data)
    }
}

fn windowed(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::WindowFunction(mut window) = part else { return Ok(Transformed::no(part)) };
    let mut changed = one_zero_each(&mut window.params.order_by, schema)?;
    for key in &mut window.params.partition_by {
        changed |= one_zero(key, schema)?;
    }
    let window = Expr::WindowFunction(window);
    Ok(if changed { Transformed::yes(window) } else { Transformed::no(window) })
}

/// Normalizes zeros in the arguments of distinct aggregates, which keep values in a set that distinguishes
/// them.
fn distinct(part: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::AggregateFunction(mut call) = part else { return Ok(Transformed::no(part)) };
    let mut changed = false;
    if call.params.distinct {
        for argument in &mut call.params.args {
            changed |= one_zero(argument, schema)?;
        }
    }
    let call = Expr::AggregateFunction(call);
    Ok(if changed { Transformed::yes(call) } else { Transformed::no(call) })
}

/// Normalizes zeros in float keys, and returns whether there are any such keys.
fn one_zero_each(keys: &mut [SortExpr], schema: &DFSchema) -> Result<bool> {
    let mut changed = false;
    for key in keys {
        changed |= one_zero(&mut key.expr, schema)?;
    }
    Ok(changed)
}

/// Normalizes zeros in a float expression, and returns whether the expression is a float.
fn one_zero(expr: &mut Expr, schema: &DFSchema) -> Result<bool> {
    let own = matches!(&*expr, Expr::ScalarFunction(call) if call.func.name() == NAME);
    if own || !matches!(expr.get_type(schema)?, DataType::Float32 | DataType::Float64) {
        return Ok(false);
    }
    let function = Arc::new(ScalarUDF::new_from_impl(Zeros(Signature::any(1, Volatility::Immutable))));
    *expr = function.call(vec![expr.clone()]);
    Ok(true)
}

/// A name that SQL can't call.
const NAME: &str = "one zero";

/// Returns its argument with normalized zeros.
#[derive(Debug)]
struct Zeros(Signature);

impl PartialEq for Zeros {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Zeros {}

impl Hash for Zeros {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NAME.hash(state);
    }
}

impl ScalarUDFImpl for Zeros {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let column = args.args.into_iter().next().map_or_else(
            || datafusion::common::internal_err!("an argument is missing"),
            |column| column.into_array(rows),
        )?;
        comparable(&column).map(ColumnarValue::Array)
    }
}
