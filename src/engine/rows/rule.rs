//! Row rules: tests that check each row of one table by itself. Many of them are evaluated in one pass, and
//! rows that break one can be removed while they stream.
//!
//! A rule is recognized from the plan, however the SQL was written: any chain of projections, filters and
//! aliases over one table is a rule. Start at [`Query::row_rule`].

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray},
        compute::prep_null_mask_filter,
    },
    common::{
        DFSchema,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::{DataFusionError, Result},
    logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, Volatility, expr::ScalarFunction, lit, when},
    physical_expr::PhysicalExpr,
    prelude::Column,
};

use crate::{
    engine::{
        Query, RecordBatch, SchemaRef, Session,
        query::{PendingRef, pending},
    },
    name::Relation,
};

/// A rule about each row of a relation. The rows that the query selects are those that break it.
#[derive(Debug, Clone)]
pub struct RowRule {
    relation: Relation,
    schema: SchemaRef,
    /// The condition under which a row breaks the rule, over the relation's unqualified columns. NULL is
    /// false.
    broken: Expr,
    /// True if the query groups the rows that break the rule, and so counts groups.
    groups: bool,
}

impl RowRule {
    /// Returns whether the query counts groups of the rows that break the rule. If there are such rows, there
    /// is at least one group, but the number of rows isn't the number of groups.
    #[must_use]
    pub fn counts_groups(&self) -> bool {
        self.groups
    }

    /// Returns the relation that the rule is about.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Returns the relation's declared columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the condition under which a row breaks the rule, over the relation's unqualified columns. NULL
    /// is false.
    pub(crate) fn broken(&self) -> &Expr {
        &self.broken
    }

    /// Returns whether the rule only compares columns with values, so that a file's minimum, maximum and NULL
    /// count can show that none of its rows break the rule. Evaluating such a rule never fails.
    pub(crate) fn is_answered_by_statistics(&self) -> bool {
        compares(&self.broken)
    }

    /// Returns the columns that the rule reads.
    pub(crate) fn columns(&self) -> BTreeSet<String> {
        self.broken.column_refs().into_iter().map(|column| column.name.clone()).collect()
    }
}

impl Query {
    /// Returns the query as a rule, or `None` if it isn't one.
    #[must_use]
    pub fn row_rule(&self) -> Option<RowRule> {
        let groups = grouped(self.plan());
        let (found, conditions) = descend(groups.unwrap_or(self.plan()), Vec::new())?;
        if conditions.iter().any(|condition| !is_of_one_row(condition)) {
            return None;
        }
        let broken = conditions.into_iter().reduce(guarded)?;
        Some(RowRule { relation: found.relation, schema: found.schema, broken, groups: groups.is_some() })
    }
}

