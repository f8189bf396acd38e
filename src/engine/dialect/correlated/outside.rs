//! The outer columns that a subquery reads.

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{
        Expr, LogicalPlan, Subquery,
        expr::{Exists, InSubquery, SetComparison},
        utils::merge_schema,
    },
    prelude::Column,
};

/// Returns the columns of `outer` that a subquery and its nested subqueries read, each once.
pub(super) fn columns_of(subquery: &LogicalPlan, outer: &DFSchema) -> Vec<Column> {
    let mut found = Vec::new();
    visit(subquery, &mut Vec::new(), &mut |column, hidden| {
        if !hidden.iter().any(|schema| schema.has_column(column))
            && outer.has_column(column)
            && !found.contains(column)
        {
            found.push(column.clone());
        }
    });
    found
}

/// Returns whether an expression contains a subquery that reads columns of `outer`.
pub(super) fn is_correlated(expr: &Expr, outer: &DFSchema) -> bool {
    let correlated = expr.exists(|part| {
        Ok(plan_of(part).is_some_and(|subquery| !columns_of(&subquery.subquery, outer).is_empty()))
    });
    correlated.unwrap_or(false)
}

/// Returns the subquery of an expression, if it has one.
pub(super) fn plan_of(expr: &Expr) -> Option<&Subquery> {
    match expr {
        Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. })
        | Expr::SetComparison(SetComparison { subquery, .. }) => Some(subquery),
        _ => None,
    }
}

/// Calls `found` with each outer column that a plan reads, and the schemas that shadow outer columns there.
fn visit(plan: &LogicalPlan, hidden: &mut Vec<DFSchema>, found: &mut impl FnMut(&Column, &[DFSchema])) {
    for expr in plan.expressions() {
        let visited = expr.apply(|part| {
            if let Expr::OuterReferenceColumn(_, column) = part {
                found(column, hidden);
            } else if let Some(subquery) = plan_of(part) {
                hidden.push(scope(plan));
                visit(&subquery.subquery, hidden, found);
                hidden.pop();
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the visitor never fails");
    }
    if let LogicalPlan::Join(join) = plan
        && is_lateral(&join.right)
    {
        visit(&join.left, hidden, found);
        // A lateral right side resolves names against the left side first.
        hidden.push(join.left.schema().as_ref().clone());
        visit(&join.right, hidden, found);
        hidden.pop();
        return;
    }
    for input in plan.inputs() {
        visit(input, hidden, found);
    }
}

/// Returns whether a side of a join may read the other side.
pub(super) fn is_lateral(side: &LogicalPlan) -> bool {
    match side {
        LogicalPlan::Subquery(_) => true,
        LogicalPlan::SubqueryAlias(alias) => matches!(alias.input.as_ref(), LogicalPlan::Subquery(_)),
        _ => false,
    }
}

/// A mapping from outer columns to the columns that replace them.
pub(super) trait Outside {
    /// Returns the column that replaces an outer column, or `None` if it stays.
    fn column(&self, outside: &Column) -> Option<Column>;
}

/// Outer columns that are now columns of the rows themselves.
pub(super) struct Here<'a>(pub(super) &'a DFSchema);

impl Outside for Here<'_> {
    fn column(&self, outside: &Column) -> Option<Column> {
        self.0.has_column(outside).then(|| outside.clone())
    }
}

/// Replaces the outer columns of a subquery's expression. In nested subqueries, whose outer rows have the
/// schema `scope`, they stay outer columns.
pub(super) fn replaced(expr: Expr, outside: &impl Outside, scope: &DFSchema) -> Result<Expr> {
    let replaced = expr.transform_up(|part| {
        if let Expr::OuterReferenceColumn(_, column) = &part
            && let Some(to) = outside.column(column)
        {
            return Ok(Transformed::yes(Expr::Column(to)));
        }
        with_plan(part, |plan| plan_in(plan, outside, &mut vec![scope.clone()]))
    })?;
    Ok(replaced.data)
}

/// Replaces the outer columns of a lateral subquery with other outer columns.
pub(super) fn replaced_within(
    plan: &LogicalPlan,
    outside: &impl Outside,
    hidden: DFSchema,
) -> Result<LogicalPlan> {
    plan_in(plan.clone(), outside, &mut vec![hidden])
}

/// Changes the plan of an expression's subquery.
fn with_plan(
    expr: Expr,
    mut change: impl FnMut(LogicalPlan) -> Result<LogicalPlan>,
) -> Result<Transformed<Expr>> {
    let mut changed = |subquery: Subquery| -> Result<Subquery> {
        let plan = change(Arc::unwrap_or_clone(subquery.subquery))?;
        let outer_ref_columns = plan.all_out_ref_exprs();
        Ok(Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: subquery.spans })
    };
    Ok(Transformed::yes(match expr {
        Expr::ScalarSubquery(subquery) => Expr::ScalarSubquery(changed(subquery)?),
        Expr::Exists(Exists { subquery, negated }) => {
            Expr::Exists(Exists { subquery: changed(subquery)?, negated })
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Expr::InSubquery(InSubquery { expr, subquery: changed(subquery)?, negated })
        }
        Expr::SetComparison(mut comparison) => {
            comparison.subquery = changed(comparison.subquery)?;
            Expr::SetComparison(comparison)
        }
        other => return Ok(Transformed::no(other)),
    }))
}

fn plan_in(plan: LogicalPlan, outside: &impl Outside, hidden: &mut Vec<DFSchema>) -> Result<LogicalPlan> {
    let scope = scope(&plan);
    let plan = plan.map_expressions(|expr| {
        // The node's own expressions see outer columns as before; those of subqueries see the node's columns
        // first.
        expr.transform_up(|part| {
            if let Expr::OuterReferenceColumn(field, column) = &part
                && !hidden.iter().any(|schema| schema.has_column(column))
                && let Some(to) = outside.column(column)
            {
                return Ok(Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(field), to)));
            }
            with_plan(part, |plan| {
                hidden.push(scope.clone());
                let changed = plan_in(plan, outside, hidden);
                hidden.pop();
                changed
            })
        })
    })?;
    let plan = plan.data;
    if let LogicalPlan::Join(join) = &plan
        && is_lateral(&join.right)
    {
        let mut join = join.clone();
        let left_schema = join.left.schema().as_ref().clone();
        join.left = Arc::new(plan_in(Arc::unwrap_or_clone(join.left), outside, hidden)?);
        hidden.push(left_schema);
        let right = plan_in(Arc::unwrap_or_clone(join.right), outside, hidden);
        hidden.pop();
        join.right = Arc::new(right?);
        return LogicalPlan::Join(join).recompute_schema();
    }
    let plan = plan.map_children(|child| plan_in(child, outside, hidden).map(Transformed::yes))?.data;
    Ok(match plan {
        LogicalPlan::Subquery(mut subquery) => {
            subquery.outer_ref_columns = subquery.subquery.all_out_ref_exprs();
            LogicalPlan::Subquery(subquery)
        }
        other => other,
    })
}

/// Returns the columns that a node's expressions may refer to.
pub(super) fn scope(plan: &LogicalPlan) -> DFSchema {
    merge_schema(&plan.inputs())
}
