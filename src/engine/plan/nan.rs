//! NaN and statistics: keeps rows with NaN that file statistics would wrongly prune.
//!
//! NaN is greater than every number here, as in DuckDB, Postgres and Spark. The minimum and maximum values in
//! Parquet files and in Delta's log ignore NaN, but DataFusion 55.2 and delta-rs 1.1.3 rely on them: for the
//! rows 1, NaN, 1 the filter `x = 1` returns all rows ("every row of the group matches") and `x > 5` none
//! ("the maximum is 1").
//!
//! - [`guarded`]: wraps physical rules to hide floats from pruning. A comparison with a float is still
//!   evaluated row by row where files are read, but statistics don't decide it. Dynamic filters on floats,
//!   and their maximum from statistics, are disabled.
//! - [`may_skip`]: selects the filters by which a scan of a Delta table may skip files and row groups: those
//!   that are correct although statistics ignore NaN, such as `x = 1` and `x < 5`. The query filters the rows
//!   again.
//!
//! Delete once Parquet's NaN counts are written and read: apache/datafusion#15812, delta-io/delta#7101.

#[cfg(test)]
mod tests;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema},
    common::{
        ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{BinaryExpr as LogicalBinary, ColumnarValue, Expr, Operator},
    physical_expr::{
        PhysicalExpr,
        expressions::{BinaryExpr, InListExpr},
        utils::collect_columns,
    },
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        aggregates::AggregateExec,
        filter::{FilterExec, FilterExecBuilder},
    },
};

use crate::engine::{RecordBatch, SchemaRef};

/// Wraps a physical rule in a guard if it pushes filters down or answers aggregates from statistics.
pub(crate) fn guarded(
    rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
) -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
    if rule.name().starts_with("FilterPushdown") {
        Arc::new(HiddenFromPruning(rule))
    } else if rule.name() == "aggregate_statistics" {
        Arc::new(NotFromStatistics(rule))
    } else {
        rule
    }
}

