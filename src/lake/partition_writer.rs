//! One writer of data files, with bounded memory. delta-rs keeps a file open for each partition value until
//! the end, and each open file takes megabytes. So rows wait here unencoded until there are many with one
//! value, and only a few files are open at a time. Rows sorted by the partition columns produce the fewest
//! files; memory is bounded in any order.

use std::collections::HashMap;

use deltalake::{DeltaTableError, kernel::Add};

use super::{
    file_settings::FileSettings,
    file_writer::{self, FileWriter},
};
use crate::engine::arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::{SortColumn, concat_batches, lexsort_to_indices, partition, take_record_batch},
    error::ArrowError,
    row::{OwnedRow, RowConverter, SortField},
};

/// The limits on waiting rows and open files of one writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriterLimits {
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) open: usize,
}

/// Rows of one partition value that wait to be written.
#[derive(Default)]
struct WaitingRows {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

/// See the module documentation.
pub(super) struct PartitionWriter {
    files: FileSettings,
    limits: WriterLimits,
    converter: Option<RowConverter>,
    waiting: HashMap<PartitionKey, WaitingRows>,
    rows: usize,
    bytes: usize,
    /// The open files, each with the time of its last write.
    open: HashMap<PartitionKey, (FileWriter, u64)>,
    clock: u64,
    done: Vec<Add>,
}

/// A partition's values, or `None` if the table isn't partitioned.
type PartitionKey = Option<OwnedRow>;

impl PartitionWriter {
    pub(super) fn new(files: FileSettings, limits: WriterLimits) -> Result<Self, DeltaTableError> {
        let fields = files
            .partition_by
            .iter()
            .map(|index| SortField::new(files.schema.field(*index).data_type().clone()));
        let converter =
            (!files.partition_by.is_empty()).then(|| RowConverter::new(fields.collect())).transpose()?;
        Ok(Self {
            files,
            limits,
            converter,
            waiting: HashMap::new(),
            rows: 0,
            bytes: 0,
            open: HashMap::new(),
            clock: 0,
            done: Vec::new(),
        })
    }

    /// Adds a batch.
    pub(super) async fn push(&mut self, batch: RecordBatch) -> Result<(), DeltaTableError> {
        for (key, part) in self.split(batch)? {
            self.clock += 1;
            if let Some((writer, used)) = self.open.get_mut(&key) {
                *used = self.clock;
                writer.write(&part).await?;
            } else {
                self.wait(key, part)?;
            }
        }
        while self.rows > self.limits.rows || self.bytes > self.limits.bytes {
            self.spill().await?;
        }
        Ok(())
    }

    /// Writes the remaining rows. If nothing was written so far, returns the rows instead, so that the small
    /// remainders of several writers can share a file. Never returns rows of a partitioned table, whose
    /// writers can't share files.
    pub(super) async fn finish(mut self) -> Result<(Vec<Add>, Vec<RecordBatch>), DeltaTableError> {
        if self.converter.is_none() && self.open.is_empty() {
            return Ok((self.done, self.waiting.into_values().flat_map(|waiting| waiting.batches).collect()));
        }
        for (_, (writer, _)) in self.open.drain() {
            self.done.extend(writer.close().await?);
        }
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            self.done.extend(file_writer::write(&self.files, &waiting.batches).await?);
        }
        Ok((self.done, Vec::new()))
    }

    /// Aborts incomplete files.
    pub(super) async fn abort(self) {
        for (writer, _) in self.open.into_values() {
            writer.abort().await;
        }
    }

    fn wait(&mut self, key: PartitionKey, part: RecordBatch) -> Result<(), ArrowError> {
        let waiting = self.waiting.entry(key).or_default();
        let before = waiting.bytes;
        waiting.rows += part.num_rows();
        self.rows += part.num_rows();
        waiting.bytes += part.get_array_memory_size();
        waiting.batches.push(part);
        // Many tiny batches take more memory than their rows.
        if waiting.batches.len() >= 64 && waiting.rows < 64 * 1024 {
            let whole = concat_batches(&self.files.schema, &waiting.batches)?;
            waiting.bytes = whole.get_array_memory_size();
            waiting.batches = vec![whole];
        }
        self.bytes = self.bytes + waiting.bytes - before;
        Ok(())
    }

