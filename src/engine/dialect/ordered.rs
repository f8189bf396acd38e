//! Subquery order: carries the order of a subquery's rows to where it is read: LIMIT, `array_agg` and similar
//! aggregates, and `row_number()` without an ORDER BY of their own.
//!
//! ```text
//! Limit                              Limit
//!   Filter x > 1                       Projection t.x
//!     SubqueryAlias t         ──▶        Sort t."$order 0"
//!       Projection x                       Filter x > 1
//!         Sort y                             SubqueryAlias t
//!                                              Projection x, "$order 0"
//!                                                Projection x, y, y as "$order 0"
//! ```
//!
//! DataFusion treats the rows of a subquery as unordered, as standard SQL does. DuckDB and PostgreSQL keep
//! the order until something else changes it, and people rely on that:
//! `with ranked as (… order by x) select * from ranked limit 10`. Each ORDER BY key travels as an extra
//! column through operators that keep every row (projections, filters, aliases) until it is read. Subquery
//! orders that nothing reads are removed.

use std::sync::Arc;

use datafusion::{
    common::{
        Column,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{
        Expr, Limit, LogicalPlan, LogicalPlanBuilder, Projection, SortExpr, SubqueryAlias, WindowFrame,
        WindowFrameUnits, expr::Alias,
    },
};

/// Aggregates whose result depends on row order.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "first",
    "json_agg",
    "json_group_array",
    "json_group_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "last",
    "string_agg",
];

/// Window functions whose result depends on row order with any frame; only the first three have a frame.
const WINDOWS: &[&str] = &["first_value", "last_value", "nth_value", "lag", "lead", "ntile", "row_number"];

/// Moves the orders of subqueries to where they are read, and removes the others.
pub(super) fn settled(plan: LogicalPlan) -> Result<LogicalPlan> {
    settle(plan, true)
}

/// Removes the orders that nothing reads. `is_read` is true if the order of this plan's rows is read.
fn settle(plan: LogicalPlan, is_read: bool) -> Result<LogicalPlan> {
    let plan = plan.map_subqueries(|subquery| settle(subquery, true).map(Transformed::yes))?.data;
    let below = match &plan {
        LogicalPlan::Limit(_) => true,
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Subquery(_) => is_read,
        LogicalPlan::Filter(_) if is_read => {
            if let Some(found) = ordered(&plan)? {
                return found.sorted(plan.schema().columns());
            }
            false
        }
        LogicalPlan::Sort(sort) if !is_read && sort.fetch.is_none() => {
            return settle(sort.input.as_ref().clone(), false);
        }
        LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(reads_order) => {
            if let Some(found) = ordered(&aggregate.input)? {
                let exprs = aggregate.aggr_expr.iter().map(|expr| {
                    if reads_order(expr) { with_order(expr.clone(), &found.keys) } else { expr.clone() }
                });
                let builder = LogicalPlanBuilder::from(found.plan);
                let changed = builder.aggregate(aggregate.group_expr.clone(), exprs)?.build()?;
                return renamed(changed, &plan);
            }
            false
        }
        // All calls in one window node share one order.
        LogicalPlan::Window(window) if window.window_expr.iter().any(reads_order) => {
            if let Some(found) = ordered(&window.input)? {
                let exprs = window.window_expr.iter().map(|expr| with_order(expr.clone(), &found.keys));
                let changed = LogicalPlanBuilder::from(found.plan).window(exprs)?.build()?;
                return renamed(changed, &plan);
            }
            false
        }
        _ => false,
    };
    Ok(plan.map_children(|input| settle(input, below).map(Transformed::yes))?.data)
}

/// Rows with their sort keys as extra columns.
struct Ordered {
    plan: LogicalPlan,
    /// The sort keys.
    keys: Vec<SortExpr>,
}

impl Ordered {
    /// Sorts the rows and projects `columns`.
    fn sorted(self, columns: Vec<Column>) -> Result<LogicalPlan> {
        let sorted = LogicalPlanBuilder::from(self.plan).sort(self.keys)?;
        sorted.project(columns.into_iter().map(Expr::Column))?.build()
    }

    /// Puts the rows under another node, which renames their columns.
    fn under(mut self, plan: LogicalPlan) -> Result<Self> {
        for key in &mut self.keys {
            if let Expr::Column(column) = &mut key.expr {
                *column = Column::from(plan.schema().qualified_field_with_unqualified_name(&column.name)?);
            }
        }
        self.plan = plan;
        Ok(self)
    }
}

