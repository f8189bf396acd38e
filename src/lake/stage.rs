//! Staging: writes the files of a new table version and builds its log entry, without making it visible.
//! Start at [`Lake::stage`].

use std::{
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use deltalake::{
    DeltaTableError,
    kernel::{Add, EagerSnapshot},
    logstore::LogStoreRef,
    table::state::DeltaTableState,
};
use futures::StreamExt;
use object_store::path::Path as Location;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    base::Replaces,
    cast::Conform,
    commit::{self, Shape},
    constraint::Constraints,
    error::{LakeError, WRITE, is_conflict},
    overlay::Overlay,
    place::Directories,
    provenance::Provenance,
    schema::delta_schema,
    sink::{Files, Limits, Sink},
    staged::{Change, Staged, Traces},
    store::{Lake, MARKER},
};
use crate::{
    engine::{
        SendableRecordBatchStream, Streams,
        arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError},
        memory::Budget,
        row_digest::RowDigest,
    },
    name::Relation,
};

/// A table's next version, except for its rows.
pub struct Write {
    /// The rows that the new rows replace.
    pub replaces: Replaces,
    /// The table's columns; the streams have them by name.
    pub schema: SchemaRef,
    /// The partition columns. Streams should not share partition values.
    pub partition_by: Vec<String>,
    /// The provenance of the version. The number of rows is filled in, and the digest if all rows are
    /// rewritten.
    pub provenance: Provenance,
    /// The table's description, for users of other tools.
    pub description: Option<String>,
    /// The constraints for every writer of the table.
    pub constraints: Constraints,
    /// The target size of files in bytes; 100 MB by default.
    pub target_file_size: Option<NonZeroU64>,
    /// The application id and transaction version that the commit records.
    pub transaction: Option<(String, u64)>,
    /// The progress callback: receives the number of rows written so far by all streams.
    pub on_rows: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Write {
    /// Returns the reason if the rows can't be combined with the rows of the base that stay.
    fn unfit(&self, base: &EagerSnapshot) -> Option<String> {
        let is = base.metadata().partition_columns();
        (self.replaces.of().is_some() && *is != self.partition_by).then(|| {
            let list = |columns: &[String]| match columns {
                [] => "nothing".to_owned(),
                columns => columns.join(", "),
            };
            let (is, wanted) = (list(is), list(&self.partition_by));
            format!("it is partitioned by {is}, the model by {wanted}; build it from nothing: --full-refresh")
        })
    }
}

/// Rows that may wait before a stream gets a file of its own.
const SMALL_ROWS: usize = 64 * 1024;
/// The same limit in bytes.
const SMALL_BYTES: usize = 16 << 20;
/// Rows of remainders that share a file: as many as one core encodes in 0.1 to 0.2 seconds.
const SHARED_ROWS: usize = 256 * 1024;
/// Bytes that may wait in all sinks of a partitioned table.
const WAITING_BYTES: usize = 128 << 20;
/// Files that all sinks of a partitioned table may have open.
const OPEN_FILES: usize = 64;
/// Bytes of a row group: small enough to read side by side, large enough to compress.
const ROW_GROUP: usize = 64 << 20;

/// The result of all writers.
struct Written {
    files: Vec<Add>,
    digest: RowDigest,
    /// The number of NULLs in each NOT NULL column, in order.
    nulls: Vec<u64>,
}

impl Lake {
    /// Writes the streams' rows concurrently as the next version of a table, which is created if needed. The
    /// version isn't visible until it is published.
    ///
    /// On an error or a cancellation, everything written is deleted before this returns. So cancel it by its
    /// token instead of dropping the future.
    pub async fn stage(
        &self,
        relation: &Relation,
        write: Write,
        streams: Streams,
        cancel: &CancellationToken,
    ) -> Result<Staged, LakeError> {
        let place = self.place(relation);
        let schema_error = |problems| LakeError::Schema { relation: relation.clone(), problems };
        let table = delta_schema(&write.schema, &write.partition_by).map_err(schema_error)?;
        let overlay = Arc::new(Overlay::new(self.store().clone(), self.diary().cloned()));
        let (above, base) = self.load(relation, overlay.clone()).await?;
        let next = base.as_ref().map_or(0, |base| base.version() + 1);
        if write.replaces.of().is_some_and(|of| of + 1 != next) {
            return Err(LakeError::Conflict { relation: relation.clone(), version: next });
        }
        let refused = |base: &EagerSnapshot| {
            write.unfit(base).or_else(|| commit::unsupported(base, &write.constraints))
        };
        if let Some(reason) = base.as_deref().and_then(refused) {
            return Err(LakeError::Unsupported { place, reason });
        }
        let url = self.root().mount_of(relation);
        let real =
            self.log_store(self.store().clone(), url.clone()).map_err(|e| LakeError::of(WRITE, &place, e))?;
        let directories = Directories::before(self.root().folder_of(relation), &url);
        let marker =
            base.is_none().then(|| Location::from(format!("{MARKER}_{}", uuid::Uuid::new_v4().simple())));
        let diary = self.diary().cloned();
        let traces = Traces { overlay, directories, store: self.store().clone(), real, marker, diary };
        traces.mark(&write.provenance.run_id, &place).await?;

        let transaction = write.transaction.clone();
        let budget = self.session().map(|session| Budget::of(session.config())).unwrap_or_default();
        let next =
            Next { relation, place: &place, base: base.as_deref(), log_store: above, table, write, budget };
        match next.prepare(streams, cancel).await {
            Ok(Prepared { provenance, bytes, version, state, entry, change }) => {
                let relation = relation.clone();
                Ok(Staged {
                    relation,
                    place,
                    provenance,
                    bytes,
                    version,
                    state,
                    entry,
                    change,
                    transaction,
                    traces,
                    known: Arc::clone(self.known()),
                })
            }
            Err(error) => {
                // The first error has the cause. Files that can't be deleted now are left for a vacuum.
                let _ = traces.remove(&place).await;
                Err(error)
            }
        }
    }
}

/// A table's next version, to be prepared.
struct Next<'a> {
    relation: &'a Relation,
    place: &'a str,
    /// The base version, or `None` if there is no table yet.
    base: Option<&'a EagerSnapshot>,
    log_store: LogStoreRef,
    table: SchemaRef,
    write: Write,
    budget: Budget,
}

