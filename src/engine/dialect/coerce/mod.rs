//! The type check: assigns DuckDB's types to every expression of a plan, inserts casts where DuckDB casts
//! implicitly, and rejects what DuckDB rejects before anything runs. DataFusion's own coercion then has
//! nothing left to do.
//!
//! - `plan`: plans that combine inputs: VALUES, UNION, joins; `columns`: their columns
//! - `expression`: one expression
//! - `operand`: the common type of operands
//! - `compare`: comparisons, conditions, `||`, CASE
//! - `call`: casts, arithmetic and functions; `coalesce`: stands in for it until its types are known
//! - `frame`: offsets of RANGE frames
//! - `place`: locates errors in the statement

mod call;
mod coalesce;
mod columns;
mod compare;
mod expression;
mod frame;
mod operand;
mod place;
mod plan;

use datafusion::{
    common::{
        DFSchema,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{LogicalPlan, expr_rewriter::NamePreserver, utils::merge_schema},
};

pub(super) use self::{
    coalesce::CoalescePlaceholder,
    expression::{comparison_of, typed},
    place::located,
};
use self::{
    expression::{expression, sort_key},
    operand::boolean,
    plan::{groupings, join_types, union_types, values_types},
};

/// Type-checks a plan with DuckDB's rules.
///
/// # Errors
/// For the first expression whose types don't fit, with its location where one is known.
pub(super) fn check(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(|node| node_types(node).map(Transformed::yes))?.data)
}

fn node_types(node: LogicalPlan) -> Result<LogicalPlan> {
    let node = match node {
        LogicalPlan::Values(values) => return values_types(values),
        LogicalPlan::Union(union) => return union_types(union),
        LogicalPlan::Limit(_) => return Ok(node),
        other => other.recompute_schema()?,
    };
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let preserver = NamePreserver::new(&node);
    let node = node
        .map_expressions(|expr| {
            let name = preserver.save(&expr);
            let typed = expr.transform_up(|expr| expression(expr, &schema).map(Transformed::yes))?;
            Ok(typed.update_data(|expr| name.restore(expr)))
        })?
        .data;
    let node = match node {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = boolean(filter.predicate, &schema)?;
            LogicalPlan::Filter(filter)
        }
        LogicalPlan::Join(join) => join_types(join)?,
        LogicalPlan::Window(_) => frame::by_key(node.recompute_schema()?)?,
        LogicalPlan::Sort(mut sort) => {
            for key in &mut sort.expr {
                sort_key(key, &schema)?;
            }
            LogicalPlan::Sort(sort)
        }
        other => other,
    };
    groupings(node.recompute_schema()?)
}
