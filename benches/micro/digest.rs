//! The row digest, by type of column.

use std::sync::Arc;

use divan::{Bencher, counter::ItemsCount};
use headwater::bench::{
    RecordBatch, RowDigest,
    arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray},
};

const ROWS: i64 = 8_192;

fn measure(bencher: Bencher<'_, '_>, column: ArrayRef) {
    let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
    bencher.counter(ItemsCount::new(batch.num_rows())).bench(|| {
        let mut digest = RowDigest::new(batch.schema_ref());
        digest.update(&batch).unwrap();
        digest.finish()
    });
}

#[divan::bench]
fn integers(bencher: Bencher<'_, '_>) {
    let column: Int64Array = (0..ROWS).map(|row| (row % 7 > 0).then_some(row)).collect();
    measure(bencher, Arc::new(column));
}

#[divan::bench]
fn doubles(bencher: Bencher<'_, '_>) {
    measure(bencher, Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| row as f64 / 7.0))));
}

#[divan::bench]
fn texts(bencher: Bencher<'_, '_>) {
    let texts = (0..ROWS).map(|row| format!("meter point {row}"));
    measure(bencher, Arc::new(StringArray::from_iter_values(texts)));
}
