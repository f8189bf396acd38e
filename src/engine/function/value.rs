//! Values as DuckDB compares them: 0.0 equals -0.0, and every NaN equals every other.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, StructArray},
        datatypes::{DataType, Float32Type, Float64Type},
    },
    error::Result,
};

/// The same values with one zero and one NaN, so that equal values have equal bytes.
pub(super) fn comparable(column: &ArrayRef) -> Result<ArrayRef> {
    if !has_floats(column.data_type()) {
        return Ok(Arc::clone(column));
    }
    Ok(match column.data_type() {
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
        ),
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
        ),
        DataType::List(field) => {
            let list = column.as_list::<i32>();
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                comparable(list.values())?,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns().iter().map(comparable).collect::<Result<_>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, column.nulls().cloned())?)
        }
        _ => Arc::clone(column),
    })
}

fn has_floats(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(field) => has_floats(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_floats(field.data_type())),
        _ => false,
    }
}