/// An invisible version whose files and commit have been written.
struct Prepared {
    provenance: Provenance,
    bytes: u64,
    version: u64,
    state: DeltaTableState,
    entry: Bytes,
    change: Change,
}

impl Next<'_> {
    /// Writes the rows and builds the commit.
    async fn prepare(self, streams: Streams, cancel: &CancellationToken) -> Result<Prepared, LakeError> {
        let Self { relation, place, base, log_store, table, write, budget } = self;
        let started = Instant::now();
        let failed = |error: DeltaTableError| {
            if is_conflict(&error) {
                let version = base.map_or(0, |base| base.version() + 1);
                LakeError::Conflict { relation: relation.clone(), version }
            } else {
                LakeError::of(WRITE, place, error)
            }
        };
        let store = log_store.object_store(None);
        let (partition_by, size) = (&write.partition_by, write.target_file_size);
        let files = Files::new(store, table.clone(), partition_by, size, budget.row_group(ROW_GROUP));
        let files = files.map_err(failed)?;
        let guarded = not_null(&table, &write.constraints);
        let writing = Writing {
            files,
            not_null: guarded.clone(),
            table: table.clone(),
            relation: relation.clone(),
            place: place.to_owned(),
            rows: Arc::new(AtomicU64::new(0)),
            on_rows: write.on_rows,
            cancel: cancel.child_token(),
            budget,
        };
        let written = writing.write_all(streams).await?;
        let nulls = guarded.iter().zip(&written.nulls).filter(|(_, nulls)| **nulls > 0);
        let violations: Vec<(String, u64)> =
            nulls.map(|(column, nulls)| (table.field(*column).name().clone(), *nulls)).collect();
        if !violations.is_empty() {
            return Err(LakeError::NotNull { relation: relation.clone(), violations });
        }
        let old = commit::replaced(base, &write.replaces, &written.files).map_err(failed)?;
        let change = Change {
            written: written.digest.rows(),
            digest: written.digest.finish(),
            replaced: old.rows,
            files: old.files.iter().map(|file| file.path.clone()).collect(),
            written_files: written.files.iter().map(|file| file.path.clone()).collect(),
            base: base.cloned(),
        };
        let mut provenance = write.provenance;
        provenance.rows = change.written + old.rows_kept;
        provenance.millis = u64::try_from(started.elapsed().as_millis()).ok();
        if write.replaces == Replaces::Everything {
            provenance.digest.clone_from(&change.digest);
        }
        let bytes = written.files.iter().filter_map(|file| u64::try_from(file.size).ok()).sum();
        let shape = Shape {
            schema: &table,
            partition_by: &write.partition_by,
            description: write.description.as_deref(),
            constraints: &write.constraints,
            transaction: write.transaction.as_ref().map(|(app, number)| (app.as_str(), *number)),
        };
        let commit = commit::commit(base, log_store.clone(), &shape, old, written.files, &provenance).await;
        let (version, state) = commit.map_err(failed)?;
        let entry = log_store.read_commit_entry(version).await.map_err(failed)?;
        let entry = entry.ok_or_else(|| failed(DeltaTableError::InvalidVersion(version)))?;
        Ok(Prepared { provenance, bytes, version, state, entry, change })
    }
}

