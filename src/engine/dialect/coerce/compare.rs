//! Type check of comparisons, conditions, `||` and CASE.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    error::{DataFusionError, Result},
    logical_expr::{
        BinaryExpr, Case, Expr, ExprSchemable, Operator,
        expr::{Between, InList, InSubquery, Like, ScalarFunction},
    },
};

use super::super::order;
use super::{
    columns::as_columns,
    operand::{Literal, Operand, as_type, boolean, cast_at, comparison, meet, meeting},
    place::{PlaceClues, at, incomparable, placed},
};
use crate::engine::{
    cast::{
        self,
        types::{self, CastTarget, TypeRule, common, is_text},
    },
    function::joined_lists,
};

pub(super) fn binary(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let BinaryExpr { left, op, right } = binary;
    let (left_type, right_type) = (left.get_type(schema)?, right.get_type(schema)?);
    let made = |left, right| Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))));
    match op {
        Operator::And | Operator::Or => made(boolean(*left, schema)?, boolean(*right, schema)?),
        Operator::StringConcat => concat(*left, &left_type, *right, &right_type),
        op if is_comparison(op) => {
            let (left, right) = uuids(left, right)?;
            let sides = (Operand::of(&left, left_type.clone()), Operand::of(&right, right_type.clone()));
            let Some(meeting) = comparison(&sides.0, &sides.1) else {
                return Err(incomparable(&left, &left_type, &right, &right_type, &op.to_string()));
            };
            let left = cast_at(*left, &left_type, &meeting)?;
            let right = cast_at(*right, &right_type, &meeting)?;
            if matches!(meeting, DataType::Interval(_)) {
                return made(cast::interval_length(left), cast::interval_length(right));
            }
            if meeting.is_nested() && order::is_other(op, &meeting) {
                return Ok(order::compared(left, op, right));
            }
            made(left, right)
        }
        Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor => {
            let sides = (Operand::of(&left, left_type.clone()), Operand::of(&right, right_type.clone()));
            match meet(&sides.0, &sides.1) {
                Some(meeting) if meeting.is_integer() => {
                    made(cast_at(*left, &left_type, &meeting)?, cast_at(*right, &right_type, &meeting)?)
                }
                _ => {
                    let names = (types::name(&left_type), types::name(&right_type));
                    Err(at(
                        &left,
                        format!("`{op}` doesn't take {} and {}", names.0, names.1),
                        "cast both to integers",
                    ))
                }
            }
        }
        _ => made(*left, *right),
    }
}

/// Casts text that is compared with a UUID to a UUID, which normalizes its case and form.
fn uuids(left: Box<Expr>, right: Box<Expr>) -> Result<(Box<Expr>, Box<Expr>)> {
    let is_uuid = |expr: &Expr| cast::rule_of(expr) == TypeRule::Uuid;
    let target = CastTarget { data_type: DataType::Utf8, rule: TypeRule::Uuid };
    let uuid = |expr: Box<Expr>| -> Result<Box<Expr>> {
        let about = PlaceClues::of(&expr);
        let cast = cast::cast(*expr, &DataType::Utf8, &target, false);
        Ok(Box::new(cast.map_err(|error| placed(error, about))?))
    };
    Ok(match (is_uuid(&left), is_uuid(&right)) {
        (true, false) => (left, uuid(right)?),
        (false, true) => (uuid(left)?, right),
        _ => (left, right),
    })
}

pub(super) fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Type-checks a comparison with ANY or ALL of a list.
pub(super) fn quantified(
    mut call: ScalarFunction,
    op: Operator,
    quantifier: &str,
    schema: &DFSchema,
) -> Result<Expr> {
    let (Some(list), Some(value)) = (call.args.pop(), call.args.pop()) else {
        return Err(DataFusionError::Plan(format!("{quantifier} takes a list")));
    };
    let (value_type, list_type) = (value.get_type(schema)?, list.get_type(schema)?);
    let item = match &list_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            item.data_type().clone()
        }
        DataType::Null => value_type.clone(),
        other => {
            let message = format!("{quantifier} takes a list, not {}", types::name(other));
            return Err(at(&list, message, "make it a list: [a, b]"));
        }
    };
    let sides = (
        Operand::of(&value, value_type.clone()),
        Operand { data_type: item.clone(), literal: Literal::None },
    );
    let Some(meeting) = comparison(&sides.0, &sides.1) else {
        return Err(incomparable(&value, &value_type, &list, &item, &format!("{op} {quantifier}")));
    };
    let list = cast_at(list, &list_type, &types::list(meeting.clone()))?;
    call.args = vec![cast_at(value, &value_type, &meeting)?, list];
    Ok(Expr::ScalarFunction(call))
}

