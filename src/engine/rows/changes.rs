//! Row changes: applies the outcome of a merge while it streams. Each outcome row says in an extra column
//! what becomes of it: kept and new rows pass through, deleted ones are counted and dropped.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::{
    arrow::{
        array::{AsArray, BooleanArray},
        compute::{cast, filter_record_batch},
        datatypes::{DataType, Int64Type, Schema},
    },
    error::{DataFusionError, Result},
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::StreamExt;

use super::digest::RowDigest;
use crate::engine::{RecordBatch, SchemaRef, SendableRecordBatchStream, Streams};

/// The last column of an outcome: the change of the row, as one of the numbers below.
pub const CHANGE: &str = "_headwater_change";
/// A row of the table that stays unchanged.
pub const KEPT: i64 = 0;
/// A new row.
pub const INSERTED: i64 = 1;
/// A row of the table that gets new values.
pub const UPDATED: i64 = 2;
/// A row of the table that is deleted.
pub const DELETED: i64 = 3;
/// A new row that isn't inserted.
pub const LEFT_OUT: i64 = 4;

/// The number of changed rows, complete once the streams have ended.
#[derive(Debug)]
pub struct Changes(Mutex<ChangeTally>);

#[derive(Debug)]
struct ChangeTally {
    inserted: RowDigest,
    deleted: RowDigest,
    updated: u64,
}

impl Changes {
    /// Returns the number of inserted rows.
    #[must_use]
    pub fn inserted(&self) -> u64 {
        self.tally(|tally| tally.inserted.rows())
    }

    /// Returns the number of updated rows.
    #[must_use]
    pub fn updated(&self) -> u64 {
        self.tally(|tally| tally.updated)
    }

    /// Returns the number of deleted rows.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.tally(|tally| tally.deleted.rows())
    }

    /// Returns whether the change is a no-op: no row was updated, and the inserted rows equal the deleted
    /// ones.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.tally(|tally| tally.updated == 0 && tally.inserted == tally.deleted)
    }

    fn tally<T>(&self, read: impl FnOnce(&mut ChangeTally) -> T) -> T {
        read(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts the changes of a batch, and returns the rows that remain in the table.
    fn take(&self, batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch> {
        let change = batch
            .column_by_name(CHANGE)
            .ok_or_else(|| DataFusionError::Internal(format!("there is no column {CHANGE}")))?;
        // The type of a literal number depends on the dialect.
        let change = cast(change, &DataType::Int64)?;
        let change = change.as_primitive::<Int64Type>();
        let rows = RecordBatch::try_new(
            Arc::clone(columns),
            batch.columns().iter().take(columns.fields().len()).cloned().collect(),
        )?;
        let is =
            |what: i64| -> BooleanArray { change.values().iter().map(|one| Some(*one == what)).collect() };
        if change.values().iter().all(|one| *one == KEPT) {
            return Ok(rows);
        }
        let inserted = filter_record_batch(&rows, &is(INSERTED))?;
        let deleted = filter_record_batch(&rows, &is(DELETED))?;
        let updated = change.values().iter().filter(|one| **one == UPDATED).count() as u64;
        self.tally(|tally| {
            tally.updated += updated;
            tally.inserted.update(&inserted)?;
            tally.deleted.update(&deleted)
        })?;
        let stays: BooleanArray =
            change.values().iter().map(|one| Some(*one != DELETED && *one != LEFT_OUT)).collect();
        Ok(filter_record_batch(&rows, &stays)?)
    }
}

/// Applies the changes to streams of an outcome: the table's columns, then [`CHANGE`]. Returns the rows that
/// remain in the table. `columns` are the table's columns, used only if there are no streams.
#[must_use]
pub fn apply(streams: Streams, columns: &SchemaRef) -> (Streams, Arc<Changes>) {
    let own = |rows: &SendableRecordBatchStream| {
        let schema = rows.schema();
        let fields = schema.fields().iter().filter(|field| field.name() != CHANGE).cloned();
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    };
    // Take the schema from the streams: the same columns can have another physical type there.
    let columns: SchemaRef = streams.first().map_or_else(|| Arc::clone(columns), own);
    let none = RowDigest::new(&columns);
    let changes =
        Arc::new(Changes(Mutex::new(ChangeTally { inserted: none.clone(), deleted: none, updated: 0 })));
    let applied = streams.into_iter().map(|rows| {
        let (changes, columns) = (Arc::clone(&changes), Arc::clone(&columns));

        let schema = Arc::clone(&columns);
        let rows = rows.map(move |batch| changes.take(&batch?, &columns));
        Box::pin(RecordBatchStreamAdapter::new(schema, rows)) as SendableRecordBatchStream
    });
    (applied.collect(), changes)
}

/// Counts the rows of streams as inserted.
#[must_use]
pub fn count_inserted(streams: Streams, changes: &Arc<Changes>) -> Streams {
    let counted = streams.into_iter().map(|rows| {
        let changes = Arc::clone(changes);
        let schema = rows.schema();
        let rows = rows.map(move |batch| {
            let batch = batch?;
            changes.tally(|tally| tally.inserted.update(&batch))?;
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows)) as SendableRecordBatchStream
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::{Int64Array, StringArray},
        datatypes::{DataType, Field},
    };
    use futures::{TryStreamExt, stream};

    use super::*;

    async fn outcome(rows: &[(&str, i64)]) -> (Vec<String>, Arc<Changes>) {
        let schema = Arc::new(Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new(CHANGE, DataType::Int64, false),
        ]));
        let names = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let changes = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
        let schema_of = Arc::clone(&schema);
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![names, changes]).unwrap();
        let rows = Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Ok(batch)])));
        let columns = Arc::new(schema_of.project(&[0]).unwrap());
        let (mut streams, changes) = apply(vec![rows], &columns);
        let batches: Vec<RecordBatch> = streams.remove(0).try_collect().await.unwrap();
        let names = batches.iter().flat_map(|batch| {
            assert_eq!(batch.num_columns(), 1);
            batch.column(0).as_string::<i32>().iter().map(|name| name.unwrap().to_owned()).collect::<Vec<_>>()
        });
        (names.collect(), changes)
    }

    #[tokio::test]
    async fn what_goes_is_counted_and_what_comes_goes_on() {
        let rows = [("a", KEPT), ("b", INSERTED), ("c", UPDATED), ("d", DELETED), ("e", LEFT_OUT)];
        let (names, changes) = outcome(&rows).await;
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!((changes.inserted(), changes.updated(), changes.deleted()), (1, 1, 1));
        assert!(!changes.is_nothing());
    }

    #[tokio::test]
    async fn rows_that_come_back_as_they_went_are_no_change() {
        let (_, changes) =
            outcome(&[("a", KEPT), ("b", DELETED), ("c", DELETED), ("c", INSERTED), ("b", INSERTED)]).await;
        assert!(changes.is_nothing());
        let (_, changes) = outcome(&[("b", DELETED), ("c", INSERTED)]).await;
        assert!(!changes.is_nothing());
        let (_, changes) = outcome(&[("a", KEPT), ("x", LEFT_OUT)]).await;
        assert!(changes.is_nothing());
    }
}