/// Returns a plan's rows with their order, or `None` if they have none. Orders below that order are settled.
fn ordered(plan: &LogicalPlan) -> Result<Option<Ordered>> {
    Ok(match plan {
        LogicalPlan::Sort(sort) => {
            let input = settle(sort.input.as_ref().clone(), false)?;
            let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            let mut keys = Vec::new();
            for (number, key) in sort.expr.iter().enumerate() {
                let name = format!("$order {number}");
                let column = Expr::Column(Column::new_unqualified(&name));
                columns.push(Expr::Alias(Alias::new(key.expr.clone(), None::<&str>, name)));
                keys.push(SortExpr::new(column, key.asc, key.nulls_first));
            }
            Some(Ordered { plan: LogicalPlanBuilder::from(input).project(columns)?.build()?, keys })
        }
        LogicalPlan::Projection(projection) => match ordered(&projection.input)? {
            Some(found) => {
                let own = projection.expr.iter().cloned();
                let columns = own.chain(found.keys.iter().map(|key| key.expr.clone())).collect();
                let made = Projection::try_new(columns, Arc::new(found.plan.clone()))?;
                Some(found.under(LogicalPlan::Projection(made))?)
            }
            None => None,
        },
        LogicalPlan::SubqueryAlias(alias) => match ordered(&alias.input)? {
            Some(found) => {
                let made = SubqueryAlias::try_new(Arc::new(found.plan.clone()), alias.alias.clone())?;
                Some(found.under(LogicalPlan::SubqueryAlias(made))?)
            }
            None => None,
        },
        LogicalPlan::Filter(filter) => match ordered(&filter.input)? {
            Some(found) => {
                let mut made = filter.clone();
                made.input = Arc::new(found.plan.clone());
                Some(found.under(LogicalPlan::Filter(made))?)
            }
            None => None,
        },
        LogicalPlan::Limit(limit) => match ordered(&limit.input)? {
            Some(found) => {
                let sorted =
                    LogicalPlanBuilder::from(found.plan.clone()).sort(found.keys.clone())?.build()?;
                let made = Limit { input: Arc::new(sorted), ..limit.clone() };
                Some(found.under(LogicalPlan::Limit(made))?)
            }
            None => None,
        },
        _ => None,
    })
}

/// Returns whether an expression is a call that depends on row order and has no ORDER BY of its own.
fn reads_order(expr: &Expr) -> bool {
    match expr {
        Expr::Alias(alias) => reads_order(&alias.expr),
        Expr::AggregateFunction(call) => {
            let params = &call.params;
            !params.distinct && params.order_by.is_empty() && AGGREGATES.contains(&call.func.name())
        }
        Expr::WindowFunction(call) => {
            let frame = &call.params.window_frame;
            let rows = frame.units == WindowFrameUnits::Rows && !is_whole(frame);
            call.params.order_by.is_empty() && (rows || WINDOWS.contains(&call.fun.name()))
        }
        _ => false,
    }
}

fn is_whole(frame: &WindowFrame) -> bool {
    frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded()
}

fn with_order(expr: Expr, keys: &[SortExpr]) -> Expr {
    match expr {
        Expr::Alias(mut alias) => {
            *alias.expr = with_order(*alias.expr, keys);
            Expr::Alias(alias)
        }
        Expr::AggregateFunction(mut call) => {
            call.params.order_by = keys.to_vec();
            Expr::AggregateFunction(call)
        }
        Expr::WindowFunction(mut call) => {
            // Without an order all rows are peers, and every other kind of frame includes all of them.
            if call.params.window_frame.units != WindowFrameUnits::Rows {
                call.params.window_frame = WindowFrame::new(None);
            }
            call.params.order_by = keys.to_vec();
            Expr::WindowFunction(call)
        }
        other => other,
    }
}

/// Renames a plan's columns like those of another plan. The columns are the same, except for sort keys in
/// between.
fn renamed(plan: LogicalPlan, named: &LogicalPlan) -> Result<LogicalPlan> {
    let is_order = |column: &Column| column.name.starts_with("$order ");
    let own = plan.schema().columns().into_iter().filter(|column| !is_order(column));
    let columns = own.zip(named.schema().columns()).map(|(own, name)| {
        if own == name {
            Expr::Column(own)
        } else {
            Expr::Column(own).alias_qualified(name.relation, name.name)
        }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}