/// Returns the input of a query's grouping, if the query only projects or sorts the groups.
fn grouped(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    match plan {
        LogicalPlan::Projection(projection) => grouped(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => grouped(&alias.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => grouped(&sort.input),
        LogicalPlan::Aggregate(aggregate) => {
            let is_plain = |key: &Expr| !matches!(key, Expr::GroupingSet(_)) && is_of_one_row(key);
            let keys = &aggregate.group_expr;
            (!keys.is_empty() && keys.iter().all(is_plain)).then_some(aggregate.input.as_ref())
        }
        _ => None,
    }
}

/// Returns `outer` where `inner` holds, and false elsewhere. This isn't `inner and outer`: the outer filter
/// never sees rows that the inner one dropped, and might fail for them.
fn guarded(outer: Expr, inner: Expr) -> Expr {
    let fallback = inner.clone().and(outer.clone());
    when(inner, outer).otherwise(lit(false)).unwrap_or(fallback)
}

/// Rules compiled for evaluation on batches. They aren't optimized, because that would remove their guards.
pub(crate) struct CompiledRules(Vec<Arc<dyn PhysicalExpr>>);

impl CompiledRules {
    /// Compiles rules for batches of these columns, which are a subset of the relation's and have its types.
    pub(crate) fn new<'a>(
        rules: impl IntoIterator<Item = &'a RowRule>,
        columns: &SchemaRef,
        session: &Session,
    ) -> Result<Self> {
        let columns = DFSchema::try_from(columns.as_ref().clone())?;
        let compiled =
            rules.into_iter().map(|rule| session.create_physical_expr(rule.broken.clone(), &columns));
        compiled.collect::<Result<_>>().map(Self)
    }

    /// Returns a mask for each rule: the rows of a batch that break it.
    pub(crate) fn masks(&self, batch: &RecordBatch) -> Result<Vec<BooleanArray>> {
        self.0.iter().map(|rule| yes(&rule.evaluate(batch)?.into_array(batch.num_rows())?)).collect()
    }
}

/// Turns NULLs of a boolean array into false.
fn yes(array: &ArrayRef) -> Result<BooleanArray> {
    let mask =
        array.as_boolean_opt().ok_or_else(|| DataFusionError::Internal("a rule is no condition".into()))?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
}

/// Returns the table below a chain of simple nodes, and the chain's conditions over the table's columns, the
/// outermost first. A query without conditions selects every row.
fn descend(plan: &LogicalPlan, mut conditions: Vec<Expr>) -> Option<(PendingRef, Vec<Expr>)> {
    match plan {
        LogicalPlan::Filter(filter) => {
            conditions.push(filter.predicate.clone());
            descend(&filter.input, conditions)
        }
        LogicalPlan::Projection(projection) => {
            let below = |at: usize| Some(projection.expr.get(at)?.clone().unalias_nested().data);
            descend(&projection.input, rewritten(conditions, plan, below)?)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let schema = alias.input.schema();
            let below = |at: usize| Some(Expr::Column(Column::from(schema.qualified_field(at))));
            descend(&alias.input, rewritten(conditions, plan, below)?)
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => descend(&sort.input, conditions),
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
            let found = pending(&scan.source)?;
            let schema = plan.schema();
            let below =
                |at: usize| Some(Expr::Column(Column::new_unqualified(schema.field(at).name().clone())));
            let mut conditions = rewritten(conditions, plan, below)?;
            if conditions.is_empty() {
                conditions.push(lit(true));
            }
            Some((found, conditions))
        }
        _ => None,
    }
}

/// Rewrites conditions for the input of a node: replaces each of the node's columns with its expression
/// there.
fn rewritten(
    conditions: Vec<Expr>,
    node: &LogicalPlan,
    below: impl Fn(usize) -> Option<Expr>,
) -> Option<Vec<Expr>> {
    let replace = |condition: Expr| -> Option<Expr> {
        let mut known = true;
        let replaced: Result<Transformed<Expr>> = condition.transform(|part| {
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            let Some(expression) = node.schema().maybe_index_of_column(column).and_then(&below) else {
                known = false;
                return Ok(Transformed::no(part));
            };
            // Don't descend into the replacement.
            Ok(Transformed::new(expression, true, TreeNodeRecursion::Jump))
        });
        replaced.ok().filter(|_| known).map(|replaced| replaced.data)
    };
    conditions.into_iter().map(replace).collect()
}

/// Returns whether an expression consists only of comparisons of columns with values.
fn compares(expression: &Expr) -> bool {
    let column = |part: &Expr| matches!(part, Expr::Column(_));
    let value = |part: &Expr| match part {
        Expr::Literal(..) => true,
        Expr::Negative(inner) => matches!(inner.as_ref(), Expr::Literal(..)),
        _ => false,
    };
    match expression {
        Expr::IsNull(part) => column(part),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            compares(left) && compares(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let ordered =
                matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::Eq);
            ordered && ((column(left) && value(right)) || (value(left) && column(right)))
        }
        _ => false,
    }
}

/// Returns whether an expression can be computed from one row and gives the same value each time.
fn is_of_one_row(expression: &Expr) -> bool {
    let beyond = expression.exists(|part| {
        Ok(match part {
            Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::ScalarSubquery(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::AggregateFunction(_)
            | Expr::WindowFunction(_)
            | Expr::Unnest(_)
            | Expr::Placeholder(_) => true,
            Expr::ScalarFunction(ScalarFunction { func, .. }) => {
                func.signature().volatility == Volatility::Volatile
            }
            _ => false,
        })
    });
    beyond.is_ok_and(|beyond| !beyond)
}
