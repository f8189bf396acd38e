//! Limits on what functions allocate for one batch of rows. Batches are small, but a short expression can ask
//! for a list of a million numbers in each row, or for a constant list once for each item of another list. An
//! allocation that fails ends the process, so its size is checked first.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, UInt32Array},
        compute::take,
        datatypes::DataType,
    },
    common::exec_err,
    error::Result,
    logical_expr::ColumnarValue,
};

/// The maximum number of bytes in the results for one batch of rows. A column of texts can hold twice as
/// much.
pub(super) const MOST: usize = 1 << 30;

/// Fails if the results of this many rows take too many bytes.
pub(super) fn check(rows: usize, bytes: usize) -> Result<()> {
    if bytes <= MOST {
        return Ok(());
    }
    exec_err!("the results of {rows} rows take more than 1 GB at once")
}

/// Takes rows of an array by their places.
pub(super) fn taken(array: &dyn Array, places: &UInt32Array) -> Result<ArrayRef> {
    let bytes = match array.data_type().primitive_width() {
        Some(width) => width.saturating_mul(places.len()),
        None => places.iter().flatten().map(|place| bytes(array, place as usize, place as usize + 1)).sum(),
    };
    check(places.len(), bytes)?;
    Ok(take(array, places, None)?)
}

/// Returns a value as a column of this many rows.
pub(super) fn expanded(value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    if let ColumnarValue::Scalar(scalar) = value {
        let one = scalar.to_array_of_size(1)?;
        check(rows, bytes(one.as_ref(), 0, 1).saturating_mul(rows))?;
    }
    value.to_array(rows)
}

/// Returns the number of bytes in a column.
pub(super) fn size(array: &dyn Array) -> usize {
    bytes(array, 0, array.len())
}

/// Returns the number of bytes in the values of some rows.
fn bytes(array: &dyn Array, start: usize, end: usize) -> usize {
    // The offsets of valid arrays are not negative.
    let place = |offset: i32| usize::try_from(offset).unwrap_or_default();
    match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            place(offsets[end]) - place(offsets[start])
        }
        DataType::Binary => {
            let offsets = array.as_binary::<i32>().value_offsets();
            place(offsets[end]) - place(offsets[start])
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            bytes(list.values().as_ref(), place(offsets[start]), place(offsets[end])) + 4 * (end - start)
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            bytes(map.entries(), place(offsets[start]), place(offsets[end])) + 4 * (end - start)
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            columns.iter().map(|column| bytes(column.as_ref(), start, end)).sum()
        }
        of => of.primitive_width().unwrap_or(1).saturating_mul(end - start),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::{
        arrow::array::{Int64Array, ListArray, StringArray, types::Int64Type},
        common::ScalarValue,
    };

    use super::*;

    #[test]
    fn the_size_is_that_of_the_rows_and_not_of_what_they_are_part_of() {
        let texts = StringArray::from(vec!["", "abc", "defgh"]);
        assert_eq!((size(&texts), size(&texts.slice(1, 1))), (8, 3));
        let rows = [Some(vec![Some(1_i64), Some(2)]), None, Some(vec![Some(3)])];
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(rows);
        assert_eq!((size(&lists), size(&lists.slice(2, 1))), (36, 12));
    }

    #[test]
    fn what_would_take_gigabytes_is_refused_before_it_is_made() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![0; 1000]));
        let list = ListArray::new(
            Arc::new(datafusion::arrow::datatypes::Field::new_list_field(DataType::Int64, true)),
            datafusion::arrow::buffer::OffsetBuffer::from_lengths([1000]),
            numbers,
            None,
        );
        let scalar = ColumnarValue::Scalar(ScalarValue::List(Arc::new(list.clone())));
        assert!(expanded(&scalar, 100).is_ok() && expanded(&scalar, 1_000_000).is_err());
        let places = |rows| UInt32Array::from(vec![0; rows]);
        assert!(taken(&list, &places(100)).is_ok() && taken(&list, &places(1_000_000)).is_err());
    }
}
