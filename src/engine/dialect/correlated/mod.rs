//! Decorrelation: rewrites the correlated subqueries and lateral joins that DataFusion can't plan to plain
//! joins.
//!
//! A subquery is computed once for each distinct combination of the outer columns that it reads, its
//! *domain*. These columns are carried through all of its steps, and its rows are joined back to the outer
//! rows:
//!
//! ```text
//!  rows ─────────────────────────────────────▶ left join, NULL = NULL ──▶ rows with the subquery's value
//!    └──▶ distinct outer columns ──▶ subquery ────┘
//! ```
//!
//! - `outside`: the outer columns that a subquery reads
//! - `domain`: their distinct values, and the join back
//! - `carry`: each step of a subquery with the domain's columns; `join`: its joins
//! - `columns`: columns of a step, and the domain's
//! - `settled`: columns that have the same values each time they are read
//! - `fault`: errors
//! - `lateral`: FROM items and ON conditions that read other FROM items

mod carry;
mod columns;
mod domain;
mod fault;
mod join;
mod lateral;
mod outside;
mod settled;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::{
    common::{
        DFSchema,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    functions_aggregate::expr_fn::count,
    logical_expr::{
        Aggregate, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, Projection, Subquery,
        expr::{Exists, InSubquery},
        expr_rewriter::NamePreserver,
        lit, not, when,
    },
    prelude::Column,
};

use self::{domain::Domain, outside::columns_of};
use super::super::function::only_row;

/// Rewrites each correlated subquery in a plan as a join.
///
/// # Errors
/// If a step of a subquery can't be computed for many outer rows at once.
pub(super) fn joined(plan: LogicalPlan) -> Result<LogicalPlan> {
    Joined::default().plan(plan)
}

/// Rewrites correlated subqueries as joins if the plan has a correlated NOT IN. DataFusion's own plan for NOT
/// IN drops a row when the subquery of another row returns a NULL.
///
/// # Errors
/// See [`joined`].
pub(super) fn without_not_in(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        let is_not_in = |part: &Expr| {
            matches!(part, Expr::InSubquery(InSubquery { subquery, negated: true, .. })
                if !subquery.outer_ref_columns.is_empty())
        };
        for expr in node.expressions() {
            found |= expr.exists(|part| Ok(is_not_in(part)))?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if found { joined(plan) } else { Ok(plan) }
}

/// Makes the column of a scalar subquery nullable if the subquery may return no row: DataFusion derives
/// nullability from the column alone.
///
/// # Errors
/// If the plan can't be built.
pub(super) fn nullable(subquery: Subquery) -> Result<Subquery> {
    let plan = subquery.subquery.as_ref();
    let (_, field) = plan.schema().qualified_field(0);
    if field.is_nullable() || !subquery.outer_ref_columns.is_empty() || has_a_row(plan) {
        return Ok(subquery);
    }
    let value = only_row(first_column(plan)).alias(field.name());
    let plan = LogicalPlanBuilder::from(plan.clone()).aggregate(Vec::<Expr>::new(), [value])?.build()?;
    Ok(Subquery { subquery: Arc::new(plan), ..subquery })
}

/// Returns whether a plan always returns a row.
fn has_a_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_a_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_a_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(relation) => relation.produce_one_row,
        _ => false,
    }
}

/// A top-down rewrite of a plan.
#[derive(Default)]
struct Joined {
    /// The number of generated names so far.
    names: usize,
}

