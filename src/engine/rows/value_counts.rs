//! Value counts: counts rows by the value of a column while they stream.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::cast,
        datatypes::DataType,
    },
    error::{DataFusionError, Result},
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::StreamExt;

use crate::engine::{RecordBatch, SendableRecordBatchStream, Streams};

/// The number of rows for each value, complete once the streams have ended.
#[derive(Debug, Default)]
pub struct ValueCounts(Mutex<HashMap<String, u64>>);

impl ValueCounts {
    /// Returns the counts. NULL counts as the empty text.
    #[must_use]
    pub fn counts(&self) -> HashMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, batch: &RecordBatch, column: &str) -> Result<()> {
        let missing = || DataFusionError::Internal(format!("there is no column {column}"));
        let values = cast(batch.column_by_name(column).ok_or_else(missing)?, &DataType::Utf8View)?;
        let values = values.as_string_view();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Equal values are usually adjacent, so count them in runs.
        let mut at = 0;
        while at < values.len() {
            let value = if values.is_null(at) { "" } else { values.value(at) };
            let next = |other: usize| {
                let other = if values.is_null(other) { "" } else { values.value(other) };
                other != value
            };
            let end = (at + 1..values.len()).find(|other| next(*other)).unwrap_or(values.len());
            let rows = (end - at) as u64;
            match counts.get_mut(value) {
                Some(count) => *count += rows,
                None => drop(counts.insert(value.to_owned(), rows)),
            }
            at = end;
        }
        Ok(())
    }
}

/// Wraps streams so that their rows are counted by a text column.
#[must_use]
pub fn count_values(streams: Streams, column: &str) -> (Streams, Arc<ValueCounts>) {
    let counts = Arc::new(ValueCounts::default());
    let counted = streams.into_iter().map(|rows| {
        let (counts, column) = (Arc::clone(&counts), column.to_owned());
        let schema = rows.schema();
        let rows = rows.map(move |batch| {
            let batch = batch?;
            counts.count(&batch, &column)?;
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows)) as SendableRecordBatchStream
    });
    (counted.collect(), counts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::{
        array::StringArray,
        datatypes::{Field, Schema},
    };
    use futures::{TryStreamExt, stream};

    use super::*;

    #[tokio::test]
    async fn rows_are_counted_by_value_wherever_they_stand() {
        let schema = Arc::new(Schema::new(vec![Field::new("f", DataType::Utf8, true)]));
        let batch = |values: &[Option<&str>]| {
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(StringArray::from(values.to_vec()))])
        };
        let batches = [
            batch(&[Some("a"), Some("a"), Some("b"), None]),
            batch(&[]),
            batch(&[Some("a"), None, Some("c")]),
        ];
        let rows = stream::iter(batches.map(|batch| Ok(batch.unwrap())));
        let rows = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), rows));
        let (mut streams, counted) = count_values(vec![rows], "f");
        let all: Vec<RecordBatch> = streams.remove(0).try_collect().await.unwrap();
        assert_eq!(all.iter().map(RecordBatch::num_rows).sum::<usize>(), 7);
        let counts: BTreeMap<String, u64> = counted.counts().into_iter().collect();
        let expected = [("", 2), ("a", 3), ("b", 1), ("c", 1)].map(|(name, rows)| (name.to_owned(), rows));
        assert_eq!(counts, BTreeMap::from(expected));
    }
}
