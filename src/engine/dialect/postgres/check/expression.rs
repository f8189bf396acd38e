//! Type check of expressions.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::Result,
    logical_expr::{BinaryExpr, Case, Expr, Operator, expr::Like},
};

use super::{
    call::function,
    comparison::{compared, in_list, in_subquery, is_comparison},
    fault::apart,
    operand::{as_type, boolean, place, side},
};
use crate::engine::{
    dialect::postgres::{
        refuse::at,
        types::{self, PostgresOperand},
    },
    function::postgres::kind::type_name,
};

/// Type-checks one expression whose operands are already type-checked.
pub(super) fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => binary(*left, op, *right, schema),
        Expr::Not(inner) => Ok(Expr::Not(Box::new(boolean(*inner, schema)?))),
        Expr::IsTrue(inner) => Ok(Expr::IsTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsFalse(inner) => Ok(Expr::IsFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotTrue(inner) => Ok(Expr::IsNotTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotFalse(inner) => Ok(Expr::IsNotFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsUnknown(inner) => Ok(Expr::IsUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotUnknown(inner) => Ok(Expr::IsNotUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::Between(between) => super::comparison::between(between, schema),
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(subquery) => in_subquery(subquery, schema),
        Expr::Like(like) => self::like(like, schema),
        Expr::Case(case) => self::case(case, schema),
        Expr::AggregateFunction(aggregate) => super::aggregate::aggregate(aggregate, schema),
        Expr::WindowFunction(window) => super::aggregate::window(*window, schema),
        Expr::Alias(_)
        | Expr::Column(_)
        | Expr::Literal(..)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Cast(_)
        | Expr::Exists(_)
        | Expr::ScalarSubquery(_)
        | Expr::GroupingSet(_)
        | Expr::OuterReferenceColumn(..)
        | Expr::Unnest(_) => Ok(expr),
        other => {
            let what = format!("`{other}` is not supported with `dialect: postgresql`");
            Err(at(place(&other), what, "write it in another way, or use `dialect: duckdb`"))
        }
    }
}

fn binary(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    match op {
        Operator::And | Operator::Or => {
            let (left, right) = (boolean(left, schema)?, boolean(right, schema)?);
            Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
        }
        op if is_comparison(op) => compared(left, op, right, schema),
        op => {
            let message = format!("the operator `{op}` is not supported with `dialect: postgresql`");
            Err(at(place(&left), message, "use a comparison or a function"))
        }
    }
}

fn like(mut like: Like, schema: &DFSchema) -> Result<Expr> {
    for part in [&mut like.expr, &mut like.pattern] {
        let own = side(part, schema)?;
        if own.data_type != DataType::Utf8 && !own.unknown {
            let message = format!("LIKE takes text, not {}", type_name(&own.data_type));
            return Err(at(place(part), message, "cast it to text: x::text"));
        }
        **part = as_type(std::mem::take(part.as_mut()), &DataType::Utf8, schema)?;
    }
    Ok(Expr::Like(like))
}

fn case(mut case: Case, schema: &DFSchema) -> Result<Expr> {
    if let Some(operand) = case.expr.take() {
        // Each WHEN is a separate comparison.
        for (when, _) in &mut case.when_then_expr {
            let value = std::mem::take(when.as_mut());
            **when = compared(operand.as_ref().clone(), Operator::Eq, value, schema)?;
        }
    } else {
        for (when, _) in &mut case.when_then_expr {
            **when = boolean(std::mem::take(when.as_mut()), schema)?;
        }
    }
    // PostgreSQL looks at ELSE first when it resolves the common type.
    let results = case.else_expr.iter().chain(case.when_then_expr.iter().map(|(_, then)| then));
    let sides: Vec<PostgresOperand> = results.map(|result| side(result, schema)).collect::<Result<_>>()?;
    let Some(wanted) = types::common(&sides) else {
        let place = case.when_then_expr.iter().find_map(|(_, then)| place(then));
        return Err(apart("CASE", &sides, place));
    };
    for (_, then) in &mut case.when_then_expr {
        **then = as_type(std::mem::take(then.as_mut()), &wanted, schema)?;
    }
    if let Some(otherwise) = case.else_expr.take() {
        case.else_expr = Some(Box::new(as_type(*otherwise, &wanted, schema)?));
    }
    Ok(Expr::Case(case))
}