impl Joined {
    /// Returns a number for a unique generated name.
    fn next(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    fn plan(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let plan = self.node(plan)?;
        let plan = plan.map_subqueries(|subquery| self.plan(subquery).map(Transformed::yes))?.data;
        let plan = plan.map_children(|child| self.plan(child).map(Transformed::yes))?.data;
        // The nullability of new columns affects the expressions that read them.
        if matches!(plan, LogicalPlan::Limit(_)) { Ok(plan) } else { plan.recompute_schema() }
    }

    /// Rewrites the correlated subqueries in a node's own expressions.
    fn node(&mut self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if let LogicalPlan::Join(join) = plan {
            return self.join(join);
        }
        let [input] = plan.inputs()[..] else { return Ok(plan) };
        if !plan.expressions().iter().any(|expr| outside::is_correlated(expr, input.schema())) {
            return Ok(plan);
        }
        let mut rows = input.clone();
        let preserver = NamePreserver::new_for_projection();
        let mut exprs = Vec::new();
        for expr in plan.expressions() {
            let name = preserver.save(&expr);
            let (more, expr) = self.attach(rows, expr)?;
            rows = more;
            let named = matches!(
                plan,
                LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)
            );
            exprs.push(if named { name.restore(expr) } else { expr });
        }
        let own = Arc::clone(plan.schema());
        let passes_all = !matches!(plan, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_));
        let node = plan.with_new_exprs(exprs, vec![rows])?;
        if passes_all { only(&own, node) } else { Ok(node) }
    }

    /// Joins the values of an expression's subqueries to the rows. Returns the rows and the expression that
    /// reads the values.
    fn attach(&mut self, rows: LogicalPlan, expr: Expr) -> Result<(LogicalPlan, Expr)> {
        let mut rows = rows;
        let expr = expr.transform_up(|part| {
            let reads = |subquery: &Subquery| !columns_of(&subquery.subquery, rows.schema()).is_empty();
            let (more, value) = match part {
                Expr::ScalarSubquery(subquery) if reads(&subquery) => self.scalar(rows.clone(), &subquery)?,
                Expr::Exists(Exists { subquery, negated }) if reads(&subquery) => {
                    self.exists(rows.clone(), &subquery, negated)?
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) if reads(&subquery) => {
                    self.in_list(rows.clone(), *expr, &subquery, negated)?
                }
                other => return Ok(Transformed::no(other)),
            };
            rows = more;
            Ok(Transformed::yes(value))
        })?;
        Ok((rows, expr.data))
    }

    /// Computes a scalar subquery, which is NULL if it returns no row.
    fn scalar(&mut self, rows: LogicalPlan, subquery: &Subquery) -> Result<(LogicalPlan, Expr)> {
        let subquery = subquery.subquery.as_ref();
        // `(select a.x + 1)` is just an expression.
        if let LogicalPlan::Projection(Projection { expr, input, .. }) = subquery
            && matches!(input.as_ref(), LogicalPlan::EmptyRelation(one) if one.produce_one_row)
            && let [expr] = expr.as_slice()
        {
            let expr = outside::replaced(expr.clone(), &outside::Here(rows.schema()), &DFSchema::empty())?;
            return Ok((rows, expr.unalias_nested().data));
        }
        let domain = Domain::of(&rows, subquery, self.next())?;
        let mut found = self.carried(subquery, &domain)?;
        if !has_one_row(subquery) {
            let value = only_row(first_column(&found));
            let found_once = Aggregate::try_new(Arc::new(found), domain.columns(), vec![value])?;
            let found_once = LogicalPlan::Aggregate(found_once);
            let last =
                Expr::Column(found_once.schema().columns().pop().unwrap_or_else(|| Column::from_name("")));
            let exprs = std::iter::once(last).chain(domain.columns());
            found = LogicalPlanBuilder::from(found_once).project(exprs)?.build()?;
        }
        let value = format!("$value{}", self.next());
        let found = domain.keyed(found, &[(0, &value)])?;
        Ok((domain.joined_back(rows, found, None)?, Expr::Column(Column::from_name(value))))
    }

    /// Computes EXISTS: true if the subquery returns rows.
    fn exists(
        &mut self,
        rows: LogicalPlan,
        subquery: &Subquery,
        negated: bool,
    ) -> Result<(LogicalPlan, Expr)> {
        let subquery = subquery.subquery.as_ref();
        let domain = Domain::of(&rows, subquery, self.next())?;
        let found = self.carried(subquery, &domain)?;
        let found = LogicalPlanBuilder::from(found).project(domain.columns())?.distinct()?;
        let mark = format!("$found{}", self.next());
        let exprs = std::iter::once(lit(true).alias(&mark)).chain(domain.columns());
        let found = domain.keyed(found.project(exprs)?.build()?, &[(0, &mark)])?;
        let found_here = Expr::Column(Column::from_name(mark));
        let value = if negated { found_here.is_null() } else { found_here.is_not_null() };
        Ok((domain.joined_back(rows, found, None)?, value))
    }

    /// Computes IN: true if the value is among the subquery's. NULL if the value is NULL, or if it isn't
    /// found and the subquery returned a NULL.
    fn in_list(
        &mut self,
        rows: LogicalPlan,
        value: Expr,
        subquery: &Subquery,
        negated: bool,
    ) -> Result<(LogicalPlan, Expr)> {
        let subquery = subquery.subquery.as_ref();
        let domain = Domain::of(&rows, subquery, self.next())?;
        let found = self.carried(subquery, &domain)?;
        let key = first_column(&found);
        let number = self.next();
        let [mark, item, rows_name, values_name] =
            ["found", "item", "rows", "values"].map(|name| format!("${name}{number}"));
        let column = |name: &str| Expr::Column(Column::from_name(name));

        let counts = vec![count(lit(1_i64)).alias(&rows_name), count(key.clone()).alias(&values_name)];
        let counts = Aggregate::try_new(Arc::new(found.clone()), domain.columns(), counts)?;
        let exprs = [column(&rows_name), column(&values_name)].into_iter().chain(domain.columns());
        let counts = LogicalPlanBuilder::from(LogicalPlan::Aggregate(counts)).project(exprs)?.build()?;
        let counts = domain.keyed(counts, &[(0, &rows_name), (1, &values_name)])?;
        let rows = domain.joined_back(rows, counts, None)?;

        let exprs = std::iter::once(key.alias(&item)).chain(domain.columns());
        let items = LogicalPlanBuilder::from(found).project(exprs)?.build()?;
        let items = LogicalPlanBuilder::from(LogicalPlan::Distinct(Distinct::All(Arc::new(items))));
        let exprs = [column(&item), lit(true).alias(&mark)].into_iter().chain(domain.columns());
        let again = domain.named(self.next());
        let items = again.keyed(items.project(exprs)?.build()?, &[(0, &item), (1, &mark)])?;
        let rows = again.joined_back(rows, items, Some(value.clone().eq(column(&item))))?;

        let unknown = value.is_null().or(column(&values_name).lt(column(&rows_name)));
        let found = when(column(&mark).is_not_null(), lit(true))
            .when(column(&rows_name).is_null(), lit(false))
            .when(unknown, lit(datafusion::common::ScalarValue::Boolean(None)))
            .otherwise(lit(false))?;
        Ok((rows, if negated { not(found) } else { found }))
    }
}

/// Projects a plan to the columns of a schema.
fn only(schema: &DFSchema, plan: LogicalPlan) -> Result<LogicalPlan> {
    if plan.schema().fields().len() == schema.fields().len() {
        return Ok(plan);
    }
    let columns = schema.columns().into_iter().map(Expr::Column);
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Returns the first column of a plan.
fn first_column(plan: &LogicalPlan) -> Expr {
    let (qualifier, field) = plan.schema().qualified_field(0);
    Expr::Column(Column::new(qualifier.cloned(), field.name()))
}

/// Returns whether a plan returns at most one row for any input.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(Projection { input, .. }) => has_one_row(input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Filter(filter) => has_one_row(&filter.input),
        LogicalPlan::Sort(sort) => has_one_row(&sort.input),
        LogicalPlan::Distinct(distinct) => has_one_row(distinct.input()),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Limit(limit) => {
            matches!(limit.get_fetch_type(), Ok(datafusion::logical_expr::FetchType::Literal(Some(0 | 1))))
                || has_one_row(&limit.input)
        }
        _ => false,
    }
}
