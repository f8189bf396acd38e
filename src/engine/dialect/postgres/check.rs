//! The type check: assigns PostgreSQL's types to every expression of a plan, inserts casts where PostgreSQL
//! casts implicitly, and rejects what PostgreSQL rejects before anything runs.
//!
//! - `expression`: one expression; `comparison`, `call`, `aggregate`: kinds of expressions
//! - `operand`: types and casts of operands
//! - `fault`: errors

mod aggregate;
mod call;
mod comparison;
mod expression;
mod fault;
mod operand;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, DFSchema, NullEquality, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Join, JoinType, LogicalPlan, LogicalPlanBuilder, Projection,
        RecursiveQuery, Union, Values, expr_rewriter::NamePreserver, utils::merge_schema,
    },
};

use self::{
    comparison::compared,
    expression::expression,
    fault::{apart, by_interval, incomparable},
    operand::{as_type, boolean, length, place, side},
};
use super::{
    cast,
    refuse::at,
    types::{self, PostgresOperand},
};
use crate::engine::function::postgres::kind::type_name;

/// Type-checks a plan with PostgreSQL's rules.
///
/// # Errors
/// For the first expression whose types don't fit, with its location where one is known.
pub(super) fn check(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| node_types(node).map(Transformed::yes))?.data;
    known(plan)
}

/// Type-checks a comparison and its operands, and casts them to their common type.
pub(super) fn comparison_of(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let typed = |side: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(side.transform_up(|expr| expression(expr, schema).map(Transformed::yes))?.data))
    };
    let (left, right) = (typed(binary.left)?, typed(binary.right)?);
    compared(*left, binary.op, *right, schema)
}

