//! Unnested fields: in the outermost SELECT, names the columns of an unnested struct by field alone, without
//! the value's name.

use std::collections::BTreeMap;

use datafusion::{
    common::{Column, tree_node::TreeNodeRecursion},
    error::Result,
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, expr::Alias},
};

use crate::engine::cast::types::ROW_FIELD;

/// The prefix of DataFusion's names for unnested columns.
const PLACEHOLDER: &str = "__unnest_placeholder(";

/// Renames such columns in a plan.
pub(super) fn named(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Projection(projection) = node {
            for expr in &projection.expr {
                let Expr::Alias(Alias { expr, name, .. }) = expr else { continue };
                let Expr::Column(column) = expr.as_ref() else { continue };
                let inner = column.name.strip_prefix(PLACEHOLDER).and_then(|rest| rest.rsplit_once(")."));
                if let Some((_, field)) = inner.filter(|(_, field)| name.ends_with(&format!(".{field}"))) {
                    let number = field.strip_prefix(ROW_FIELD);
                    let field = number.map_or_else(|| field.to_owned(), |number| format!("element{number}"));
                    fields.insert(name.clone(), field);
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let columns = plan.schema().columns();
    if !columns.iter().any(|column| fields.contains_key(&column.name)) {
        return Ok(plan);
    }
    let rename = |column: Column| match fields.get(&column.name) {
        Some(field) => Expr::Column(column).alias(field),
        None => Expr::Column(column),
    };
    LogicalPlanBuilder::from(plan).project(columns.into_iter().map(rename))?.build()
}
