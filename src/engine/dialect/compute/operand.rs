//! Operands of arithmetic kernels: columns and constants, and the errors of a result that doesn't fit.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, Scalar, new_null_array,
        },
        compute,
        datatypes::DataType,
        error::ArrowError,
    },
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
};

use crate::engine::{cast::types, operation::Operation};

/// Runs a kernel on a column or a constant.
pub(super) fn with_datum<T>(
    value: &ColumnarValue,
    kernel: impl FnOnce(&dyn Datum) -> std::result::Result<T, ArrowError>,
) -> std::result::Result<T, ArrowError> {
    match value {
        ColumnarValue::Array(array) => kernel(array),
        ColumnarValue::Scalar(value) => match value.to_scalar() {
            Ok(scalar) => kernel(&scalar),
            Err(error) => Err(ArrowError::ExternalError(Box::new(error))),
        },
    }
}

pub(super) fn overflow(operation: Operation, result: &DataType, error: &ArrowError) -> DataFusionError {
    let detail = match error {
        ArrowError::ArithmeticOverflow(text) => {
            text.strip_prefix("Overflow happened on: ").unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    };
    DataFusionError::Execution(format!(
        "{detail} is out of range of {}: cast an operand of `{}` to a wider type",
        types::name(result),
        operation.symbol()
    ))
}

pub(super) fn out_of_range(what: &str) -> DataFusionError {
    DataFusionError::Execution(format!("{what} out of range"))
}

/// Returns the divisors, with zeros replaced by NULL.
pub(super) fn without_zeros(divisor: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    let divisor = divisor.to_array(rows)?;
    let zero = compute::cast(
        &(Arc::new(datafusion::arrow::array::Int64Array::from(vec![0])) as ArrayRef),
        divisor.data_type(),
    )?;
    let zeros = compute::kernels::cmp::eq(&divisor, &Scalar::new(zero))?;
    // Arrow treats negative zero as a distinct value.
    let zeros = if divisor.data_type().is_floating() {
        let negative = compute::cast(
            &(Arc::new(datafusion::arrow::array::Float64Array::from(vec![-0.0])) as ArrayRef),
            divisor.data_type(),
        )?;
        compute::or_kleene(&zeros, &compute::kernels::cmp::eq(&divisor, &Scalar::new(negative))?)?
    } else {
        zeros
    };
    Ok(compute::nullif(&divisor, &zeros)?)
}

/// Applies a function to every row where neither operand is NULL.
pub(super) fn zipped<L: ArrowPrimitiveType, R: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    function: impl Fn(L::Native, R::Native) -> Result<O::Native>,
) -> Result<ArrayRef> {
    // Fast path for constants, which are common: no copy, and no null check per row.
    let result: PrimitiveArray<O> = match (left, right) {
        (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
            let right = right.to_array()?;
            if right.is_null(0) {
                return Ok(new_null_array(&O::DATA_TYPE, rows));
            }
            let right = right.as_primitive::<R>().value(0);
            left.as_primitive::<L>().try_unary(|left| function(left, right))?
        }
        (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
            let left = left.to_array()?;
            if left.is_null(0) {
                return Ok(new_null_array(&O::DATA_TYPE, rows));
            }
            let left = left.as_primitive::<L>().value(0);
            right.as_primitive::<R>().try_unary(|right| function(left, right))?
        }
        _ => {
            let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
            let pairs = left.as_primitive::<L>().iter().zip(right.as_primitive::<R>());
            let values = pairs.map(|pair| match pair {
                (Some(left), Some(right)) => function(left, right).map(Some),
                _ => Ok(None),
            });
            values.collect::<Result<PrimitiveArray<O>>>()?
        }
    };
    Ok(Arc::new(result))
}

/// Works like [`zipped`], but the function may return NULL.
pub(super) fn zipped_option<L: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    function: impl Fn(L::Native, R::Native) -> Result<Option<L::Native>>,
) -> Result<ArrayRef> {
    let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
    let pairs = left.as_primitive::<L>().iter().zip(right.as_primitive::<R>());
    let values = pairs.map(|pair| match pair {
        (Some(left), Some(right)) => function(left, right),
        _ => Ok(None),
    });
    Ok(Arc::new(values.collect::<Result<PrimitiveArray<L>>>()?))
}