fn node_types(node: LogicalPlan) -> Result<LogicalPlan> {
    let node = match node {
        LogicalPlan::Values(values) => return values_types(values),
        LogicalPlan::Union(union) => return union_types(&union),
        LogicalPlan::RecursiveQuery(query) => return recursive(query),
        LogicalPlan::Limit(_) => return Ok(node),
        LogicalPlan::SubqueryAlias(mut alias) => {
            alias.input = Arc::new(known(Arc::unwrap_or_clone(alias.input))?);
            LogicalPlan::SubqueryAlias(alias).recompute_schema()?
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => node.recompute_schema()?,
        _ => {
            return Err(at(None, "this query is not supported with `dialect: postgresql`", "write a SELECT"));
        }
    };
    let mut schema = merge_schema(&node.inputs());
    if let LogicalPlan::TableScan(scan) = &node {
        schema.merge(&DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?);
    }
    let preserver = NamePreserver::new(&node);
    let node = node
        .map_expressions(|expr| {
            let name = preserver.save(&expr);
            let typed = expr.transform_up(|expr| expression(expr, &schema).map(Transformed::yes))?;
            Ok(typed.update_data(|expr| name.restore(expr)))
        })?
        .data;
    let node = match node {
        LogicalPlan::Filter(mut filter) => {
            filter.predicate = boolean(filter.predicate, &schema)?;
            LogicalPlan::Filter(filter)
        }
        LogicalPlan::Join(join) => join_types(join)?,
        LogicalPlan::Sort(mut sort) => {
            // Intervals are ordered by their length.
            for key in &mut sort.expr {
                let own = key.expr.get_type(&schema)?;
                key.expr = length(std::mem::take(&mut key.expr), &own);
            }
            LogicalPlan::Sort(sort)
        }
        LogicalPlan::Aggregate(ref aggregate) => {
            for key in &aggregate.group_expr {
                if has_interval(key, &schema)? {
                    return Err(by_interval("grouped", place(key)));
                }
            }
            node
        }
        LogicalPlan::Distinct(_) => {
            let fields = node.schema().fields();
            if fields.iter().any(|field| matches!(field.data_type(), DataType::Interval(_))) {
                return Err(by_interval("made distinct", None));
            }
            node
        }
        other => other,
    };
    node.recompute_schema()
}

fn has_interval(key: &Expr, schema: &DFSchema) -> Result<bool> {
    if let Expr::GroupingSet(sets) = key {
        let keys = sets.distinct_expr();
        return keys.into_iter().try_fold(false, |found, key| Ok(found || has_interval(key, schema)?));
    }
    Ok(matches!(key.get_type(schema)?, DataType::Interval(_)))
}

/// Casts columns without a type to text, as PostgreSQL does.
fn known(plan: LogicalPlan) -> Result<LogicalPlan> {
    let fields = plan.schema().fields();
    if !fields.iter().any(|field| field.data_type() == &DataType::Null) {
        return Ok(plan);
    }
    let wanted: Vec<DataType> =
        fields
            .iter()
            .map(|field| {
                if field.data_type() == &DataType::Null { DataType::Utf8 } else { field.data_type().clone() }
            })
            .collect();
    as_columns(&Arc::new(plan), &wanted)
}

/// Type-checks VALUES: each column gets the common type of its values.
fn values_types(values: Values) -> Result<LogicalPlan> {
    let empty = DFSchema::empty();
    let mut rows = Vec::with_capacity(values.values.len());
    for row in values.values {
        let typed = row.into_iter().map(|mut expr| {
            // Undo the planner's own choice of a common type.
            while let Expr::Cast(cast) = expr {
                expr = *cast.expr;
            }
            Ok(expr.transform_up(|expr| expression(expr, &empty).map(Transformed::yes))?.data)
        });
        rows.push(typed.collect::<Result<Vec<Expr>>>()?);
    }
    for column in 0..rows.first().map_or(0, Vec::len) {
        let sides = rows.iter().filter_map(|row| row.get(column)).map(|expr| side(expr, &empty));
        let sides: Vec<PostgresOperand> = sides.collect::<Result<_>>()?;
        let Some(meeting) = types::common(&sides) else { return Err(apart("VALUES", &sides, None)) };
        for row in &mut rows {
            if let Some(value) = row.get_mut(column) {
                *value = as_type(std::mem::take(value), &meeting, &empty)?;
            }
        }
    }
    LogicalPlanBuilder::values(rows)?.build()
}

/// Returns a column of an input of a set operation; its type is open if it is a text literal or NULL.
fn column_side(plan: &LogicalPlan, at: usize) -> PostgresOperand {
    let data_type = plan.schema().field(at).data_type().clone();
    let mut text = None;
    if let LogicalPlan::Projection(projection) = plan {
        let mut expr = &projection.expr[at];
        while let Expr::Alias(alias) = expr {
            expr = &alias.expr;
        }
        if let Expr::Literal(ScalarValue::Utf8(Some(value)), _) = expr {
            text = Some(value.clone());
        }
    }
    PostgresOperand { unknown: data_type == DataType::Null || text.is_some(), data_type, text }
}

/// Returns the common types of two inputs' columns.
fn set_types(left: &LogicalPlan, right: &LogicalPlan) -> Result<Vec<DataType>> {
    let columns = left.schema().fields().len();
    if right.schema().fields().len() != columns {
        return Err(at(
            None,
            "each side of a set operation must have the same number of columns",
            "name the columns",
        ));
    }
    (0..columns)
        .map(|column| {
            let sides = [column_side(left, column), column_side(right, column)];
            types::common(&sides).ok_or_else(|| {
                let name = left.schema().field(column).name().clone();
                apart(&format!("the column `{name}` of a set operation"), &sides, None)
            })
        })
        .collect()
}

fn union_types(union: &Union) -> Result<LogicalPlan> {
    let Some(first) = union.inputs.first() else { return Ok(LogicalPlan::Union(union.clone())) };
    let mut wanted: Vec<DataType> =
        first.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    if let [left, right] = union.inputs.as_slice() {
        wanted = set_types(left, right)?;
    } else {
        for input in &union.inputs[1..] {
            for (wanted, field) in wanted.iter_mut().zip(input.schema().fields()) {
                let side = |data_type: &DataType| PostgresOperand {
                    data_type: data_type.clone(),
                    unknown: data_type == &DataType::Null,
                    text: None,
                };
                let sides = [side(wanted), side(field.data_type())];
                *wanted = types::common(&sides).ok_or_else(|| apart("UNION", &sides, None))?;
            }
        }
    }
    let inputs = union.inputs.iter().map(|input| as_columns(input, &wanted).map(Arc::new));
    let inputs: Vec<_> = inputs.collect::<Result<_>>()?;
    Union::try_new(inputs).map(LogicalPlan::Union)
}

/// Casts a plan's columns to these types.
fn as_columns(input: &Arc<LogicalPlan>, wanted: &[DataType]) -> Result<LogicalPlan> {
    if input.schema().fields().iter().zip(wanted).all(|(field, wanted)| field.data_type() == wanted) {
        return Ok(input.as_ref().clone());
    }
    let columns = input.schema().iter().zip(wanted).map(|((qualifier, field), wanted)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let typed = cast::cast(column, field.data_type(), wanted, None)?;
        Ok(match qualifier {
            Some(qualifier) => typed.alias_qualified(Some(qualifier.clone()), field.name()),
            None => typed.alias(field.name()),
        })
    });
    Projection::try_new(columns.collect::<Result<_>>()?, Arc::clone(input)).map(LogicalPlan::Projection)
}

