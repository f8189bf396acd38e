//! Arrow's casts, with PostgreSQL's errors for values out of range.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray},
        compute::{self, CastOptions},
        datatypes::{DataType, Date32Type, Int64Type},
    },
    error::{DataFusionError, Result},
};

use crate::engine::function::postgres::kind::{TIMESTAMP, type_name};

pub(super) fn arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    compute::cast_with_options(array, to, &options)
        .map_err(|_| DataFusionError::Execution(format!("{} out of range", type_name(to))))
}

/// Returns the days of timestamps.
pub(super) fn days(array: &ArrayRef) -> Result<ArrayRef> {
    let micros = compute::cast(&arrow(array, &TIMESTAMP)?, &DataType::Int64)?;
    let micros = micros.as_primitive::<Int64Type>();
    let days = |micros: i64| i32::try_from(micros.div_euclid(86_400_000_000)).unwrap_or_default();
    Ok(Arc::new(micros.unary::<_, Date32Type>(days)))
}
