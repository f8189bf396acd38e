//! Binding: replaces the declared schemas in a query with actual tables.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    common::tree_node::Transformed,
    datasource::{empty::EmptyTable, provider_as_source},
    error::{DataFusionError, Result},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, logical_plan::TableScan},
    prelude::Column,
};

use crate::{
    engine::{
        Query, SchemaRef, Table,
        plan::exact_cast::{self, Destination},
        query::{PendingRef, pending},
    },
    name::Relation,
};

/// A query whose tables can be scanned.
#[derive(Debug, Clone)]
pub struct Bound {
    pub(crate) plan: LogicalPlan,
}

impl Query {
    /// Binds the query to these tables.
    ///
    /// # Errors
    /// If `tables` lacks a relation that the query reads, or a relation lacks a declared column.
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

/// Returns a table with these columns and no rows.
#[must_use]
pub fn without_rows(schema: SchemaRef) -> Table {
    Arc::new(EmptyTable::new(schema))
}

/// Returns a scan of the actual table with the declared columns and types.
fn replace(
    scan: &TableScan,
    declared: &PendingRef,
    tables: &BTreeMap<Relation, Table>,
) -> Result<LogicalPlan> {
    let relation = &declared.relation;
    let table = tables
        .get(relation)
        .ok_or_else(|| DataFusionError::Plan(format!("the table {relation} doesn't exist")))?;
    let actual = table.schema();
    let source = provider_as_source(Arc::clone(table));
    if same_types(&actual, &declared.schema) {
        return LogicalPlanBuilder::scan(scan.table_name.clone(), source, scan.projection.clone())?.build();
    }
    let destination = Destination {
        table: "this query".to_owned(),
        cure: format!(
            "{} was written with another type; cast the column to one that holds both, or build that table from \
             scratch (--full-refresh)",
            named(relation)
        ),
    };
    let wanted: Vec<Expr> = scan
        .projected_schema
        .fields()
        .iter()
        .map(|field| {
            let Ok(own) = actual.field_with_name(field.name()) else {
                return Err(DataFusionError::Plan(format!(
                    "the table {relation} has no column `{}` any more: it was changed after this run read its columns; run again",
                    field.name()
                )));
            };
            let column = col(Column::new(Some(scan.table_name.clone()), field.name()));
            Ok(exact_cast::cast(column, own, field.data_type(), &destination)?
                .alias_qualified(Some(scan.table_name.clone()), field.name()))
        })
        .collect::<Result<_>>()?;
    LogicalPlanBuilder::scan(scan.table_name.clone(), source, None)?.project(wanted)?.build()
}

/// Returns the table's name for messages. Our internal relations are named after the relation that they
/// belong to.
fn named(relation: &Relation) -> String {
    let is_ours = relation.schema.starts_with("_headwater_");
    if is_ours { relation.name.clone() } else { relation.to_string() }
}

/// Returns whether two tables have the same columns: equal names and types in the same order.
#[must_use]
pub fn same_types(a: &crate::engine::SchemaRef, b: &crate::engine::SchemaRef) -> bool {
    a.fields().len() == b.fields().len()
        && a.fields()
            .iter()
            .zip(b.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
}
