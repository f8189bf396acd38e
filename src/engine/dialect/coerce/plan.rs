//! Plans that combine inputs: rows of VALUES, inputs of set operations, keys of joins.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    error::{DataFusionError, Result},
    logical_expr::{
        Aggregate, Expr, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Union, Values,
    },
};

use super::{
    columns::as_columns,
    expression::expression,
    operand::{Operand, as_type, boolean, comparison, meeting},
    place::incomparable,
};
use crate::engine::cast::{
    self,
    types::{self, common, is_text},
};

/// Type-checks VALUES: each column gets the common type of its values.
pub(super) fn values_types(values: Values) -> Result<LogicalPlan> {
    let empty = DFSchema::empty();
    let mut rows = Vec::with_capacity(values.values.len());
    for row in values.values {
        let row = row.into_iter().map(|expr| {
            Ok(as_written(expr).transform_up(|expr| expression(expr, &empty).map(Transformed::yes))?.data)
        });
        rows.push(row.collect::<Result<Vec<_>>>()?);
    }
    let columns = rows.first().map_or(0, Vec::len);
    for column in 0..columns {
        let operands: Vec<&Expr> = rows.iter().filter_map(|row| row.get(column)).collect();
        let meeting = meeting(&operands, &empty, "VALUES")?;
        for row in &mut rows {
            if let Some(value) = row.get_mut(column) {
                *value = as_type(std::mem::take(value), &meeting, &empty)?;
            }
        }
    }
    LogicalPlanBuilder::values(rows)?.build()
}

/// Removes the planner's cast to the column type, and the type of a NULL, because the planner follows other
/// rules.
fn as_written(value: Expr) -> Expr {
    match value {
        // The type of a numeric literal is a cast too, but that one is DuckDB's.
        Expr::Cast(cast) if !matches!(cast.expr.as_ref(), Expr::Literal(ScalarValue::Int64(_), _)) => {
            *cast.expr
        }
        Expr::Literal(value, metadata) if value.is_null() => Expr::Literal(ScalarValue::Null, metadata),
        other => other,
    }
}

/// Makes `grouping()` a BIGINT.
pub(super) fn groupings(node: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Aggregate(aggregate) = &node else { return Ok(node) };
    let is_grouping = |expr: &Expr| match expr.clone().unalias_nested().data {
        Expr::AggregateFunction(call) => call.func.name() == "grouping",
        _ => false,
    };
    let first = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
    if !aggregate.aggr_expr.iter().any(is_grouping) {
        return Ok(node);
    }
    // The grouping set ID is an internal column.
    let columns = aggregate.schema.columns().into_iter().enumerate();
    let columns = columns.filter(|(_, column)| column.name != Aggregate::INTERNAL_GROUPING_ID);
    let columns = columns.map(|(at, column)| {
        let groups =
            at.checked_sub(first).and_then(|at| aggregate.aggr_expr.get(at)).is_some_and(is_grouping);
        let value = Expr::Column(column.clone());
        if groups { datafusion::logical_expr::cast(value, DataType::Int64).alias(column.name) } else { value }
    });
    let columns: Vec<Expr> = columns.collect();
    LogicalPlanBuilder::from(node).project(columns)?.build()
}

/// Type-checks a UNION: each column gets the common type of its inputs; text absorbs any other type.
pub(super) fn union_types(union: Union) -> Result<LogicalPlan> {
    let Some(first) = union.inputs.first() else { return Ok(LogicalPlan::Union(union)) };
    let columns = first.schema().fields().len();
    let mut wanted: Vec<DataType> =
        first.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    if union.inputs.iter().any(|input| input.schema().fields().len() != columns) {
        return LogicalPlan::Union(union).recompute_schema();
    }
    for input in &union.inputs[1..] {
        for (wanted, field) in wanted.iter_mut().zip(input.schema().fields()) {
            *wanted = set_type(wanted, field.data_type(), field.name())?;
        }
    }
    let inputs = union.inputs.iter().map(|input| as_columns(input, &wanted).map(Arc::new));
    let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
    Union::try_new(inputs).map(LogicalPlan::Union)
}

