//! FROM relations that DataFusion can't plan: PIVOT, UNPIVOT, and aliases that name only some of the columns.
//!
//! - `pivot`, `unpivot`: the relations
//! - `argument`: their arguments

mod argument;
mod pivot;
mod unpivot;

use datafusion::{
    common::DFSchema,
    error::Result,
    logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning},
    sql::sqlparser::ast::{Ident, TableAlias, TableAliasColumnDef, TableFactor},
};

/// The planner of such relations.
#[derive(Debug)]
pub(super) struct Relations;

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (plan, alias) = match relation {
            TableFactor::Pivot { table, aggregate_functions, alias, .. } => {
                (pivot::plan(*table, aggregate_functions, context)?, alias)
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                let keeps_nulls = matches!(
                    null_inclusion,
                    Some(datafusion::sql::sqlparser::ast::NullInclusion::IncludeNulls)
                );
                (unpivot::plan(*table, &value, &name, columns, keeps_nulls, context)?, alias)
            }
            mut other => {
                let Some(alias) = take_columns(&mut other) else {
                    return Ok(RelationPlanning::Original(Box::new(other)));
                };
                (context.plan(other)?, Some(alias))
            }
        };
        let alias = alias.map(|alias| with_all_columns(alias, plan.schema()));
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias))))
    }
}

/// Removes and returns an alias that names columns.
fn take_columns(relation: &mut TableFactor) -> Option<TableAlias> {
    match relation {
        TableFactor::Table { alias, args: None, .. } | TableFactor::Derived { alias, lateral: false, .. }
            if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) =>
        {
            alias.take()
        }
        _ => None,
    }
}

/// Completes an alias that names only the first columns; the others keep their names.
fn with_all_columns(mut alias: TableAlias, schema: &DFSchema) -> TableAlias {
    let named = alias.columns.len();
    if named > 0 {
        alias.columns.extend(schema.fields().iter().skip(named).map(|field| TableAliasColumnDef {
            name: Ident::with_quote('"', field.name()),
            data_type: None,
        }));
    }
    alias
}
