//! Evaluation of constant expressions at planning time.

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

/// Returns the value of an expression whose types are already checked.
///
/// # Errors
/// If it isn't constant, or can't be computed.
pub(super) fn evaluated(typed: &Expr) -> Result<ScalarValue> {
    if typed.any_column_refs() || typed.is_volatile() {
        return plan_err!("this must be a constant");
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let empty = DFSchema::empty();
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    match create_physical_expr(typed, &empty, &ExecutionProps::new(), &PhysicalPlanningContext::default())?
        .evaluate(&row)?
    {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(values) => ScalarValue::try_from_array(&values, 0),
    }
}
