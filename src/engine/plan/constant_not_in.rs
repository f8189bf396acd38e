//! A guard against wrong results. DataFusion 55.2 plans `x not in (select y …)` as a null-aware join, and
//! pushes parts of the join condition on one side's columns below the join (`push_down_filter`). Once `x` is
//! simplified to a literal, that is the whole condition, and the remaining join ignores NULLs: `coalesce(42,
//! x) not in (select null)` is then true.
//!
//! For a literal, NOT EXISTS is equivalent. Delete this module once null-aware joins keep their condition.

use std::sync::Arc;

use datafusion::{
    common::tree_node::Transformed,
    error::Result,
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, Subquery,
        expr::{Exists, InSubquery},
        utils::{conjunction, split_conjunction_owned},
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// Rewrites NOT IN of a literal to NOT EXISTS. Runs right before the rule that turns NOT IN into joins.
#[derive(Debug)]
pub(crate) struct ConstantNotIn;

impl OptimizerRule for ConstantNotIn {
    fn name(&self) -> &'static str {
        "constant_not_in"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(mut filter) = plan else { return Ok(Transformed::no(plan)) };
        let mut changed = false;
        let conditions = split_conjunction_owned(filter.predicate.clone()).into_iter().map(|condition| {
            let asked = by_exists(&condition)?;
            changed |= asked.is_some();
            Ok(asked.unwrap_or(condition))
        });
        let conditions = conditions.collect::<Result<Vec<Expr>>>()?;
        if !changed {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        filter.predicate = conjunction(conditions).unwrap_or(filter.predicate);
        Ok(Transformed::yes(LogicalPlan::Filter(filter)))
    }
}

/// Returns the condition that no row of the subquery is, or may be, the literal; `None` if the condition
/// isn't NOT IN of a literal.
fn by_exists(condition: &Expr) -> Result<Option<Expr>> {
    let Expr::InSubquery(InSubquery { expr, subquery, negated: true }) = condition else { return Ok(None) };
    if !matches!(expr.as_ref(), Expr::Literal(..)) {
        return Ok(None);
    }
    let Some(key) = subquery.subquery.schema().columns().into_iter().next() else { return Ok(None) };
    let equal = Expr::Column(key).eq(expr.as_ref().clone());
    let may_be = Expr::IsNotFalse(Box::new(equal));
    let rows = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone()).filter(may_be)?.build()?;
    let subquery = Subquery { subquery: Arc::new(rows), ..subquery.clone() };
    Ok(Some(Expr::Exists(Exists { subquery, negated: true })))
}
