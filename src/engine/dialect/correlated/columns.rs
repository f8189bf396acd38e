//! Columns of a carried step: its own, followed by the domain's.

use datafusion::{
    common::DFSchema,
    error::Result,
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, expr::Sort as SortExpr, expr_rewriter::NamePreserver,
    },
    prelude::Column,
};

use super::{
    domain::Domain,
    outside::{self, columns_of, scope},
};

/// Returns whether a plan reads outer columns of the domain.
pub(super) fn reads(plan: &LogicalPlan, domain: &Domain) -> bool {
    !columns_of(plan, domain.schema()).is_empty()
}

/// Projects to the columns of a schema by name, followed by the domain's.
pub(super) fn ordered(plan: LogicalPlan, schema: &DFSchema, domain: &Domain) -> Result<LogicalPlan> {
    let exprs: Vec<Expr> = schema.columns().into_iter().map(Expr::Column).chain(domain.columns()).collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

/// Projects to a plan's columns by position, renamed like those of a schema, followed by the domain's.
pub(super) fn shaped(plan: LogicalPlan, schema: &DFSchema, domain: &Domain) -> Result<LogicalPlan> {
    let named = schema.iter().zip(plan.schema().columns()).map(|((qualifier, field), column)| {
        let own = Column::new(qualifier.cloned(), field.name());
        let expr = Expr::Column(column.clone());
        if own == column { expr } else { expr.alias_qualified(own.relation, own.name) }
    });
    let last = plan.schema().columns().into_iter().skip(schema.fields().len());
    let keys = last.zip(domain.columns()).map(|(column, key)| {
        let name = key.schema_name().to_string();
        let same = matches!(&key, Expr::Column(key) if *key == column);
        if same { key } else { Expr::Column(column).alias(name) }
    });
    let exprs: Vec<Expr> = named.chain(keys).collect();
    LogicalPlanBuilder::from(plan).project(exprs)?.build()
}

/// Replaces the outer columns in a step's expressions with the domain's, and keeps the expressions' names.
pub(super) fn replaced_all(exprs: &[Expr], domain: &Domain, plan: &LogicalPlan) -> Result<Vec<Expr>> {
    let scope = scope(plan);
    let preserver = NamePreserver::new_for_projection();
    let replaced = exprs.iter().map(|expr| {
        if matches!(expr, Expr::GroupingSet(_)) {
            return outside::replaced(expr.clone(), domain, &scope);
        }
        let name = preserver.save(expr);
        Ok(name.restore(outside::replaced(expr.clone(), domain, &scope)?))
    });
    replaced.collect()
}

pub(super) fn sorts(order: &[SortExpr], domain: &Domain, scope: &DFSchema) -> Result<Vec<SortExpr>> {
    let replaced = order.iter().map(|by| {
        let expr = outside::replaced(by.expr.clone(), domain, scope)?;
        Ok(SortExpr::new(expr, by.asc, by.nulls_first))
    });
    replaced.collect()
}