/// Type-checks WITH RECURSIVE: the first part decides the types, and the second must match them.
fn recursive(mut query: RecursiveQuery) -> Result<LogicalPlan> {
    query.static_term = Arc::new(known(Arc::unwrap_or_clone(query.static_term))?);
    let (first, second) = (query.static_term.schema(), query.recursive_term.schema());
    for (column, (own, theirs)) in first.fields().iter().zip(second.fields()).enumerate() {
        let theirs = match uncast(&query.recursive_term, column)? {
            Some(before) => before,
            None => theirs.data_type().clone(),
        };
        if own.data_type() != &theirs && theirs != DataType::Null {
            return Err(at(
                None,
                format!(
                    "recursive query \"{}\" column {} has type {} in non-recursive term but type {} overall",
                    query.name,
                    column + 1,
                    type_name(own.data_type()),
                    type_name(&theirs)
                ),
                "cast the column of the first SELECT to the type of the second",
            ));
        }
    }
    LogicalPlan::RecursiveQuery(query).recompute_schema()
}

/// Returns the type of a column before the planner's cast, or `None` if there is no cast.
fn uncast(plan: &LogicalPlan, column: usize) -> Result<Option<DataType>> {
    let LogicalPlan::Projection(projection) = plan else { return Ok(None) };
    let mut expr = &projection.expr[column];
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    match expr {
        Expr::Cast(cast) => cast.expr.get_type(projection.input.schema()).map(Some),
        _ => Ok(None),
    }
}

/// Type-checks a join: its keys like operands of `=`, and the keys of INTERSECT and EXCEPT like columns of a
/// set operation.
fn join_types(mut join: Join) -> Result<LogicalPlan> {
    let (left_schema, right_schema) = (Arc::clone(join.left.schema()), Arc::clone(join.right.schema()));
    let is_set_operation = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull;
    if is_set_operation {
        return set_operation(&join);
    }
    let mut on = Vec::with_capacity(join.on.len());
    for (left, right) in join.on {
        let sides = [side(&left, &left_schema)?, side(&right, &right_schema)?];
        let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
            return Err(incomparable(&left, &right, &sides, "="));
        };
        let (left, right) =
            (as_type(left, &meeting, &left_schema)?, as_type(right, &meeting, &right_schema)?);
        on.push((length(left, &meeting), length(right, &meeting)));
    }
    join.on = on;
    if let Some(filter) = join.filter.take() {
        join.filter = Some(boolean(filter, &left_schema.join(&right_schema)?)?);
    }
    Ok(LogicalPlan::Join(join))
}

/// Type-checks INTERSECT or EXCEPT. With ALL, duplicates count: numbering the copies of each row on both
/// sides makes one copy cancel one.
fn set_operation(join: &Join) -> Result<LogicalPlan> {
    use datafusion::{functions_window::expr_fn::row_number, logical_expr::ExprFunctionExt};
    const COPY: &str = "$copy";
    let names = |plan: &LogicalPlan| -> Vec<Expr> {
        let columns = plan.schema().iter();
        columns
            .map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name())))
            .collect()
    };
    let wanted = set_types(&join.left, &join.right)?;
    if wanted.iter().any(|of| matches!(of, DataType::Interval(_))) {
        return Err(by_interval("compared by a set operation", None));
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