/// Returns the common type of a column in two inputs of a set operation.
pub(super) fn set_type(left: &DataType, right: &DataType, name: &str) -> Result<DataType> {
    if let Some(meeting) = common(left, right) {
        return Ok(meeting);
    }
    match (is_text(left), is_text(right)) {
        (true, _) if right.is_nested() => return Ok(right.clone()),
        (_, true) if left.is_nested() => return Ok(left.clone()),
        (false, false) => {}
        _ => return Ok(DataType::Utf8),
    }
    Err(DataFusionError::Plan(format!(
        "column {name} is {} on one side and {} on the other: cast one of them",
        types::name(left),
        types::name(right)
    )))
}

/// Type-checks a join: its keys like operands of `=`, and the keys of INTERSECT and EXCEPT like columns of a
/// set operation.
pub(super) fn join_types(mut join: Join) -> Result<LogicalPlan> {
    let (left_schema, right_schema) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let is_set_operation = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == datafusion::common::NullEquality::NullEqualsNull;
    if is_set_operation {
        return set_operation(&join);
    }
    let mut on = Vec::with_capacity(join.on.len());
    for (left, right) in join.on {
        let (left_type, right_type) = (left.get_type(&left_schema)?, right.get_type(&right_schema)?);
        let meeting =
            comparison(&Operand::of(&left, left_type.clone()), &Operand::of(&right, right_type.clone()));
        let Some(meeting) = meeting else {
            return Err(incomparable(&left, &left_type, &right, &right_type, "="));
        };
        on.push((cast::implicit(left, &left_type, &meeting)?, cast::implicit(right, &right_type, &meeting)?));
    }
    join.on = on;
    if let Some(filter) = join.filter.take() {
        let schema = left_schema.join(&right_schema)?;
        join.filter = Some(boolean(filter, &schema)?);
    }
    Ok(LogicalPlan::Join(join))
}

/// Type-checks INTERSECT or EXCEPT. With ALL, duplicates count: numbering the copies of each row on both
/// sides makes one copy cancel one.
pub(super) fn set_operation(join: &Join) -> Result<LogicalPlan> {
    use datafusion::{functions_window::expr_fn::row_number, logical_expr::ExprFunctionExt};
    const COPY: &str = "$copy";
    let names = |plan: &LogicalPlan| -> Vec<Expr> {
        plan.schema()
            .iter()
            .map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())))
            .collect()
    };
    let fields = |plan: &LogicalPlan| -> Vec<DataType> {
        plan.schema().fields().iter().map(|field| field.data_type().clone()).collect()
    };
    let mut wanted = fields(&join.left);
    for (wanted, field) in wanted.iter_mut().zip(join.right.schema().fields()) {
        *wanted = set_type(wanted, field.data_type(), field.name())?;
    }
    let all = !matches!(join.left.as_ref(), LogicalPlan::Distinct(_));
    let numbered = |side: &Arc<LogicalPlan>| -> Result<LogicalPlan> {
        let side = as_columns(side, &wanted)?;
        if !all {
            return Ok(side);
        }
        let number = row_number().partition_by(names(&side)).build()?.alias(COPY);
        LogicalPlanBuilder::from(side).window([number])?.build()
    };
    let (left, right) = (numbered(&join.left)?, numbered(&join.right)?);
    let keys = |plan: &LogicalPlan| -> Vec<Column> {
        plan.schema().iter().map(|(qualifier, field)| Column::new(qualifier.cloned(), field.name())).collect()
    };
    let (left_keys, right_keys) = (keys(&left), keys(&right));
    let columns: Vec<Expr> = names(&left).into_iter().take(wanted.len()).collect();
    let joined = LogicalPlanBuilder::from(left).join_detailed(
        right,
        join.join_type,
        (left_keys, right_keys),
        None,
        join.null_equality,
    )?;
    if all { joined.project(columns)?.build() } else { joined.build() }
}
