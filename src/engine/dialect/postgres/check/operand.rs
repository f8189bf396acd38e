//! Operands: their types, their positions, and casts to a wanted type.

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        DFSchema, ScalarValue, Span,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::{DataFusionError, Result},
    logical_expr::{Expr, ExprSchemable},
};

use crate::engine::{
    dialect::postgres::{cast, refuse::at, types::PostgresOperand},
    function::postgres::kind::{GivenArgument, PostgresKind, type_name},
};

/// Returns an expression as an operand.
pub(super) fn side(expr: &Expr, schema: &DFSchema) -> Result<PostgresOperand> {
    let data_type = expr.get_type(schema)?;
    let text = match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text.clone()),
        _ => None,
    };
    Ok(PostgresOperand { unknown: data_type == DataType::Null || text.is_some(), data_type, text })
}

pub(super) fn given(expr: &Expr, schema: &DFSchema) -> Result<GivenArgument> {
    let literal = match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        _ => None,
    };
    Ok(GivenArgument { data_type: expr.get_type(schema)?, literal })
}

/// Casts an expression to a type unless it already has it.
pub(super) fn as_type(expr: Expr, wanted: &DataType, schema: &DFSchema) -> Result<Expr> {
    let own = expr.get_type(schema)?;
    let place = place(&expr);
    cast::cast(expr, &own, wanted, None).map_err(|error| placed(error, place))
}

pub(super) fn placed(error: DataFusionError, place: Option<Span>) -> DataFusionError {
    if error.diagnostic().is_some() {
        return error;
    }
    let message = crate::engine::message(&error);
    at(place, message, "write a value of that type")
}

pub(super) fn boolean(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let own = side(&expr, schema)?;
    if own.data_type != DataType::Boolean && !own.unknown {
        let message = format!("a condition must be boolean, not {}", type_name(&own.data_type));
        return Err(at(place(&expr), message, "compare it with something"));
    }
    as_type(expr, &DataType::Boolean, schema)
}

/// Replaces an interval with its length, by which intervals are compared.
pub(super) fn length(expr: Expr, of: &DataType) -> Expr {
    if matches!(of, DataType::Interval(_)) { crate::engine::cast::interval_length(expr) } else { expr }
}

/// Returns the location of an expression, which only its columns record.
pub(super) fn place(expr: &Expr) -> Option<Span> {
    let mut found = None;
    let visited = expr.apply(|part| {
        if let Expr::Column(column) = part
            && let Some(span) = column.spans().first()
        {
            found = Some(span);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor never fails");
    found
}

/// Returns whether values of a type have an order and a digest.
pub(super) fn is_plain(of: &DataType) -> bool {
    PostgresKind::of(of).is_some() || of == &DataType::Null
}
