//! Lateral joins: FROM items that read earlier ones, and ON conditions with subqueries.

use std::sync::Arc;

use datafusion::{
    common::{DFSchema, JoinType, tree_node::TreeNode},
    error::Result,
    logical_expr::{
        Expr, Filter, Join, LogicalPlan, LogicalPlanBuilder, SubqueryAlias,
        utils::{conjunction, split_conjunction_owned},
    },
};

use super::{
    Joined,
    domain::{self, Domain},
    fault::refused,
    only,
    outside::{columns_of, is_correlated, is_lateral, plan_of},
};

impl Joined {
    /// Rewrites a join so that its right side doesn't read the left one, and its condition has no correlated
    /// subquery.
    pub(super) fn join(&mut self, join: Join) -> Result<LogicalPlan> {
        // A lateral item may also be nested deeper: `from a, b join lateral (select a.x) on true`.
        if is_lateral(&join.right) || !columns_of(&join.right, join.left.schema()).is_empty() {
            return self.lateral(&join);
        }
        let schema = join.left.schema().join(join.right.schema())?;
        let correlated = |expr: &Expr| is_correlated(expr, &schema);
        if !join.on.iter().any(|(left, right)| correlated(left) || correlated(right))
            && !join.filter.as_ref().is_some_and(correlated)
        {
            return Ok(LogicalPlan::Join(join));
        }
        let own = Arc::clone(&join.schema);
        let keys = join.on.clone().into_iter().map(|(left, right)| left.eq(right));
        let conditions: Vec<Expr> =
            keys.chain(join.filter.clone().into_iter().flat_map(split_conjunction_owned)).collect();
        let Join { left, right, join_type, .. } = join;
        let (left, right) = (Arc::unwrap_or_clone(left), Arc::unwrap_or_clone(right));
        if join_type == JoinType::Inner {
            let (with, without): (Vec<_>, Vec<_>) = conditions.into_iter().partition(correlated);
            let joined = domain::join(left, right, join_type, conjunction(without))?;
            let Some(condition) = conjunction(with) else { return Ok(joined) };
            return self.node(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(joined))?));
        }
        let (mut left, mut right) = (left, right);
        let mut kept = Vec::new();
        for condition in conditions {
            let (for_left, for_right) =
                (only_of(&condition, left.schema()), only_of(&condition, right.schema()));
            let condition = match (correlated(&condition), for_left, for_right) {
                (false, ..) => condition,
                (true, true, _) => {
                    let (more, condition) = self.attach(left, condition)?;
                    left = more;
                    condition
                }
                (true, _, true) => {
                    let (more, condition) = self.attach(right, condition)?;
                    right = more;
                    condition
                }
                (true, false, false) => {
                    return Err(refused(
                        "a subquery in ON of an outer join reads columns of both sides",
                        "compute it in a subquery of one side, or join that side first",
                    ));
                }
            };
            kept.push(condition);
        }
        only(&own, domain::join(left, right, join_type, conjunction(kept))?)
    }

    /// Plans a join whose right side is computed for each left row.
    fn lateral(&mut self, join: &Join) -> Result<LogicalPlan> {
        let subquery = match join.right.as_ref() {
            LogicalPlan::Subquery(subquery) => subquery.subquery.as_ref().clone(),
            LogicalPlan::SubqueryAlias(alias) => {
                let input = match alias.input.as_ref() {
                    LogicalPlan::Subquery(subquery) => Arc::clone(&subquery.subquery),
                    _ => Arc::clone(&alias.input),
                };
                LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, alias.alias.clone())?)
            }
            other => other.clone(),
        };
        let left = join.left.as_ref().clone();
        let keys = join.on.iter().map(|(left, right)| left.clone().eq(right.clone()));
        let condition = conjunction(keys.chain(join.filter.clone()));
        if columns_of(&subquery, left.schema()).is_empty() {
            let plain = domain::join(left, subquery, join.join_type, condition)?;
            return self.node(plain);
        }
        if !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
            return Err(refused(
                "a FROM item that reads earlier ones can't be on the right of a RIGHT or FULL JOIN",
                "use JOIN or LEFT JOIN",
            ));
        }
        let number = self.next();
        let own = Arc::clone(&join.schema);
        if join.join_type == JoinType::Inner && keeps_rows(&subquery) {
            let domain = Domain::of_all(&left, number)?;
            let found = self.carried(&subquery, &domain)?;
            let columns = left.schema().columns().into_iter().zip(domain.columns());
            let lefts = columns.map(|(column, key)| key.alias_qualified(column.relation, column.name));
            let rights = subquery.schema().columns().into_iter().map(Expr::Column);
            let exprs: Vec<Expr> = lefts.chain(rights).collect();
            let rows = LogicalPlanBuilder::from(found).project(exprs)?.build()?;
            let Some(condition) = condition else { return Ok(rows) };
            return self.node(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(rows))?));
        }
        let domain = Domain::of(&left, &subquery, number)?;
        let found = self.carried(&subquery, &domain)?;
        let (found, equal) = domain.keyed_whole(found)?;
        let condition = conjunction(equal.into_iter().chain(condition));
        only(&own, self.join_plan(left, found, join.join_type, condition)?)
    }

    fn join_plan(
        &mut self,
        left: LogicalPlan,
        right: LogicalPlan,
        join_type: JoinType,
        condition: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let joined = domain::join(left, right, join_type, condition)?;
        self.node(joined)
    }
}

/// Returns whether an expression and its subqueries read only columns of this schema.
fn only_of(expr: &Expr, schema: &DFSchema) -> bool {
    let other = expr.exists(|part| {
        Ok(match part {
            Expr::Column(column) => !schema.has_column(column),
            part => plan_of(part).is_some_and(|subquery| {
                subquery.outer_ref_columns.iter().any(|column| {
                    matches!(column, Expr::OuterReferenceColumn(_, column) if !schema.has_column(column))
                })
            }),
        })
    });
    !other.unwrap_or(true)
}

/// Returns whether a subquery computes its rows from each outer row independently, so that duplicate outer
/// rows don't have to be merged.
fn keeps_rows(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Unnest(_) => {
            let has_subqueries = plan
                .expressions()
                .iter()
                .any(|expr| expr.exists(|part| Ok(plan_of(part).is_some())).unwrap_or(true));
            !has_subqueries && plan.inputs().into_iter().all(keeps_rows)
        }
        LogicalPlan::EmptyRelation(_) | LogicalPlan::TableScan(_) => true,
        _ => false,
    }
}