    /// Opens a file for the value with the most waiting bytes; closes the least recently used file if too
    /// many are open.
    async fn spill(&mut self) -> Result<(), DeltaTableError> {
        let Some(key) =
            self.waiting.iter().max_by_key(|(_, waiting)| waiting.bytes).map(|(key, _)| key.clone())
        else {
            return Ok(());
        };
        if self.open.len() >= self.limits.open
            && let Some(oldest) =
                self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone())
            && let Some((writer, _)) = self.open.remove(&oldest)
        {
            self.done.extend(writer.close().await?);
        }
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        self.rows -= waiting.rows;
        self.bytes -= waiting.bytes;
        let (writer, _) = self.open.entry(key).or_insert_with(|| (FileWriter::new(&self.files), self.clock));
        for batch in &waiting.batches {
            writer.write(batch).await?;
        }
        Ok(())
    }

    /// Splits a batch by partition value.
    fn split(&self, batch: RecordBatch) -> Result<Vec<(PartitionKey, RecordBatch)>, ArrowError> {
        let Some(converter) = &self.converter else { return Ok(vec![(None, batch)]) };
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let columns = |batch: &RecordBatch| -> Vec<ArrayRef> {
            self.files.partition_by.iter().map(|index| batch.column(*index).clone()).collect()
        };
        let keys = columns(&batch);
        let rows = converter.convert_columns(&keys)?;
        let first = rows.row(0);
        // Rows arrive in order of the partition columns, so most batches have one key.
        if rows.iter().all(|row| row == first) {
            return Ok(vec![(Some(first.owned()), batch)]);
        }
        let by = keys.into_iter().map(|values| SortColumn { values, options: None }).collect::<Vec<_>>();
        let sorted = take_record_batch(&batch, &lexsort_to_indices(&by, None)?)?;
        let keys = columns(&sorted);
        let rows = converter.convert_columns(&keys)?;
        let ranges = partition(&keys)?.ranges();
        ranges
            .into_iter()
            .map(|range| {
                // A slice would keep the whole batch in memory as long as its few rows wait.
                let part = compact(&sorted.slice(range.start, range.len()))?;
                Ok((Some(rows.row(range.start).owned()), part))
            })
            .collect()
    }
}

fn compact(part: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let rows = u32::try_from(part.num_rows()).map_err(|error| ArrowError::ComputeError(error.to_string()))?;
    let all = UInt32Array::from_iter_values(0..rows);
    take_record_batch(part, &all)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use deltalake::arrow::{
        array::Int64Array,
        datatypes::{DataType, Field, Schema},
    };
    use object_store::memory::InMemory;

    use super::*;

    fn settings() -> FileSettings {
        let fields = ["v", "day"].map(|name| Field::new(name, DataType::Int64, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        FileSettings::new(Arc::new(InMemory::new()), schema, &["day".to_owned()], None, 64 << 20).unwrap()
    }

    #[test]
    fn a_batch_of_one_key_is_neither_sorted_nor_copied() {
        let limits = WriterLimits { rows: 1000, bytes: 1 << 20, open: 2 };
        let writer = PartitionWriter::new(settings(), limits).unwrap();
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let days = |days: [i64; 2]| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values((0..100).map(|row| days[row % 2])))
        };
        let split = |days| {
            let columns = vec![Arc::clone(&values), days];
            writer.split(RecordBatch::try_new(settings().schema, columns).unwrap()).unwrap()
        };
        let one = split(days([7, 7]));
        assert!(one.len() == 1 && Arc::ptr_eq(one[0].1.column(0), &values));
        assert_eq!(split(days([7, 8])).iter().map(|(_, part)| part.num_rows()).collect::<Vec<_>>(), [50, 50]);
    }

    /// Writes 20 batches of 100 rows with `values` partition values. Returns the number of rows of each value
    /// and the number of files.
    async fn check(values: i64, limits: WriterLimits) -> (BTreeMap<String, i64>, usize) {
        let files = settings();
        let schema = files.schema.clone();
        let mut writer = PartitionWriter::new(files, limits).unwrap();
        for batch in 0..20 {
            let rows = Int64Array::from_iter_values((0..100).map(|row| batch * 100 + row));
            let days = Int64Array::from_iter_values(rows.values().iter().map(|row| row * 7 % values));
            writer
                .push(RecordBatch::try_new(schema.clone(), vec![Arc::new(rows), Arc::new(days)]).unwrap())
                .await
                .unwrap();
            assert!(writer.open.len() <= limits.open, "{} files are open", writer.open.len());
            assert!(writer.bytes <= limits.bytes && writer.rows <= limits.rows);
            assert_eq!(writer.rows, writer.waiting.values().map(|waiting| waiting.rows).sum::<usize>());
            assert_eq!(writer.bytes, writer.waiting.values().map(|waiting| waiting.bytes).sum::<usize>());
        }
        let (files, rest) = writer.finish().await.unwrap();
        assert!(rest.is_empty());
        let mut rows = BTreeMap::new();
        for file in &files {
            let stats: serde_json::Value = serde_json::from_str(file.stats.as_ref().unwrap()).unwrap();
            *rows.entry(file.partition_values["day"].clone().unwrap()).or_default() +=
                stats["numRecords"].as_i64().unwrap();
        }
        (rows, files.len())
    }

    #[tokio::test]
    async fn memory_and_open_files_are_bounded_and_no_row_is_lost() {
        let (rows, _) = check(50, WriterLimits { rows: usize::MAX, bytes: 20_000, open: 3 }).await;
        assert_eq!((rows.len(), rows.values().sum::<i64>()), (50, 2000));
        assert!(rows.values().all(|rows| *rows == 40), "{rows:?}");
    }

    #[tokio::test]
    async fn with_room_enough_there_is_a_file_a_value() {
        let (rows, files) = check(50, WriterLimits { rows: usize::MAX, bytes: 100 << 20, open: 3 }).await;
        assert_eq!((rows.len(), files), (50, 50));
        let (rows, files) = check(2, WriterLimits { rows: 150, bytes: usize::MAX, open: 3 }).await;
        assert_eq!((rows.values().sum::<i64>(), files), (2000, 2), "open files are written on");
    }
}
