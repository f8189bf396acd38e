//! Tests of content digests.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Float64Array, Int64Array, ListArray, StringArray, UInt32Array},
    compute::{concat_batches, take_record_batch},
    datatypes::Int64Type,
};
use proptest::prelude::*;

use super::*;

type DigestRow = (Option<i64>, Option<String>, Option<Vec<Option<i64>>>);

fn batch(rows: &[DigestRow]) -> RecordBatch {
    let ints: Int64Array = rows.iter().map(|row| row.0).collect();
    let texts: StringArray = rows.iter().map(|row| row.1.clone()).collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(rows.iter().map(|row| row.2.clone()));
    RecordBatch::try_from_iter_with_nullable([
        ("i", Arc::new(ints) as ArrayRef, true),
        ("t", Arc::new(texts), true),
        ("l", Arc::new(lists), true),
    ])
    .unwrap()
}

fn digest(batches: &[RecordBatch]) -> String {
    let mut digest = RowDigest::new(&batches[0].schema());
    for batch in batches {
        digest.update(batch).unwrap();
    }
    digest.finish()
}

fn column(array: impl Array + 'static) -> String {
    digest(&[RecordBatch::try_from_iter_with_nullable([("c", Arc::new(array) as ArrayRef, true)]).unwrap()])
}

fn rows() -> impl Strategy<Value = Vec<DigestRow>> {
    let text = proptest::option::of("[ab]{0,3}");
    let list = proptest::option::of(proptest::collection::vec(proptest::option::of(0..3_i64), 0..3));
    proptest::collection::vec((proptest::option::of(0..4_i64), text, list), 1..40)
}

proptest! {
    #[test]
    fn order_batches_and_merging_do_not_count(rows in rows(), cut in 0..40_usize) {
        let whole = batch(&rows);
        let cut = cut.min(rows.len());
        let backwards = UInt32Array::from_iter_values((0..u32::try_from(rows.len()).unwrap()).rev());
        let shuffled = take_record_batch(&whole, &backwards).unwrap();
        let (front, back) = (whole.slice(0, cut), whole.slice(cut, rows.len() - cut));
        let mut merged = RowDigest::new(&whole.schema());
        for part in [&back, &front] {
            let mut digest = RowDigest::new(&whole.schema());
            digest.update(part).unwrap();
            merged.merge(&digest);
        }
        let expect = digest(std::slice::from_ref(&whole));
        prop_assert_eq!(&digest(&[shuffled]), &expect);
        prop_assert_eq!(&digest(&[front.clone(), back.clone()]), &expect);
        prop_assert_eq!(&digest(&[concat_batches(&whole.schema(), [&back, &front]).unwrap()]), &expect);
        prop_assert_eq!(&merged.finish(), &expect);
    }

    #[test]
    fn a_changed_cell_counts(rows in rows(), row in 0..40_usize, column in 0..3_usize) {
        let mut changed = rows.clone();
        let row = &mut changed[row % rows.len()];
        match column {
            0 => row.0 = row.0.map_or(Some(0), |_| None),
            1 => row.1 = Some(row.1.clone().unwrap_or_default() + "c"),
            _ => row.2 = row.2.clone().map_or(Some(vec![]), |mut list| { list.push(None); Some(list) }),
        }
        prop_assert_ne!(digest(&[batch(&rows)]), digest(&[batch(&changed)]));
    }
}

#[test]
fn the_physical_form_does_not_count() {
    let text: ArrayRef =
        Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("a longer text than fits")]));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    for form in [DataType::Utf8View, DataType::LargeUtf8, dictionary] {
        assert_eq!(column(cast(&text, &form).unwrap()), column(text.clone()), "{form}");
    }
}

#[test]
fn equal_floats_are_equal() {
    let negative_nan = f64::from_bits(f64::NAN.to_bits() | 1 << 63);
    assert_eq!(
        column(Float64Array::from(vec![0.0, f64::NAN])),
        column(Float64Array::from(vec![negative_nan, -0.0]))
    );
    assert_ne!(column(Float64Array::from(vec![0.0])), column(Float64Array::from(vec![1e-300])));
}

#[test]
fn duplicates_nulls_and_the_schema_count() {
    let one = column(Int64Array::from(vec![1]));
    assert_ne!(one, column(Int64Array::from(vec![1, 1])));
    assert_ne!(column(StringArray::from(vec![""])), column(StringArray::from(vec![None::<&str>])));
    let renamed =
        RecordBatch::try_from_iter([("d", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    assert_ne!(one, digest(&[renamed]));
}
