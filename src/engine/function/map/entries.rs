//! Maps in arrays: types, entries, and keys that compare as their values do.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, MapArray},
        compute::{SortOptions, cast},
        datatypes::{DataType, Field},
        row::{RowConverter, Rows, SortField},
    },
    error::{DataFusionError, Result},
};

use crate::engine::function::{call::Call, description::Typing, value::comparable};

/// Builds a map type.
pub(super) fn map_type(key: DataType, value: DataType) -> DataType {
    let fields = vec![Field::new("key", key, false), Field::new("value", value, true)];
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false)
}

/// Returns the key and value types of the first argument.
pub(super) fn pair(typing: &Typing) -> Result<(DataType, DataType)> {
    if let Some(DataType::Map(entries, _)) = typing.types.first()
        && let DataType::Struct(pair) = entries.data_type()
        && let [key, value] = pair.as_ref()
    {
        return Ok((key.data_type().clone(), value.data_type().clone()));
    }
    datafusion::common::plan_err!("a NULL without a type has no entries: cast it to a map")
}

pub(super) fn map_of(call: &Call, argument: usize) -> Result<MapArray> {
    let column = call.array(argument)?;
    match column.as_map_opt() {
        Some(map) => Ok(map.clone()),
        None => Err(DataFusionError::Internal(format!("argument {argument} is no map"))),
    }
}

/// Returns the range of a row's entries.
pub(super) fn entries(map: &MapArray, row: usize) -> std::ops::Range<usize> {
    let end = |at: usize| usize::try_from(map.value_offsets()[at]).unwrap_or(0);
    end(row)..end(row + 1)
}

/// Converts columns to rows that compare as their values do; all columns are cast to the type of the first.
pub(super) fn rows(columns: &[&ArrayRef]) -> Result<Vec<Rows>> {
    let data_type = columns[0].data_type();
    let options = SortOptions::new(false, false);
    let converter = RowConverter::new(vec![SortField::new_with_options(data_type.clone(), options)])?;
    let rows = columns
        .iter()
        .map(|column| Ok(converter.convert_columns(&[comparable(&cast(column, data_type)?)?])?));
    rows.collect()
}
