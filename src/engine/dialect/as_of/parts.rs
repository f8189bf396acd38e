//! Parts of an ASOF JOIN: its keys and its inequality.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue, plan_err},
    error::Result,
    logical_expr::{BinaryExpr, Expr, Join, Operator, utils::split_conjunction},
};

use crate::engine::dialect::marker::AS_OF;

/// The conditions of an ASOF JOIN. The left side's expression comes first in each.
pub(super) struct AsOfParts {
    pub(super) keys: Vec<(Expr, Expr)>,
    pub(super) time: (Expr, Operator, Expr),
}

impl AsOfParts {
    pub(super) fn of(join: &Join) -> Result<Self> {
        let mut keys = join.on.clone();
        let mut time = None;
        for part in join.filter.iter().flat_map(split_conjunction) {
            let (comparison, is_time) = marked(part).map_or((part, false), |inner| (inner, true));
            let Expr::BinaryExpr(BinaryExpr { left, op, right }) = comparison else {
                return plan_err!("an ASOF JOIN takes conditions with = and one inequality");
            };
            let (left, op, right) = sides(left, *op, right, join)?;
            match op {
                Operator::Eq if !is_time => keys.push((left, right)),
                op if is_time => time = Some((left, op, right)),
                _ => return plan_err!("an ASOF JOIN takes conditions with = and one inequality"),
            }
        }
        if let Some(time) = time {
            Ok(Self { keys, time })
        } else {
            plan_err!("an ASOF JOIN needs an inequality")
        }
    }
}

/// Returns a comparison with the left side's expression first.
fn sides(left: &Expr, op: Operator, right: &Expr, join: &Join) -> Result<(Expr, Operator, Expr)> {
    let is_of = |expr: &Expr, schema: &DFSchema| {
        let columns = expr.column_refs();
        !columns.is_empty() && columns.iter().all(|column| schema.has_column(column))
    };
    let (of_left, of_right) = (join.left.schema(), join.right.schema());
    if is_of(left, of_left) && is_of(right, of_right) {
        return Ok((left.clone(), op, right.clone()));
    }
    match op.swap() {
        Some(swapped) if is_of(right, of_left) && is_of(left, of_right) => {
            Ok((right.clone(), swapped, left.clone()))
        }
        _ => plan_err!(
            "each condition of an ASOF JOIN compares a column of one table with one of the other: filter \
             the tables in subqueries before they are joined"
        ),
    }
}

/// Returns a NULL of a type.
pub(super) fn null_of(data_type: &DataType) -> Result<Expr> {
    Ok(Expr::Literal(ScalarValue::try_from(data_type)?, None))
}

/// Returns the expression inside the mark, or `None` if the expression isn't a mark.
pub(super) fn marked(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::ScalarFunction(call) if call.func.name() == AS_OF => call.args.first(),
        _ => None,
    }
}
