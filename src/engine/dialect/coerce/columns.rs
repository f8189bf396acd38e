//! Columns of a plan, cast to wanted types.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::Column,
    error::Result,
    logical_expr::{Expr, LogicalPlan, Projection},
};

use crate::engine::cast;

/// Casts a plan's columns to these types.
pub(super) fn as_columns(input: &Arc<LogicalPlan>, wanted: &[DataType]) -> Result<LogicalPlan> {
    if input.schema().fields().iter().zip(wanted).all(|(field, wanted)| field.data_type() == wanted) {
        return Ok(input.as_ref().clone());
    }
    let columns = input.schema().iter().zip(wanted).map(|((qualifier, field), wanted)| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let typed = cast::implicit(column, field.data_type(), wanted)?;
        Ok(match qualifier {
            Some(qualifier) => typed.alias_qualified(Some(qualifier.clone()), field.name()),
            None => typed.alias(field.name()),
        })
    });
    Projection::try_new(columns.collect::<Result<_>>()?, Arc::clone(input)).map(LogicalPlan::Projection)
}
