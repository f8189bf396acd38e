//! Stable columns, which have the same values each time a plan is read. The outer rows of a domain are read
//! twice: once to build the domain, and once for the join back.

use std::collections::HashSet;

use datafusion::{
    common::{DFSchema, tree_node::TreeNode},
    logical_expr::{
        Aggregate, Expr, LogicalPlan, WindowFunctionDefinition,
        expr::{AggregateFunction, GroupingSet},
    },
    prelude::Column,
};

/// Aggregates whose result doesn't depend on row order.
const ORDERLESS: [&str; 12] = [
    "count",
    "count_star",
    "count_if",
    "min",
    "max",
    "sum",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "bit_xor",
    "grouping",
];

/// Window functions whose result is the same for every order that the window allows.
const ORDERLESS_WINDOWS: [&str; 4] = ["rank", "dense_rank", "percent_rank", "cume_dist"];

/// Returns whether these columns of a plan have the same values each time it is read.
pub(super) fn are_settled(plan: &LogicalPlan, columns: &[Column]) -> bool {
    unsettled(plan).is_some_and(|unsettled| columns.iter().all(|column| !unsettled.contains(column)))
}

/// Returns the grouping keys of an aggregate, including those of its grouping sets.
fn keys_of(aggregate: &Aggregate) -> Vec<&Expr> {
    let keys = aggregate.group_expr.iter().flat_map(|expr| match expr {
        Expr::GroupingSet(GroupingSet::Cube(exprs) | GroupingSet::Rollup(exprs)) => exprs.iter().collect(),
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().flatten().collect::<Vec<_>>(),
        expr => vec![expr],
    });
    keys.collect()
}

/// Returns the columns whose values may differ between reads, or `None` if the rows themselves may differ.
fn unsettled(plan: &LogicalPlan) -> Option<HashSet<Column>> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => Some(HashSet::new()),
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => Some(HashSet::new()),
        LogicalPlan::Subquery(subquery) => unsettled(&subquery.subquery),
        LogicalPlan::SubqueryAlias(alias) => {
            let below = unsettled(&alias.input)?;
            Some(by_position(alias.input.schema(), plan.schema(), &below))
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => unsettled(&sort.input),
        LogicalPlan::Filter(filter) => {
            let below = unsettled(&filter.input)?;
            is_settled(&filter.predicate, &below).then_some(below)
        }
        LogicalPlan::Projection(projection) => {
            let below = unsettled(&projection.input)?;
            Some(made(plan.schema(), 0, &projection.expr, |expr| is_settled(expr, &below)))
        }
        LogicalPlan::Distinct(datafusion::logical_expr::Distinct::All(input)) => {
            unsettled(input).filter(HashSet::is_empty)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let below = unsettled(&aggregate.input)?;
            if !keys_of(aggregate).into_iter().all(|expr| is_settled(expr, &below)) {
                return None;
            }
            let first = plan.schema().fields().len() - aggregate.aggr_expr.len();
            Some(made(plan.schema(), first, &aggregate.aggr_expr, |expr| {
                let schema = aggregate.input.schema();
                is_settled(expr, &below) && is_orderless(expr, schema)
            }))
        }
        LogicalPlan::Window(window) => {
            let mut below = unsettled(&window.input)?;
            let first = window.input.schema().fields().len();
            let more = made(plan.schema(), first, &window.window_expr, |expr| {
                let schema = window.input.schema();
                is_settled(expr, &below) && is_orderless(expr, schema)
            });
            below.extend(more);
            Some(below)
        }
        LogicalPlan::Join(join) => {
            let mut below = unsettled(&join.left)?;
            below.extend(unsettled(&join.right)?);
            let keys = join.on.iter().flat_map(|(left, right)| [left, right]);
            let settled = keys.chain(&join.filter).all(|expr| is_settled(expr, &below));
            settled.then_some(below)
        }
        LogicalPlan::Union(union) => {
            let mut found = HashSet::new();
            for input in &union.inputs {
                found.extend(by_position(input.schema(), plan.schema(), &unsettled(input)?));
            }
            Some(found)
        }
        LogicalPlan::Unnest(unnest) => unsettled(&unnest.input).filter(HashSet::is_empty),
        _ => None,
    }
}

/// Maps columns to those at the same positions in another schema.
fn by_position(from: &DFSchema, to: &DFSchema, columns: &HashSet<Column>) -> HashSet<Column> {
    let all = from.columns().into_iter().zip(to.columns());
    all.filter(|(from, _)| columns.contains(from)).map(|(_, to)| to).collect()
}

/// Returns the columns of a schema, starting at `first`, whose expressions aren't stable.
fn made(schema: &DFSchema, first: usize, exprs: &[Expr], settled: impl Fn(&Expr) -> bool) -> HashSet<Column> {
    let columns = schema.columns().into_iter().skip(first).zip(exprs);
    columns.filter(|(_, expr)| !settled(expr)).map(|(column, _)| column).collect()
}

fn is_settled(expr: &Expr, unsettled_columns: &HashSet<Column>) -> bool {
    let other = expr.exists(|part| {
        Ok(match part {
            Expr::Column(column) | Expr::OuterReferenceColumn(_, column) => {
                unsettled_columns.contains(column)
            }
            part => match super::outside::plan_of(part) {
                Some(subquery) => unsettled(&subquery.subquery).is_none_or(|columns| !columns.is_empty()),
                None => part.is_volatile_node(),
            },
        })
    });
    !other.unwrap_or(true)
}

/// Returns whether an aggregate or a window function has the same result for every order of its rows.
fn is_orderless(expr: &Expr, schema: &DFSchema) -> bool {
    use datafusion::logical_expr::ExprSchemable;
    let orderless = |name: &str| ORDERLESS.contains(&name);
    // A sum of doubles depends on the order of its terms.
    let exact = |name: &str, args: &[Expr]| {
        name != "sum" || args.iter().all(|arg| arg.get_type(schema).is_ok_and(|of| !of.is_floating()))
    };
    let other = expr.exists(|part| {
        Ok(match part {
            Expr::AggregateFunction(AggregateFunction { func, params }) => {
                !(orderless(func.name()) && exact(func.name(), &params.args))
            }
            Expr::WindowFunction(window) => match &window.fun {
                WindowFunctionDefinition::AggregateUDF(func) => {
                    let rows =
                        window.params.window_frame.units == datafusion::logical_expr::WindowFrameUnits::Rows;
                    rows || !(orderless(func.name()) && exact(func.name(), &window.params.args))
                }
                WindowFunctionDefinition::WindowUDF(func) => !ORDERLESS_WINDOWS.contains(&func.name()),
            },
            _ => false,
        })
    });
    !other.unwrap_or(true)
}
