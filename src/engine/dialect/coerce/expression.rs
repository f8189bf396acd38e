//! Type check of expressions.

use datafusion::{
    common::{
        DFSchema, ScalarValue,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{BinaryExpr, Expr, ExprSchemable, SortExpr, expr::ScalarFunction},
};

use super::{
    call::function,
    compare::{self, in_list, in_subquery},
    frame,
    operand::boolean,
};
use crate::engine::{
    cast,
    dialect::{arithmetic, correlated, order},
    function::with_backslashes,
    operation::Operation,
};

/// Type-checks an expression over a schema.
pub(in crate::engine::dialect) fn typed(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|part| expression(part, schema).map(Transformed::yes))?.data)
}

/// Type-checks a comparison and its operands, and casts them to their common type.
pub(in crate::engine::dialect) fn comparison_of(binary: BinaryExpr, schema: &DFSchema) -> Result<Expr> {
    let typed = |side: Box<Expr>| -> Result<Box<Expr>> {
        Ok(Box::new(side.transform_up(|expr| expression(expr, schema).map(Transformed::yes))?.data))
    };
    let (left, right) = (typed(binary.left)?, typed(binary.right)?);
    compare::binary(BinaryExpr::new(left, binary.op, right), schema)
}

/// Nested values need a sort key to be sorted in DuckDB's order.
pub(super) fn sort_key(key: &mut SortExpr, schema: &DFSchema) -> Result<()> {
    if key.expr.get_type(schema)?.is_nested() {
        key.expr = order::sort_key(std::mem::take(&mut key.expr));
    }
    Ok(())
}

/// Type-checks one expression whose operands are already type-checked.
pub(super) fn expression(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match expr {
        // A numeric literal, which got its type from `statement`.
        Expr::Cast(cast) if matches!(cast.expr.as_ref(), Expr::Literal(ScalarValue::Int64(_), _)) => {
            match cast.expr.as_ref() {
                Expr::Literal(value, metadata) => {
                    Ok(Expr::Literal(value.cast_to(cast.field.data_type())?, metadata.clone()))
                }
                _ => Ok(Expr::Cast(cast)),
            }
        }
        Expr::ScalarFunction(call) => function(call, schema),
        Expr::Negative(inner) => {
            let call = ScalarFunction::new_udf(arithmetic::function(Operation::Negate), vec![*inner]);
            function(call, schema)
        }
        Expr::BinaryExpr(binary) => compare::binary(binary, schema),
        Expr::Not(inner) => Ok(Expr::Not(Box::new(boolean(*inner, schema)?))),
        Expr::IsTrue(inner) => Ok(Expr::IsTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsFalse(inner) => Ok(Expr::IsFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotTrue(inner) => Ok(Expr::IsNotTrue(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotFalse(inner) => Ok(Expr::IsNotFalse(Box::new(boolean(*inner, schema)?))),
        Expr::IsUnknown(inner) => Ok(Expr::IsUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::IsNotUnknown(inner) => Ok(Expr::IsNotUnknown(Box::new(boolean(*inner, schema)?))),
        Expr::Between(between) => compare::between(between, schema),
        Expr::InList(list) => in_list(list, schema),
        Expr::InSubquery(subquery) => in_subquery(subquery, schema),
        Expr::Like(like) => compare::like(like, schema).and_then(with_backslashes),
        Expr::Case(case) => compare::case(case, schema),
        Expr::WindowFunction(mut window) => {
            for key in &mut window.params.order_by {
                sort_key(key, schema)?;
            }
            // The default of `lag` and `lead` takes the type of the value.
            if let [value, _, default] = window.params.args.as_mut_slice()
                && ["lag", "lead"].contains(&window.fun.name())
            {
                let (from, to) = (default.get_type(schema)?, value.get_type(schema)?);
                *default = cast::implicit(std::mem::take(default), &from, &to)?;
            }
            frame::range(&mut window.params, schema)?;
            Ok(Expr::WindowFunction(window))
        }
        Expr::ScalarSubquery(subquery) => Ok(Expr::ScalarSubquery(correlated::nullable(subquery)?)),
        Expr::Alias(_) | Expr::Column(_) | Expr::Literal(..) => Ok(expr),
        other => Ok(other),
    }
}
