//! Row rules: queries that ask something of each row of one table by itself. Many of them are answered in one pass, and
//! rows that break one can be taken out while they stream by.
//!
//! A rule is recognised from the plan, not from how the SQL was written: any chain of projections, filters and aliases
//! over one table is one. Start at [`Query::row_rule`].

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray},
        compute::prep_null_mask_filter,
    },
    common::DFSchema,
    common::tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    error::{DataFusionError, Result},
    logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, Volatility, expr::ScalarFunction, lit, when},
    physical_expr::PhysicalExpr,
    prelude::Column,
};

use super::{
    Query, RecordBatch, SchemaRef, Session,
    query::{PendingRef, pending},
};
use crate::name::Relation;

/// What a query says of each row of a relation: the rows that it selects are those that break the rule.
#[derive(Debug, Clone)]
pub struct RowRule {
    relation: Relation,
    schema: SchemaRef,
    /// Whether a row breaks it: a boolean over the relation's columns, by their bare names. NULL is no.
    broken: Expr,
    /// Whether the query groups the rows that break it, and counts the groups.
    groups: bool,
}

impl RowRule {
    /// Returns whether the query counts groups of the rows that break the rule: there are some if there is such a row, but
    /// how many isn't known from the number of rows.
    #[must_use]
    pub fn counts_groups(&self) -> bool {
        self.groups
    }

    /// The relation whose rows are judged.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// The relation's columns as they were declared.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether a row breaks it: a boolean over the relation's columns, by their bare names. NULL is no.
    pub(super) fn broken(&self) -> &Expr {
        &self.broken
    }

    /// Whether it only compares columns with values, so that the least and the greatest value of a file's column, and the number
    /// of its NULLs, may tell that no row of the file breaks it. Such a rule can always be computed.
    pub(super) fn is_answered_by_statistics(&self) -> bool {
        compares(&self.broken)
    }

    /// The columns that the rule looks at.
    pub(super) fn columns(&self) -> BTreeSet<String> {
        self.broken.column_refs().into_iter().map(|column| column.name.clone()).collect()
    }
}

impl Query {
    /// The rule that the query is, if it is one.
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

/// What a query groups, if it does nothing else with the groups but show them.
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

/// `outer` where `inner` holds, and no otherwise. Not `inner and outer`: the outer filter never sees the rows that
/// the inner one dropped, and might not be computable for them.
fn guarded(outer: Expr, inner: Expr) -> Expr {
    let fallback = inner.clone().and(outer.clone());
    when(inner, outer).otherwise(lit(false)).unwrap_or(fallback)
}

/// Rules that can be asked of batches. They are not optimized, which would undo their guards.
pub(super) struct Asked(Vec<Arc<dyn PhysicalExpr>>);

impl Asked {
    /// The rules over batches of these columns, which are some of the relation's, in its types.
    pub(super) fn new<'a>(
        rules: impl IntoIterator<Item = &'a RowRule>,
        columns: &SchemaRef,
        session: &Session,
    ) -> Result<Self> {
        let columns = DFSchema::try_from(columns.as_ref().clone())?;
        let asked = rules.into_iter().map(|rule| session.create_physical_expr(rule.broken.clone(), &columns));
        asked.collect::<Result<_>>().map(Self)
    }

    /// For each rule, which rows of a batch break it.
    pub(super) fn masks(&self, batch: &RecordBatch) -> Result<Vec<BooleanArray>> {
        self.0.iter().map(|rule| yes(&rule.evaluate(batch)?.into_array(batch.num_rows())?)).collect()
    }
}

/// Where an array of booleans is true; NULL is not.
fn yes(array: &ArrayRef) -> Result<BooleanArray> {
    let mask =
        array.as_boolean_opt().ok_or_else(|| DataFusionError::Internal("a rule is no condition".into()))?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
}

/// The table below a chain of simple nodes, and the chain's conditions over the table's columns, the outermost first.
/// A query without a condition selects every row.
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

/// The conditions over what lies below a node: each of its columns replaced by what it is there.
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
            // What was put in is not looked at again.
            Ok(Transformed::new(expression, true, TreeNodeRecursion::Jump))
        });
        replaced.ok().filter(|_| known).map(|replaced| replaced.data)
    };
    conditions.into_iter().map(replace).collect()
}

/// Whether an expression is made of comparisons of columns with values.
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

/// Whether an expression can be computed from one row alone, and gives the same each time.
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