/// The state shared by all writers of a table.
#[derive(Clone)]
struct Writing {
    files: Files,
    table: SchemaRef,
    /// The positions of the NOT NULL columns.
    not_null: Vec<usize>,
    relation: Relation,
    place: String,
    rows: Arc<AtomicU64>,
    on_rows: Arc<dyn Fn(u64) + Send + Sync>,
    /// Stops all writers if one fails or the run is cancelled.
    cancel: CancellationToken,
    budget: Budget,
}

impl Writing {
    async fn write_all(self, streams: Streams) -> Result<Written, LakeError> {
        let writers = streams.len().max(1);
        let limits = if self.files.partition_by.is_empty() {
            let bytes = SMALL_BYTES.min(self.budget.waiting(WAITING_BYTES) / writers);
            Limits { rows: SMALL_ROWS, bytes, open: 1 }
        } else {
            let bytes = self.budget.waiting(WAITING_BYTES.max(writers * (8 << 20))) / writers;
            let open = self.budget.open_files(OPEN_FILES.max(4 * writers)).div_ceil(writers);
            Limits { rows: usize::MAX, bytes, open }
        };
        let mut writers = JoinSet::new();
        for stream in streams {
            writers.spawn(self.clone().write_one(stream, limits));
        }
        let mut written = Written {
            files: Vec::new(),
            digest: RowDigest::new(&self.table),
            nulls: vec![0; self.not_null.len()],
        };
        let mut remainders = Vec::new();
        for (files, small, poured) in self.join(writers).await? {
            let Poured { digest, nulls } = poured;
            written.nulls.iter_mut().zip(nulls).for_each(|(all, some)| *all += some);
            written.files.extend(files);
            written.digest.merge(&digest);
            remainders.extend(small);
        }
        let mut writers = JoinSet::new();
        for group in groups(remainders) {
            let this = self.clone();
            writers.spawn(async move {
                this.files.write(&group).await.map_err(|error| LakeError::of(WRITE, &this.place, error))
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
        LakeError::Storage { doing: WRITE, place: self.place.clone(), source: Box::new(error) }
    }

    async fn write_one(
        self,
        stream: SendableRecordBatchStream,
        limits: Limits,
    ) -> Result<(Vec<Add>, Vec<RecordBatch>, Poured), LakeError> {
        let failed = |error| LakeError::of(WRITE, &self.place, error);
        let mut sink = Sink::new(self.files.clone(), limits).map_err(failed)?;
        match self.pour(stream, &mut sink).await {
            Ok(poured) => {
                let (files, small) = sink.finish().await.map_err(failed)?;
                Ok((files, small, poured))
            }
            Err(error) => {
                sink.abort().await;
                Err(error)
            }
        }
    }

    async fn pour(
        &self,
        mut stream: SendableRecordBatchStream,
        sink: &mut Sink,
    ) -> Result<Poured, LakeError> {
        let unfit = |source| LakeError::Value { relation: self.relation.clone(), source };
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
            let Some(batch) = batch.transpose()? else { return Ok(Poured { digest, nulls }) };
            let batch = conform.apply(&batch).map_err(unfit)?;
            digest.update(&batch).map_err(failed)?;
            for (count, column) in nulls.iter_mut().zip(&self.not_null) {
                *count += batch.column(*column).null_count() as u64;
            }
            let rows = batch.num_rows() as u64;
            sink.push(batch).await.map_err(|error| LakeError::of(WRITE, &self.place, error))?;
            (self.on_rows)(self.rows.fetch_add(rows, Ordering::Relaxed) + rows);
        }
    }
}

/// Facts about the rows that one writer wrote.
struct Poured {
    digest: RowDigest,
    nulls: Vec<u64>,
}

/// Returns the positions of the NOT NULL columns.
fn not_null(table: &SchemaRef, constraints: &Constraints) -> Vec<usize> {
    let fields = table.fields().iter().enumerate();
    fields
        .filter(|(_, field)| constraints.not_null.contains(field.name()))
        .map(|(position, _)| position)
        .collect()
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
