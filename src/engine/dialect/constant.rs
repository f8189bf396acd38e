//! Constants: evaluates expressions without columns at planning time.

use datafusion::{
    common::{DFSchema, ScalarValue},
    error::Result,
    logical_expr::Expr,
};

use super::evaluation::evaluated;

/// Returns the value of a planned expression.
///
/// # Errors
/// If it isn't constant, or can't be computed.
pub(super) fn value(expr: Expr) -> Result<ScalarValue> {
    let empty = DFSchema::empty();
    let typed = super::coerce::typed(expr, &empty)?;
    evaluated(&typed)
}

/// Returns a value as text, or `None` if it is NULL or not text.
pub(super) fn text(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}

/// Returns whether a condition without columns is true.
///
/// # Errors
/// If it isn't constant, or can't be computed.
pub(super) fn holds(expr: Expr) -> Result<bool> {
    Ok(matches!(value(expr)?, ScalarValue::Boolean(Some(true))))
}
