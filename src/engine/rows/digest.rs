//! Content digest: a hash of a table's rows that doesn't depend on their order, on batch and partition
//! boundaries, or on Arrow's physical layout. Two versions of a table with the same digest have equal columns
//! and rows, so the second need not be published.
//!
//! Each row is hashed cell by cell, and the row hashes are summed, so the digest is of a multiset. It detects
//! changes; it doesn't resist an adversary. Start at [`RowDigest`].

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayAccessor, ArrayRef, ArrowPrimitiveType, AsArray, OffsetSizeTrait, PrimitiveArray,
            RecordBatch, downcast_primitive_array,
        },
        compute::cast,
        datatypes::{DataType, Float32Type, Float64Type, Schema, ToByteSlice},
        error::ArrowError,
    },
    datasource::provider_as_source,
    logical_expr::LogicalPlanBuilder,
};
use futures::StreamExt;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use crate::engine::{Engine, Table, plan::joins::Joins};

/// The initial value of a row's hash.
const ROW: u64 = 0x9e37_79b9_7f4a_7c15;
/// Added to a row's hash before a NULL is folded in, so that NULL differs from every value.
const NULL: u64 = 0xd6e8_feb8_6659_fd93;

/// The digest of the rows seen so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDigest {
    schema: Vec<u8>,
    rows: u64,
    sum: u64,
    mixed: u64,
}

impl RowDigest {
    /// Creates the digest of no rows with these columns. Their names, order and logical types count.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let mut described = Vec::new();
        for field in schema.fields() {
            described.extend_from_slice(field.name().as_bytes());
            described.push(0);
            describe(field.data_type(), &mut described);
            described.push(0);
        }
        Self { schema: described, rows: 0, sum: 0, mixed: 0 }
    }

    /// Adds the rows of a batch.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        for hash in hashes(batch)? {
            self.sum = self.sum.wrapping_add(hash);
            self.mixed = self.mixed.wrapping_add(mixed(hash));
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Adds the rows of another digest over the same columns.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.schema, other.schema, "digests of different tables");
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
        self.mixed = self.mixed.wrapping_add(other.mixed);
    }

    /// Returns the number of rows added so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the digest as 32 hexadecimal digits.
    #[must_use]
    pub fn finish(&self) -> String {
        let mut bytes = self.schema.clone();
        for part in [self.rows, self.sum, self.mixed] {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
        format!("{:032x}", xxh3_128(&bytes))
    }
}

/// Returns a hash of each row.
pub(crate) fn hashes(batch: &RecordBatch) -> Result<Vec<u64>, ArrowError> {
    let mut hashes = vec![ROW; batch.num_rows()];
    for column in batch.columns() {
        fold(column, &mut hashes)?;
    }
    Ok(hashes)
}

/// Returns a second hash of a row, so that equal sums of both can't be a coincidence.
pub(crate) fn mixed(hash: u64) -> u64 {
    xxh3_64_with_seed(&hash.to_le_bytes(), NULL)
}

impl Engine {
    /// Computes the digest of a table's rows.
    ///
    /// # Errors
    /// If the rows can't be read.
    pub async fn digest(&self, table: Table) -> datafusion::error::Result<String> {
        let mut digest = RowDigest::new(&table.schema());
        let plan = LogicalPlanBuilder::scan("rows", provider_as_source(table), None)?.build()?;
        let plan = self.physical(self.planner(Joins::Hash), &plan).await?;
        let mut rows = self.start(plan)?;
        while let Some(batch) = rows.next().await.transpose()? {
            digest.update(&batch)?;
        }
        Ok(digest.finish())
    }
}