/// Type-checks `||`, which concatenates lists, bytes, and everything else as text.
pub(super) fn concat(left: Expr, left_type: &DataType, right: Expr, right_type: &DataType) -> Result<Expr> {
    let is_list = |of: &DataType| {
        matches!(of, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
    };
    if is_list(left_type) || is_list(right_type) {
        let Some(meeting) = common(left_type, right_type).filter(is_list) else {
            let message =
                format!("`||` doesn't take {} and {}", types::name(left_type), types::name(right_type));
            return Err(at(&left, message, "make both lists, or both text"));
        };
        let (left, right) = (cast_at(left, left_type, &meeting)?, cast_at(right, right_type, &meeting)?);
        return Ok(joined_lists(left, right));
    }
    let bytes = |of: &DataType| matches!(of, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
    let wanted = if bytes(left_type) && bytes(right_type) { DataType::Binary } else { DataType::Utf8 };
    let (left, right) = (cast_at(left, left_type, &wanted)?, cast_at(right, right_type, &wanted)?);
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::StringConcat, Box::new(right))))
}

pub(super) fn between(between: Between, schema: &DFSchema) -> Result<Expr> {
    let Between { expr, negated, low, high } = between;
    let mut meeting = Operand::of(&expr, expr.get_type(schema)?);
    for bound in [&low, &high] {
        let side = Operand::of(bound, bound.get_type(schema)?);
        let Some(data_type) = comparison(&meeting, &side) else {
            return Err(incomparable(&expr, &meeting.data_type, bound, &side.data_type, "BETWEEN"));
        };
        meeting = Operand { data_type, literal: Literal::None };
    }
    let wanted = meeting.data_type;
    let typed = |expr: Box<Expr>| -> Result<Box<Expr>> {
        let typed = as_type(*expr, &wanted, schema)?;
        let length = matches!(wanted, DataType::Interval(_));
        Ok(Box::new(if length { cast::interval_length(typed) } else { typed }))
    };
    Ok(Expr::Between(Between { expr: typed(expr)?, negated, low: typed(low)?, high: typed(high)? }))
}

pub(super) fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let InList { expr, list, negated } = list;
    let mut meeting = Operand::of(&expr, expr.get_type(schema)?);
    let first = meeting.data_type.clone();
    for item in &list {
        let side = Operand::of(item, item.get_type(schema)?);
        let Some(data_type) = comparison(&meeting, &side) else {
            return Err(incomparable(&expr, &first, item, &side.data_type, "IN"));
        };
        let literal = if meeting.literal == Literal::Text && side.literal == Literal::Text {
            Literal::Text
        } else {
            Literal::None
        };
        meeting = Operand { data_type, literal };
    }
    let wanted = meeting.data_type;
    let list = list.into_iter().map(|item| as_type(item, &wanted, schema)).collect::<Result<_>>()?;
    Ok(Expr::InList(InList { expr: Box::new(as_type(*expr, &wanted, schema)?), list, negated }))
}

pub(super) fn in_subquery(list: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr, mut subquery, negated } = list;
    let own = expr.get_type(schema)?;
    let theirs = subquery.subquery.schema().field(0).data_type().clone();
    let sides =
        (Operand::of(&expr, own.clone()), Operand { data_type: theirs.clone(), literal: Literal::None });
    let Some(meeting) = comparison(&sides.0, &sides.1) else {
        return Err(incomparable(&expr, &own, &expr, &theirs, "IN"));
    };
    subquery.subquery = Arc::new(as_columns(&subquery.subquery, std::slice::from_ref(&meeting))?);
    Ok(Expr::InSubquery(InSubquery { expr: Box::new(cast_at(*expr, &own, &meeting)?), subquery, negated }))
}

pub(super) fn like(like: Like, schema: &DFSchema) -> Result<Like> {
    for side in [&like.expr, &like.pattern] {
        let own = side.get_type(schema)?;
        if !is_text(&own) && own != DataType::Null {
            return Err(at(
                side,
                format!("LIKE takes VARCHAR, not {}", types::name(&own)),
                "cast it to varchar",
            ));
        }
    }
    Ok(like)
}

pub(super) fn case(mut case: Case, schema: &DFSchema) -> Result<Expr> {
    if let Some(operand) = case.expr.take() {
        let mut meeting = Operand::of(&operand, operand.get_type(schema)?);
        for (when, _) in &case.when_then_expr {
            let side = Operand::of(when, when.get_type(schema)?);
            let Some(data_type) = comparison(&meeting, &side) else {
                return Err(incomparable(&operand, &meeting.data_type, when, &side.data_type, "CASE"));
            };
            meeting = Operand { data_type, literal: Literal::None };
        }
        case.expr = Some(Box::new(as_type(*operand, &meeting.data_type, schema)?));
        for (when, _) in &mut case.when_then_expr {
            **when = as_type(std::mem::take(when.as_mut()), &meeting.data_type, schema)?;
        }
    } else {
        for (when, _) in &mut case.when_then_expr {
            **when = boolean(std::mem::take(when.as_mut()), schema)?;
        }
    }
    let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
    let results: Vec<&Expr> = results.chain(case.else_expr.as_deref()).collect();
    let wanted = meeting(&results, schema, "CASE")?;
    for (_, then) in &mut case.when_then_expr {
        **then = as_type(std::mem::take(then.as_mut()), &wanted, schema)?;
    }
    if let Some(otherwise) = case.else_expr.take() {
        case.else_expr = Some(Box::new(as_type(*otherwise, &wanted, schema)?));
    }
    Ok(Expr::Case(case))
}
