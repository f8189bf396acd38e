//! Constants: evaluates expressions without columns at planning time.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{RecordBatch, RecordBatchOptions},
        datatypes::Schema,
    },
    common::{DFSchema, ScalarValue, plan_err},
    error::Result,
    execution::context::ExecutionProps,
    logical_expr::{ColumnarValue, Expr, physical_planning_context::PhysicalPlanningContext},
    physical_expr::create_physical_expr,
};

/// Returns the value of a planned expression.
///
/// # Errors
/// If it isn't constant, or can't be computed.
pub(super) fn value(expr: Expr) -> Result<ScalarValue> {
    let empty = DFSchema::empty();
    let typed = super::coerce::typed(expr, &empty)?;
    if typed.any_column_refs() || typed.is_volatile() {
        return plan_err!("this must be a constant");
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    match create_physical_expr(&typed, &empty, &ExecutionProps::new(), &PhysicalPlanningContext::default())?
        .evaluate(&row)?
    {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0),
    }
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
