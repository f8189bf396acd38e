//! Lateral UNNEST (`FROM t, unnest(t.list)`): DataFusion plans a subquery that refers to an earlier table,
//! but can't run one that unnests. If the subquery has no FROM of its own, it is grafted onto the table, so
//! that its rows are computed from the table's.

use std::sync::Arc;

use datafusion::{
    common::{
        Column, NullHandling,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{EmptyRelation, Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection},
    prelude::lit,
};

/// Rewrites such joins.
pub(super) fn flatten(plan: LogicalPlan) -> Result<LogicalPlan> {
    let flat = plan.transform_up_with_subqueries(|node| match &node {
        LogicalPlan::Join(join) => Ok(match grafted(join)? {
            Some(plan) => Transformed::yes(plan),
            None => Transformed::no(node),
        }),
        _ => Ok(Transformed::no(node)),
    })?;
    Ok(flat.data)
}

fn grafted(join: &Join) -> Result<Option<LogicalPlan>> {
    let always = join.on.is_empty() && join.filter.as_ref().is_none_or(|filter| *filter == lit(true));
    let keeps_left = match join.join_type {
        JoinType::Inner => false,
        JoinType::Left => true,
        _ => return Ok(None),
    };
    let (alias, subquery) = match join.right.as_ref() {
        LogicalPlan::SubqueryAlias(alias) => (Some(&alias.alias), &alias.input),
        _ => (None, &join.right),
    };
    let LogicalPlan::Subquery(subquery) = subquery.as_ref() else { return Ok(None) };
    let mut unnests = false;
    let whole = is_graftable(&subquery.subquery, &mut unnests);
    if !always || !whole || !unnests {
        return Ok(None);
    }
    let own: Vec<Expr> = columns(&join.left);
    let rows = graft(&subquery.subquery, &join.left, &own, keeps_left)?;
    let made = subquery.subquery.schema().iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        match alias {
            Some(alias) => column.alias_qualified(Some(alias.clone()), field.name()),
            None => column,
        }
    });
    let all = own.iter().cloned().chain(made).zip(join.schema.iter());
    // An alias may rename the columns.
    let all = all.map(|(expr, (qualifier, field))| match expr {
        Expr::Column(_) => expr,
        other => other.unalias().alias_qualified(qualifier.cloned(), field.name()),
    });
    Ok(Some(LogicalPlanBuilder::from(rows).project(all)?.build()?))
}

fn columns(plan: &LogicalPlan) -> Vec<Expr> {
    let fields = plan.schema().iter();
    fields.map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name()))).collect()
}

/// Returns whether a plan starts from a single row and computes all of its rows from that.
fn is_graftable(plan: &LogicalPlan, unnests: &mut bool) -> bool {
    match plan {
        LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row, .. }) => *produce_one_row,
        LogicalPlan::Projection(projection) => is_graftable(&projection.input, unnests),
        LogicalPlan::SubqueryAlias(alias) => is_graftable(&alias.input, unnests),
        LogicalPlan::Unnest(unnest) => {
            *unnests = true;
            is_graftable(&unnest.input, unnests)
        }
        _ => false,
    }
}

/// Rebuilds the plan on top of `onto`, and keeps the columns of `onto`.
fn graft(plan: &LogicalPlan, onto: &Arc<LogicalPlan>, own: &[Expr], keeps: bool) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Projection(projection) => {
            let input = graft(&projection.input, onto, own, keeps)?;
            let made = projection.expr.iter().zip(projection.schema.iter());
            let made = made.map(|(expr, (qualifier, field))| {
                let inner = expr.clone().unalias().transform(|part| match part {
                    Expr::OuterReferenceColumn(_, column) => Ok(Transformed::yes(Expr::Column(column))),
                    other => Ok(Transformed::no(other)),
                })?;
                Ok(inner.data.alias_qualified(qualifier.cloned(), field.name()))
            });
            let all = own.iter().cloned().map(Ok).chain(made).collect::<Result<Vec<_>>>()?;
            Projection::try_new(all, Arc::new(input)).map(LogicalPlan::Projection)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let input = graft(&alias.input, onto, own, keeps)?;
            let renamed = alias.input.schema().iter().zip(alias.schema.iter());
            let renamed = renamed.map(|((qualifier, field), (new, name))| {
                Expr::Column(Column::new(qualifier.cloned(), field.name()))
                    .alias_qualified(new.cloned(), name.name())
            });
            let all = own.iter().cloned().chain(renamed).collect();
            Projection::try_new(all, Arc::new(input)).map(LogicalPlan::Projection)
        }
        LogicalPlan::Unnest(unnest) => {
            let input = graft(&unnest.input, onto, own, keeps)?;
            let mut options = unnest.options.clone();
            if keeps {
                options.null_handling = NullHandling::PreserveAndExpandEmpty;
            }
            LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(unnest.exec_columns.clone(), options)?
                .build()
        }
        _ => Ok(onto.as_ref().clone()),
    }
}
