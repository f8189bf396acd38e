//! Type check of comparisons, BETWEEN and IN.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, DFSchema},
    error::Result,
    logical_expr::{
        BinaryExpr, Expr, Operator, Projection,
        expr::{Between, InList, InSubquery},
    },
};

use super::{
    fault::{by_interval, incomparable},
    operand::{as_type, length, place, side},
};
use crate::engine::dialect::postgres::{
    cast,
    types::{self, PostgresOperand},
};

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

/// Type-checks a comparison in the common type of its operands.
pub(super) fn compared(left: Expr, op: Operator, right: Expr, schema: &DFSchema) -> Result<Expr> {
    let sides = [side(&left, schema)?, side(&right, schema)?];
    let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
        return Err(incomparable(&left, &right, &sides, &op.to_string()));
    };
    let (left, right) = (
        length(as_type(left, &meeting, schema)?, &meeting),
        length(as_type(right, &meeting, schema)?, &meeting),
    );
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))))
}

pub(super) fn between(between: Between, schema: &DFSchema) -> Result<Expr> {
    // `x between a and b` compares x with each bound separately.
    let Between { expr, negated, low, high } = between;
    let over = compared(*expr.clone(), Operator::GtEq, *low, schema)?;
    let under = compared(*expr, Operator::LtEq, *high, schema)?;
    let both = Expr::BinaryExpr(BinaryExpr::new(Box::new(over), Operator::And, Box::new(under)));
    Ok(if negated { Expr::Not(Box::new(both)) } else { both })
}

pub(super) fn in_list(list: InList, schema: &DFSchema) -> Result<Expr> {
    let InList { expr, list, negated } = list;
    let own = side(&expr, schema)?;
    let sides: Vec<PostgresOperand> = list.iter().map(|item| side(item, schema)).collect::<Result<_>>()?;
    // Prefer one common type for all items.
    let wanted = match types::common(&[vec![own.clone()], sides.clone()].concat()) {
        Some(found) => {
            let found = PostgresOperand { unknown: false, data_type: found, text: None };
            types::comparable(&own, &found)
        }
        None => None,
    };
    let Some(wanted) = wanted else {
        let other = sides.iter().find(|item| types::comparable(&own, item).is_none()).cloned();
        let other = other.unwrap_or_else(|| own.clone());
        return Err(incomparable(&expr, &expr, &[own, other], "="));
    };
    let typed = |expr: Expr| Ok(length(as_type(expr, &wanted, schema)?, &wanted));
    let list = list.into_iter().map(typed).collect::<Result<_>>()?;
    Ok(Expr::InList(InList { expr: Box::new(typed(*expr)?), list, negated }))
}

pub(super) fn in_subquery(list: InSubquery, schema: &DFSchema) -> Result<Expr> {
    let InSubquery { expr, mut subquery, negated } = list;
    let own = side(&expr, schema)?;
    let plan = &subquery.subquery;
    let theirs = plan.schema().field(0).data_type().clone();
    let other = PostgresOperand { unknown: theirs == DataType::Null, data_type: theirs.clone(), text: None };
    let sides = [own, other];
    let Some(meeting) = types::comparable(&sides[0], &sides[1]) else {
        return Err(incomparable(&expr, &expr, &sides, "="));
    };
    if matches!(meeting, DataType::Interval(_)) {
        return Err(by_interval("searched in a subquery", place(&expr)));
    }
    if theirs != meeting {
        let (qualifier, field) = plan.schema().qualified_field(0);
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let typed = cast::cast(column, &theirs, &meeting, None)?.alias(field.name());
        let made = Projection::try_new(vec![typed], Arc::clone(plan))?;
        subquery.subquery = Arc::new(datafusion::logical_expr::LogicalPlan::Projection(made));
    }
    Ok(Expr::InSubquery(InSubquery { expr: Box::new(as_type(*expr, &meeting, schema)?), subquery, negated }))
}
