//! Spool: computes rows once so that they can be read several times. Few rows stay in memory, many go to
//! temporary files, which are deleted with the spool.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, GenericByteViewArray, RecordBatchOptions, UInt32Array},
        compute::take,
        datatypes::{ByteViewType, DataType},
    },
    datasource::{
        MemTable,
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::{DataFusionError, Result},
    execution::{SpillFile, TaskContext},
    parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties},
};
use futures::StreamExt;
use tokio::task::JoinSet;
use url::Url;

use crate::engine::{
    Engine, RecordBatch, SchemaRef, SendableRecordBatchStream, Streams, Table, exec::streams::nullable,
    memory::Budget,
};

/// A spool of rows; see the module docs.
pub struct Spool {
    table: Table,
    rows: u64,
    _files: Vec<Arc<dyn SpillFile>>,
}

/// The maximum ratio of a batch's memory to what its rows need.
const LOOSE: usize = 2;
/// The size in bytes up to which a batch isn't compacted.
const SMALL: usize = 64 << 10;
/// The bytes of a stream that stay in memory.
const IN_MEMORY: usize = 32 << 20;

impl Spool {
    /// Returns the rows as a table that can be scanned any number of times.
    #[must_use]
    pub fn table(&self) -> Table {
        Arc::clone(&self.table)
    }

    /// Wraps rows that are already in memory.
    ///
    /// # Errors
    /// Never fails for a valid batch.
    pub fn of(batch: RecordBatch) -> Result<Self> {
        let rows = batch.num_rows() as u64;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        Ok(Self { table: Arc::new(table), rows, _files: Vec::new() })
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// The spooled rows of one stream.
enum SpooledPart {
    Memory(Vec<RecordBatch>),
    File(Arc<dyn SpillFile>),
}

/// The number of rows spooled so far.
struct SpoolCount {
    rows: AtomicU64,
    on_rows: Arc<dyn Fn(u64) + Send + Sync>,
}

impl SpoolCount {
    fn add(&self, batch: &RecordBatch) {
        let new = batch.num_rows() as u64;
        (self.on_rows)(self.rows.fetch_add(new, Ordering::Relaxed) + new);
    }
}

impl Engine {
    /// Drains the streams concurrently. `schema` has their columns, used only if there are no streams.
    /// `on_rows` is called with the number of rows so far.
    ///
    /// # Errors
    /// If a stream fails or the disk is full; the first error is returned.
    pub async fn spool(
        &self,
        schema: &SchemaRef,
        streams: Streams,
        on_rows: Arc<dyn Fn(u64) + Send + Sync>,
    ) -> Result<Spool> {
        let in_memory = Budget::of(self.session().config()).spooled(IN_MEMORY);
        self.spool_within(schema, streams, on_rows, in_memory).await
    }

    /// Like [`spool`](Self::spool), but keeps `in_memory` bytes of each stream in memory.
    ///
    /// # Errors
    /// As for [`spool`](Self::spool).
    pub async fn spool_within(
        &self,
        schema: &SchemaRef,
        streams: Streams,
        on_rows: Arc<dyn Fn(u64) + Send + Sync>,
        in_memory: usize,
    ) -> Result<Spool> {
        // Take the streams' schema as nullable: a column without NULLs in the table may have some in rows
        // that never get there.
        let schema =
            &nullable(streams.first().map_or_else(|| Arc::clone(schema), |rows| rows.schema()).as_ref());
        let count = Arc::new(SpoolCount { rows: AtomicU64::new(0), on_rows });
        let mut draining = JoinSet::new();
        for rows in streams {
            draining.spawn(drain(rows, Arc::clone(&count), self.task(), in_memory));
        }
        let (mut memory, mut files) = (Vec::new(), Vec::new());
        while let Some(part) = draining.join_next().await {
            match part.map_err(|error| DataFusionError::External(Box::new(error)))?? {
                SpooledPart::Memory(batches) => memory.push(batches),
                SpooledPart::File(file) => files.push(file),
            }
        }
        let rows = count.rows.load(Ordering::Relaxed);
        if files.is_empty() {
            // A table needs at least one partition, even if it is empty.
            let table = Arc::new(MemTable::try_new(Arc::clone(schema), nonempty(memory))?);
            return Ok(Spool { table, rows, _files: files });
        }
        // Write the rows in memory to a file too, so that one kind of table is enough.
        let rest: Vec<RecordBatch> = memory.into_iter().flatten().collect();
        if !rest.is_empty() {
            let (file, mut writer) = writer(schema, &self.task())?;
            rest.iter().try_for_each(|batch| writer.write(batch))?;
            writer.close()?;
            files.push(file);
        }
        Ok(Spool { table: table_of(&files, schema)?, rows, _files: files })
    }
}

/// Returns Parquet files as one table.
fn table_of(files: &[Arc<dyn SpillFile>], schema: &SchemaRef) -> Result<Table> {
    // Pass paths as URLs: a directory name may look like a pattern or an escape.
    let urls = files.iter().map(|file| {
        let path = path(file)?;
        let url = Url::from_file_path(path).map_err(|()| {
            DataFusionError::Execution(format!("{} is not an absolute path", path.display()))
        })?;
        ListingTableUrl::try_new(url, None)
    });
    // Temporary files have no extension, and the table ignores files without the configured one.
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let config = ListingTableConfig::new_with_multi_paths(urls.collect::<Result<_>>()?)
        .with_listing_options(options)
        .with_schema(Arc::clone(schema));
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// Spools the rows of a stream.
async fn drain(
    mut rows: SendableRecordBatchStream,
    count: Arc<SpoolCount>,
    task: Arc<TaskContext>,
    in_memory: usize,
) -> Result<SpooledPart> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    let mut file: Option<(Arc<dyn SpillFile>, ArrowWriter<File>)> = None;
    while let Some(batch) = rows.next().await.transpose()? {
        if batch.num_rows() == 0 {
            continue;
        }
        count.add(&batch);
        let batch = compact(batch)?;
        if let Some((_, writer)) = &mut file {
            writer.write(&batch)?;
            continue;
        }
        bytes += batch.get_array_memory_size();
        kept.push(batch);
        if bytes > in_memory {
            let (path, mut writer) = self::writer(&rows.schema(), &task)?;
            kept.drain(..).try_for_each(|batch| writer.write(&batch))?;
            file = Some((path, writer));
        }
    }
    let Some((file, writer)) = file else { return Ok(SpooledPart::Memory(kept)) };
    writer.close()?;
    Ok(SpooledPart::File(file))
}

/// Copies a batch if it holds more memory than its rows need. A slice of a longer array, as made by
/// aggregates, would count with the whole array, here and where the sizes of join sides are compared.
fn compact(batch: RecordBatch) -> Result<RecordBatch> {
    let mut needed = 0;
    for column in batch.columns() {
        needed += match column.data_type() {
            DataType::Utf8View => views(column.as_string_view()),
            DataType::BinaryView => views(column.as_binary_view()),
            _ => column.to_data().get_slice_memory_size()?,
        };
    }
    if batch.get_array_memory_size() <= needed.saturating_mul(LOOSE).max(SMALL) {
        return Ok(batch);
    }
    let rows = u32::try_from(batch.num_rows()).map_err(|error| DataFusionError::External(Box::new(error)))?;
    let all = UInt32Array::from_iter_values(0..rows);
    let columns = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Ok(Arc::new(column.as_string_view().gc()) as ArrayRef),
        DataType::BinaryView => Ok(Arc::new(column.as_binary_view().gc()) as ArrayRef),
        _ => take(column, &all, None),
    });
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// Returns the bytes that text views need.
fn views<T: ByteViewType + ?Sized>(column: &GenericByteViewArray<T>) -> usize {
    std::mem::size_of_val(column.views().as_ref()) + column.total_buffer_bytes_used()
}

fn writer(schema: &SchemaRef, task: &TaskContext) -> Result<(Arc<dyn SpillFile>, ArrowWriter<File>)> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::LZ4_RAW)
        .set_max_row_group_row_count(Some(128 * 1024))
        .build();
    let file = task.runtime_env().disk_manager.create_tmp_file("new rows")?;
    let writer = ArrowWriter::try_new(File::create(path(&file)?)?, Arc::clone(schema), Some(properties))?;
    Ok((file, writer))
}

