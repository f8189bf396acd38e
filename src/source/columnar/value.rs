//! A value of an Arrow array, as a token to validate and as JSON.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{
            DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
            UInt16Type, UInt32Type, UInt64Type,
        },
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::DataFusionError,
};
use serde_json::Value;

use crate::source::{cell::CellToken, kind::ColumnKind};

/// Returns the value of a row, to be validated against a kind. `text` is the buffer for values that the array
/// doesn't hold as text.
pub(super) fn token<'a>(
    array: &'a ArrayRef,
    row: usize,
    kind: ColumnKind,
    text: &'a mut String,
) -> Result<CellToken<'a>, DataFusionError> {
    if array.is_null(row) {
        return Ok(CellToken::Null);
    }
    if let Some(number) = integer(array, row) {
        return Ok(CellToken::Int(number));
    }
    Ok(match array.data_type() {
        DataType::Boolean => CellToken::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => CellToken::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => CellToken::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => CellToken::Text(array.as_string_view().value(row)),
        DataType::Binary => blob(array.as_binary::<i32>().value(row), kind),
        DataType::LargeBinary => blob(array.as_binary::<i64>().value(row), kind),
        DataType::BinaryView => blob(array.as_binary_view().value(row), kind),
        DataType::FixedSizeBinary(_) => blob(array.as_fixed_size_binary().value(row), kind),
        DataType::Float64 => CellToken::Float(array.as_primitive::<Float64Type>().value(row)),
        // As a double it would gain digits that aren't in the file.
        DataType::Float32 if array.as_primitive::<Float32Type>().value(row).is_finite() => {
            *text = array.as_primitive::<Float32Type>().value(row).to_string();
            CellToken::Number(text)
        }
        DataType::Float32 => CellToken::Float(f64::NAN),
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Float16 => {
            *text = shown(array, row)?;
            CellToken::Number(text)
        }
        nested if nested.is_nested() => {
            *text = json(array, row)?.to_string();
            CellToken::Nested(text)
        }
        _ => {
            *text = shown(array, row)?;
            CellToken::Text(text)
        }
    })
}

/// Returns bytes as text if text is wanted and they are valid UTF-8.
fn blob(bytes: &[u8], kind: ColumnKind) -> CellToken<'_> {
    match (kind, str::from_utf8(bytes)) {
        (ColumnKind::Binary, _) | (_, Err(_)) => CellToken::Blob(bytes),
        (_, Ok(text)) => CellToken::Text(text),
    }
}

fn integer(array: &ArrayRef, row: usize) -> Option<i64> {
    Some(match array.data_type() {
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        _ => return None,
    })
}

/// Returns the value of a row as JSON. Values that JSON can't represent become text.
pub(super) fn json(array: &ArrayRef, row: usize) -> Result<Value, DataFusionError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    if let Some(number) = integer(array, row) {
        return Ok(number.into());
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let entries = fields
                .iter()
                .zip(columns)
                .map(|(field, column)| Ok((field.name().clone(), json(column, row)?)));
            Value::Object(entries.collect::<Result<_, DataFusionError>>()?)
        }
        DataType::List(_) => items(&array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row))?,
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entries = (0..entries.len()).map(|at| Ok((shown(keys, at)?, json(values, at)?)));
            Value::Object(entries.collect::<Result<_, DataFusionError>>()?)
        }
        _ => shown(array, row)?.into(),
    })
}

fn items(array: &ArrayRef) -> Result<Value, DataFusionError> {
    (0..array.len()).map(|at| json(array, at)).collect()
}

fn float(number: f64) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// Formats a value for people.
pub(super) fn shown(array: &ArrayRef, row: usize) -> Result<String, DataFusionError> {
    let options = FormatOptions::default().with_null("null").with_display_error(true);
    // A value without a textual form, such as an instant far out of range, formats as an error message.
    Ok(ArrayFormatter::try_new(array, &options)?.value(row).to_string())
}
