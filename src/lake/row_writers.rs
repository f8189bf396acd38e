//! Row writers: write streams of rows to the files of a new version, one concurrent writer per stream.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use deltalake::kernel::Add;
use futures::StreamExt;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    cast::Conform,
    error::LakeError,
    file_settings::FileSettings,
    file_writer,
    operation::LakeOperation,
    partition_writer::{PartitionWriter, WriterLimits},
};
use crate::{
    engine::{
        EngineError, SendableRecordBatchStream, Streams,
        arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError},
        exec::crash::too_long,
        memory::Budget,
        rows::digest::RowDigest,
    },
    name::Relation,
};

/// Rows that may wait before a stream gets a file of its own.
const SMALL_ROWS: usize = 64 * 1024;
/// The same limit in bytes.
const SMALL_BYTES: usize = 16 << 20;
/// Rows of remainders that share a file: as many as one core encodes in 0.1 to 0.2 seconds.
const SHARED_ROWS: usize = 256 * 1024;
/// Bytes that may wait in all writers of a partitioned table.
const WAITING_BYTES: usize = 128 << 20;
/// Files that all writers of a partitioned table may have open.
const OPEN_FILES: usize = 64;

/// The result of all writers.
pub(super) struct WrittenFiles {
    pub(super) files: Vec<Add>,
    pub(super) digest: RowDigest,
    /// The number of NULLs in each NOT NULL column, in order.
    pub(super) nulls: Vec<u64>,
}

/// The state shared by all writers of a table.
#[derive(Clone)]
pub(super) struct RowWriters {
    pub(super) files: FileSettings,
    pub(super) table: SchemaRef,
    /// The positions of the NOT NULL columns.
    pub(super) not_null: Vec<usize>,
    pub(super) relation: Relation,
    pub(super) place: String,
    pub(super) rows: Arc<AtomicU64>,
    pub(super) on_rows: Arc<dyn Fn(u64) + Send + Sync>,
    /// Stops all writers if one fails or the run is cancelled.
    pub(super) cancel: CancellationToken,
    pub(super) budget: Budget,
}

impl RowWriters {
    /// Writes all rows of the streams.
    pub(super) async fn write_all(self, streams: Streams) -> Result<WrittenFiles, LakeError> {
        let writers = streams.len().max(1);
        let limits = if self.files.partition_by.is_empty() {
            let bytes = SMALL_BYTES.min(self.budget.waiting(WAITING_BYTES) / writers);
            WriterLimits { rows: SMALL_ROWS, bytes, open: 1 }
        } else {
            let bytes = self.budget.waiting(WAITING_BYTES.max(writers * (8 << 20))) / writers;
            let open = self.budget.open_files(OPEN_FILES.max(4 * writers)).div_ceil(writers);
            WriterLimits { rows: usize::MAX, bytes, open }
        };
        let mut writers = JoinSet::new();
        for stream in streams {
            writers.spawn(self.clone().write_one(stream, limits));
        }
        let mut written = WrittenFiles {
            files: Vec::new(),
            digest: RowDigest::new(&self.table),
            nulls: vec![0; self.not_null.len()],
        };
        let mut remainders = Vec::new();
        for (files, small, poured) in self.join(writers).await? {
            let WrittenRows { digest, nulls } = poured;
            written.nulls.iter_mut().zip(nulls).for_each(|(all, some)| *all += some);
            written.files.extend(files);
            written.digest.merge(&digest);
            remainders.extend(small);
        }
        let mut writers = JoinSet::new();
        for group in groups(remainders) {
            let this = self.clone();
            writers.spawn(async move {
                file_writer::write(&this.files, &group)
                    .await
                    .map_err(|error| LakeError::of(LakeOperation::Write, &this.place, error))
            });
        }
        written.files.extend(self.join(writers).await?.into_iter().flatten());
        Ok(written)
    }

    /// Waits for all writers, so that none leaves a half-written file. Returns the first error.
    async fn join<T: 'static>(
        &self,
        mut writers: JoinSet<Result<T, LakeError>>,
    ) -> Result<Vec<T>, LakeError> {
        let (mut made, mut failure) = (Vec::new(), None);
        while let Some(result) = writers.join_next().await {
            match result.unwrap_or_else(|error| Err(self.panicked(error))) {
                Ok(part) => made.push(part),
                Err(error) => {
                    self.cancel.cancel();
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(made), Err)
    }

    fn panicked(&self, error: JoinError) -> LakeError {
        if let Some(message) = too_long(&error.to_string()) {
            return LakeError::Query(EngineError::Execution(message));
        }
        LakeError::Storage {
            operation: LakeOperation::Write,
            place: self.place.clone(),
            source: Box::new(error),
        }
    }

    async fn write_one(
        self,
        stream: SendableRecordBatchStream,
        limits: WriterLimits,
    ) -> Result<(Vec<Add>, Vec<RecordBatch>, WrittenRows), LakeError> {
        let failed = |error| LakeError::of(LakeOperation::Write, &self.place, error);
        let mut writer = PartitionWriter::new(self.files.clone(), limits).map_err(failed)?;
        match self.pour(stream, &mut writer).await {
            Ok(poured) => {
                let (files, small) = writer.finish().await.map_err(failed)?;
                Ok((files, small, poured))
            }
            Err(error) => {
                writer.abort().await;
                Err(error)
            }
        }
    }

    async fn pour(
        &self,
        mut stream: SendableRecordBatchStream,
        writer: &mut PartitionWriter,
    ) -> Result<WrittenRows, LakeError> {
        let unfit = |source: super::Misfit| LakeError::Value {
            relation: self.relation.clone(),
            source: Box::new(source),
        };
        let failed = |error: ArrowError| unfit(error.into());
        let mut digest = RowDigest::new(&self.table);
        let mut nulls = vec![0; self.not_null.len()];
        let conform =
            Conform::new(&stream.schema(), &self.table, &self.files.partition_by).map_err(failed)?;
        loop {
            let batch = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(LakeError::Cancelled),
                batch = stream.next() => batch,
            };
            let Some(batch) = batch.transpose()? else { return Ok(WrittenRows { digest, nulls }) };
            let batch = conform.apply(&batch).map_err(unfit)?;
            digest.update(&batch).map_err(failed)?;
            for (count, column) in nulls.iter_mut().zip(&self.not_null) {
                *count += batch.column(*column).null_count() as u64;
            }
            let rows = batch.num_rows() as u64;
            writer
                .push(batch)
                .await
                .map_err(|error| LakeError::of(LakeOperation::Write, &self.place, error))?;
            (self.on_rows)(self.rows.fetch_add(rows, Ordering::Relaxed) + rows);
        }
    }
}

/// Facts about the rows that one writer wrote.
struct WrittenRows {
    digest: RowDigest,
    nulls: Vec<u64>,
}

/// Groups remainders into files of a reasonable size.
fn groups(remainders: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    let mut groups: Vec<Vec<RecordBatch>> = Vec::new();
    let mut room = 0;
    for batch in remainders.into_iter().filter(|batch| batch.num_rows() > 0) {
        let rows = batch.num_rows();
        match groups.last_mut() {
            Some(group) if rows <= room => {
                group.push(batch);
                room -= rows;
            }
            _ => {
                groups.push(vec![batch]);
                room = SHARED_ROWS.saturating_sub(rows);
            }
        }
    }
    groups
}