fn path(file: &Arc<dyn SpillFile>) -> Result<&Path> {
    file.path()
        .ok_or_else(|| DataFusionError::Execution("new rows can only be spooled to a local disk".into()))
}

fn nonempty(mut parts: Vec<Vec<RecordBatch>>) -> Vec<Vec<RecordBatch>> {
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { vec![Vec::new()] } else { parts }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::{ArrayRef, Int64Array, StringArray, StringViewArray},
        compute::concat_batches,
    };

    use super::*;
    use crate::engine::{EngineSettings, exec::streams::listed};

    #[tokio::test]
    async fn slices_of_something_long_take_no_more_than_they_need() {
        let texts: Vec<String> =
            (0..10_000).map(|number| format!("a text of some length: {number}")).collect();
        let columns: [(&str, ArrayRef); 2] = [
            ("text", Arc::new(StringArray::from_iter_values(&texts))),
            ("view", Arc::new(StringViewArray::from_iter_values(&texts))),
        ];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        let all = whole.get_array_memory_size();
        let slices = (0..100).map(|part| whole.slice(part * 100, 100)).collect();

        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let schema = whole.schema();
        let streams = vec![listed(Arc::clone(&schema), slices)];
        let spool = engine.spool(&schema, streams, Arc::new(|_| {})).await.unwrap();

        let table = spool.table();
        let parts = &table.downcast_ref::<MemTable>().expect("few rows stay in memory").batches;
        let mut rows = Vec::new();
        for part in parts {
            rows.extend(part.read().await.iter().cloned());
        }
        let bytes: usize = rows.iter().map(RecordBatch::get_array_memory_size).sum();
        assert!(bytes < 2 * all, "{bytes} bytes of rows that take {all}");
        assert_eq!(concat_batches(&schema, &rows).unwrap(), whole);
    }

    #[tokio::test]
    async fn all_rows_come_back_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let temp_dir = folder.path().join("a b%20[c]*?");
        std::fs::create_dir(&temp_dir).unwrap();
        let settings = EngineSettings {
            threads: 2,
            memory_limit: Some(1 << 30),
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: Some(temp_dir),
        };
        let engine = Engine::new(&settings).unwrap();
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
        let batch = RecordBatch::try_from_iter([("n", numbers)]).unwrap();
        // One stream that goes to a file, and one that stays in memory at first.
        for (in_memory, streams) in [(0, 2), (0, 1), (100_000, 2)] {
            let streams = (0..streams)
                .map(|number| listed(batch.schema(), vec![batch.clone(); if number == 0 { 100 } else { 1 }]))
                .collect::<Vec<_>>();
            let wanted = 100_000 + 1_000 * (streams.len() as u64 - 1);
            let spool =
                engine.spool_within(&batch.schema(), streams, Arc::new(|_| {}), in_memory).await.unwrap();
            assert_eq!(spool.rows(), wanted);
            let table = spool.table();
            assert!(table.downcast_ref::<MemTable>().is_none(), "many rows go to files");
            assert_eq!(engine.read(table).await.unwrap().num_rows() as u64, wanted);
        }
    }
}