/// Describes a logical type: its physical forms get the same description.
fn describe(data_type: &DataType, out: &mut Vec<u8>) {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => out.extend_from_slice(b"string"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            out.extend_from_slice(b"binary");
        }
        DataType::Dictionary(_, values) => describe(values, out),
        DataType::RunEndEncoded(_, values) => describe(values.data_type(), out),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            out.extend_from_slice(b"list<");
            describe(item.data_type(), out);
            out.push(b'>');
        }
        DataType::Map(entries, _) => {
            out.extend_from_slice(b"map<");
            if let DataType::Struct(fields) = entries.data_type() {
                for field in fields {
                    describe(field.data_type(), out);
                    out.push(b',');
                }
            }
            out.push(b'>');
        }
        DataType::Struct(fields) => {
            out.extend_from_slice(b"struct<");
            for field in fields {
                out.extend_from_slice(field.name().as_bytes());
                out.push(b':');
                describe(field.data_type(), out);
                out.push(b',');
            }
            out.push(b'>');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

/// Folds one column into the row hashes.
fn fold(array: &ArrayRef, hashes: &mut [u64]) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::Float32 => fold_floats(array, array.as_primitive::<Float32Type>(), hashes),
        DataType::Float64 => fold_floats(array, array.as_primitive::<Float64Type>(), hashes),
        DataType::Utf8 => fold_bytes(&array.as_string::<i32>(), hashes),
        DataType::LargeUtf8 => fold_bytes(&array.as_string::<i64>(), hashes),
        DataType::Utf8View => fold_bytes(&array.as_string_view(), hashes),
        DataType::Binary => fold_bytes(&array.as_binary::<i32>(), hashes),
        DataType::LargeBinary => fold_bytes(&array.as_binary::<i64>(), hashes),
        DataType::BinaryView => fold_bytes(&array.as_binary_view(), hashes),
        DataType::FixedSizeBinary(_) => fold_bytes(&array.as_fixed_size_binary(), hashes),
        DataType::Boolean => {
            let values = array.as_boolean();
            each(array, hashes, |row, hash| cell(&[u8::from(values.value(row))], hash));
        }
        DataType::Null => hashes.iter_mut().for_each(null),
        DataType::Struct(_) => {
            let mut rows = vec![ROW; array.len()];
            for child in array.as_struct().columns() {
                fold(child, &mut rows)?;
            }
            each(array, hashes, |row, hash| cell(&rows[row].to_le_bytes(), hash));
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            fold_list(list, list.values(), list.offsets(), hashes)?;
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            fold_list(list, list.values(), list.offsets(), hashes)?;
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            fold_list(map, &entries, map.offsets(), hashes)?;
        }
        _ => return fold_other(array, hashes),
    }
    Ok(())
}

/// Folds the remaining types: fixed-width values directly, others after a cast to their plain form.
fn fold_other(array: &ArrayRef, hashes: &mut [u64]) -> Result<(), ArrowError> {
    let plain = match array.data_type() {
        DataType::Float16 => DataType::Float32,
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        DataType::ListView(item) | DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        DataType::LargeListView(item) => DataType::LargeList(item.clone()),
        _ => {
            let array = array.as_ref();
            downcast_primitive_array! {
                array => fold_primitive(array, hashes),
                other => {
                    return Err(ArrowError::NotYetImplemented(format!("a digest of {other} values")));
                }
            }
            return Ok(());
        }
    };
    fold(&cast(array, &plain)?, hashes)
}

/// Folds the length of each list and then its items in order.
fn fold_list<O: OffsetSizeTrait>(
    list: &dyn Array,
    items: &ArrayRef,
    offsets: &[O],
    hashes: &mut [u64],
) -> Result<(), ArrowError> {
    // A sliced list still holds the items of the whole list.
    let first = offsets[0].as_usize();
    let used = items.slice(first, offsets[offsets.len() - 1].as_usize() - first);
    let mut rows = vec![ROW; used.len()];
    fold(&used, &mut rows)?;
    each(list, hashes, |row, hash| {
        let items = &rows[offsets[row].as_usize() - first..offsets[row + 1].as_usize() - first];
        cell(&(items.len() as u64).to_le_bytes(), hash);
        for item in items {
            cell(&item.to_le_bytes(), hash);
        }
    });
    Ok(())
}

fn fold_primitive<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, hashes: &mut [u64]) {
    let values = array.values();
    each(array, hashes, |row, hash| cell(values[row].to_byte_slice(), hash));
}

/// Folds floats. All zeros are equal, and so are all NaNs, as in `GROUP BY`.
fn fold_floats<T: ArrowPrimitiveType<Native: Into<f64>>>(
    array: &dyn Array,
    floats: &PrimitiveArray<T>,
    hashes: &mut [u64],
) {
    let values = floats.values();
    each(array, hashes, |row, hash| {
        let value: f64 = values[row].into();
        let canonical = if value.is_nan() { f64::NAN } else { value + 0.0 };
        cell(&canonical.to_le_bytes(), hash);
    });
}

fn fold_bytes<A: ArrayAccessor<Item: AsRef<[u8]>>>(array: &A, hashes: &mut [u64]) {
    let values = |row: usize, hash: &mut u64| cell(array.value(row).as_ref(), hash);
    each(array, hashes, values);
}

/// Folds a cell into each row's hash: `value` if it isn't NULL, else NULL.
fn each(array: &dyn Array, hashes: &mut [u64], value: impl Fn(usize, &mut u64)) {
    match array.nulls() {
        None => hashes.iter_mut().enumerate().for_each(|(row, hash)| value(row, hash)),
        Some(nulls) => {
            for (row, hash) in hashes.iter_mut().enumerate() {
                if nulls.is_valid(row) { value(row, hash) } else { null(hash) }
            }
        }
    }
}

fn cell(bytes: &[u8], hash: &mut u64) {
    *hash = xxh3_64_with_seed(bytes, *hash);
}

fn null(hash: &mut u64) {
    *hash = xxh3_64_with_seed(&[], hash.wrapping_add(NULL));
}
