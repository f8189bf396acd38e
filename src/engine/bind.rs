//! A query's tables, from schemas to data.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    common::tree_node::Transformed,
    datasource::provider_as_source,
    error::{DataFusionError, Result},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, col, logical_plan::TableScan},
    prelude::Column,
};

use super::{
    Query, Table,
    query::{PendingRef, pending},
};
use crate::name::Relation;

/// A query whose tables can be scanned.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(super) plan: LogicalPlan,
}

impl Query {
    /// The query over these tables.
    ///
    /// # Errors
    /// If a relation that the query reads is not among them, or lacks a column it was declared with.
    pub fn bind(&self, tables: &BTreeMap<Relation, Table>) -> Result<Bound> {
        let plan = self.plan().clone().transform_down_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) => match pending(&scan.source) {
                Some(declared) => replace(&scan, &declared, tables).map(Transformed::yes),
                None => Ok(Transformed::no(LogicalPlan::TableScan(scan))),
            },
            other => Ok(Transformed::no(other)),
        })?;
        Ok(Bound { plan: plan.data })
    }
}

/// A scan of the real table with the columns and types that were declared.
fn replace(
    scan: &TableScan,
    declared: &PendingRef,
    tables: &BTreeMap<Relation, Table>,
) -> Result<LogicalPlan> {
    let relation = &declared.relation;
    let table = tables
        .get(relation)
        .ok_or_else(|| DataFusionError::Plan(format!("the table {relation} is not there")))?;
    let actual = table.schema();
    let source = provider_as_source(Arc::clone(table));
    if same_types(&actual, &declared.schema) {
        return LogicalPlanBuilder::scan(scan.table_name.clone(), source, scan.projection.clone())?.build();
    }
    let wanted: Vec<Expr> = scan
        .projected_schema
        .fields()
        .iter()
        .map(|field| {
            if actual.field_with_name(field.name()).is_err() {
                return Err(DataFusionError::Plan(format!(
                    "the table {relation} has no column `{}` any more",
                    field.name()
                )));
            }
            let column = col(Column::new(Some(scan.table_name.clone()), field.name()));
            Ok(cast(column, field.data_type().clone())
                .alias_qualified(Some(scan.table_name.clone()), field.name()))
        })
        .collect::<Result<_>>()?;
    LogicalPlanBuilder::scan(scan.table_name.clone(), source, None)?.project(wanted)?.build()
}

/// Whether two tables have the same columns in the same order: their names and types.
#[must_use]
pub fn same_types(a: &super::SchemaRef, b: &super::SchemaRef) -> bool {
    a.fields().len() == b.fields().len()
        && a.fields()
            .iter()
            .zip(b.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
}