/// A rule that pushes filters down in a form that statistics can't decide.
#[derive(Debug)]
struct HiddenFromPruning(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for HiddenFromPruning {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = plan.transform_down(hide_in_filter)?.data;
        if !aggregates_floats(&plan)? {
            return self.0.optimize(plan, config);
        }
        // Sorts and joins push no dynamic filters at all (see `session`).
        let mut config = config.clone();
        config.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        self.0.optimize(plan, &config)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// A rule that answers aggregates from statistics, unless one is over a float.
#[derive(Debug)]
struct NotFromStatistics(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for NotFromStatistics {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if aggregates_floats(&plan)? { Ok(plan) } else { self.0.optimize(plan, config) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Returns whether a plan aggregates floats, which would make a dynamic filter.
fn aggregates_floats(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            let schema = aggregate.input().schema();
            let mut read = aggregate.aggr_expr().iter().flat_map(|one| one.expressions());
            found |= read.any(|one| reads_float(&one, &schema));
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Hides a filter's comparisons of floats from pruning.
fn hide_in_filter(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
    let schema = filter.input().schema();
    let hidden = Arc::clone(filter.predicate()).transform_down(|expr| {
        let hide = |operand: &Arc<dyn PhysicalExpr>| -> Arc<dyn PhysicalExpr> {
            if reads_float(operand, &schema) && operand.downcast_ref::<Hidden>().is_none() {
                Arc::new(Hidden(Arc::clone(operand)))
            } else {
                Arc::clone(operand)
            }
        };
        let compares = expr.downcast_ref::<BinaryExpr>().is_some_and(|binary| is_comparison(*binary.op()))
            || expr.downcast_ref::<InListExpr>().is_some();
        let children: Vec<_> = expr.children().into_iter().map(hide).collect();
        let is_new =
            compares && children.iter().zip(expr.children()).any(|(new, old)| !Arc::ptr_eq(new, old));
        if is_new {
            Ok(Transformed::yes(expr.with_new_children(children)?))
        } else {
            Ok(Transformed::no(expr))
        }
    })?;
    if !hidden.transformed {
        return Ok(Transformed::no(node));
    }
    let filter = FilterExecBuilder::from(filter).with_predicate(hidden.data).build()?;
    Ok(Transformed::yes(Arc::new(filter)))
}

fn is_comparison(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Returns whether an expression reads a column that may hold NaN.
fn reads_float(expr: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> bool {
    collect_columns(expr)
        .iter()
        .any(|column| schema.fields().get(column.index()).is_none_or(|field| has_float(field.data_type())))
}

/// Returns whether values of a type are or contain floats, which may be NaN.
fn has_float(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => true,
        DataType::Struct(fields) => fields.iter().any(|field| has_float(field.data_type())),
        DataType::Dictionary(_, values) => has_float(values),
        other if other.is_nested() => true,
        _ => false,
    }
}

/// An expression that pruning can't see through.
#[derive(Debug, Eq)]
struct Hidden(Arc<dyn PhysicalExpr>);

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq(&other.0)
    }
}

impl Hash for Hidden {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PhysicalExpr for Hidden {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.0.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.0.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.0.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.0.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.0]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let only = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.0));
        Ok(Arc::new(Self(only)))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_sql(f)
    }
}

/// Returns whether a scan may skip files by a filter, based on the column statistics in the log.
pub(crate) fn may_skip(filter: &Expr, schema: &Schema) -> bool {
    let type_of = |column: &Expr| match column {
        Expr::Column(column) => schema.field_with_name(&column.name).ok().map(Field::data_type),
        _ => None,
    };
    let columns = filter.column_refs();
    let doubtful = |data_type: &DataType| has_float(data_type) || is_rounded(data_type);
    let known = |name: &str| schema.field_with_name(name).is_ok_and(|field| !doubtful(field.data_type()));
    if !is_understood(filter) {
        return false;
    }
    if columns.iter().all(|column| known(&column.name)) {
        // A predicate without columns skips no file.
        return !columns.is_empty();
    }
    match filter {
        Expr::IsNull(column) | Expr::IsNotNull(column) => type_of(column).is_some(),
        Expr::BinaryExpr(LogicalBinary { left, op: Operator::And | Operator::Or, right }) => {
            may_skip(left, schema) && may_skip(right, schema)
        }
        Expr::BinaryExpr(LogicalBinary { left, op, right }) => {
            let (column, op, literal) = match (left.as_ref(), right.as_ref()) {
                (column @ Expr::Column(_), Expr::Literal(literal, _)) => (column, *op, literal),
                (Expr::Literal(literal, _), column @ Expr::Column(_)) => {
                    (column, op.swap().unwrap_or(*op), literal)
                }
                _ => return false,
            };
            // A minimum of 0.0 is stored as -0.0, and only here do the two differ.
            let bounded = match op {
                Operator::Eq | Operator::LtEq => true,
                Operator::Lt => number(literal) != Some(0.0),
                _ => false,
            };
            bounded && number(literal).is_some() && type_of(column).is_some_and(is_float)
        }
        Expr::InList(list) if !list.negated => {
            let numbers = |one: &Expr| matches!(one, Expr::Literal(literal, _) if number(literal).is_some());
            list.list.iter().all(numbers) && type_of(&list.expr).is_some_and(is_float)
        }
        _ => false,
    }
}

/// Returns whether delta-rs understands a whole filter. Of `f(x) = 1 or y = 2` it may understand only the
/// second half, and then skips files by that (deltalake-core 1.1.3, `delta_datafusion/engine/expressions`).
fn is_understood(filter: &Expr) -> bool {
    let value = |expr: &Expr| matches!(expr, Expr::Column(_) | Expr::Literal(..));
    match filter {
        Expr::BinaryExpr(LogicalBinary { left, op: Operator::And | Operator::Or, right }) => {
            is_understood(left) && is_understood(right)
        }
        Expr::Not(inner) => is_understood(inner),
        Expr::BinaryExpr(LogicalBinary { left, right, .. }) => value(left) && value(right),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => value(inner),
        Expr::Between(between) => value(&between.expr) && value(&between.low) && value(&between.high),
        Expr::InList(list) => value(&list.expr) && list.list.iter().all(value),
        Expr::Like(like) => value(&like.expr) && value(&like.pattern),
        Expr::Column(_) => true,
        _ => false,
    }
}

/// Returns whether delta-rs, as a writer, rounds the minimum and maximum of such a column to a 64-bit float.
/// Our own writer doesn't (see `lake/file_writer.rs`), but other writers use delta-rs.
fn is_rounded(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(precision, _) if *precision > 15)
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float32 | DataType::Float64)
}

/// Returns a float literal that isn't NaN.
fn number(literal: &ScalarValue) -> Option<f64> {
    let number = match literal {
        ScalarValue::Float32(Some(number)) => f64::from(*number),
        ScalarValue::Float64(Some(number)) => *number,
        _ => return None,
    };
    (!number.is_nan()).then_some(number)
}
