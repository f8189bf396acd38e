//! Staging: writes the files of a new table version and builds its log entry, without making it visible.
//! Start at [`LakeWriter::stage`].

use std::{
    mem,
    sync::{Arc, atomic::AtomicU64},
    time::Instant,
};

use bytes::Bytes;
use deltalake::{
    DeltaTableError, kernel::EagerSnapshot, logstore::LogStoreRef, table::state::DeltaTableState,
};
use object_store::path::Path as Location;
use tokio_util::sync::CancellationToken;

use super::{
    commit::{self, TableDefinition},
    constraint::Constraints,
    directories::Directories,
    error::{LakeError, UnsupportedTable, is_conflict},
    file_settings::FileSettings,
    layout::MARKER,
    operation::LakeOperation,
    overlay::Overlay,
    provenance::Provenance,
    row_writers::RowWriters,
    schema::delta_schema,
    staged::{Change, Staged},
    staged_files::StagedFiles,
    write::{Replaces, Write},
    writer::LakeWriter,
};
use crate::{
    engine::{Streams, arrow::datatypes::SchemaRef, memory::Budget},
    name::Relation,
};

/// Bytes of a row group: small enough to read side by side, large enough to compress.
const ROW_GROUP: usize = 64 << 20;

impl LakeWriter {
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
        let lake = self.lake();
        let place = lake.place(relation);
        let schema_error = |problems| LakeError::Schema { relation: relation.clone(), problems };
        let table = delta_schema(&write.schema, &write.partition_by).map_err(schema_error)?;
        let overlay = Arc::new(Overlay::new(lake.store().clone(), Arc::clone(self.journal())));
        let (above, base) = lake.load(relation, overlay.clone()).await?;
        let next = base.as_ref().map_or(0, |base| base.version() + 1);
        if write.replaces.of().is_some_and(|of| of + 1 != next) {
            return Err(LakeError::Conflict { relation: relation.clone(), version: next });
        }
        if let Some(reason) = base.as_deref().and_then(|base| refused(base, &write)) {
            return Err(LakeError::Unsupported { place, reason });
        }
        let url = lake.root().mount_of(relation);
        let real = lake
            .log_store(lake.store().clone(), url.clone())
            .map_err(|e| LakeError::of(LakeOperation::Write, &place, e))?;
        let directories = Directories::before(lake.root().folder_of(relation), &url);
        let marker =
            base.is_none().then(|| Location::from(format!("{MARKER}_{}", uuid::Uuid::new_v4().simple())));
        let journal = Arc::clone(self.journal());
        let captured = Arc::clone(&overlay);
        let leftovers =
            StagedFiles { overlay, directories, store: lake.store().clone(), real, marker, journal };
        leftovers.mark(&write.provenance.run_id, &place).await?;

        let transaction = write.transaction.clone();
        let budget = Budget::of(lake.session().config());
        let next = Next {
            relation,
            place: &place,
            base: base.as_deref(),
            log_store: above,
            captured,
            table,
            write,
            budget,
        };
        match next.prepare(streams, cancel).await {
            Ok(PreparedVersion { provenance, bytes, version, state, entry, change }) => {
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
                    leftovers,
                    cache: Arc::clone(lake.cache()),
                })
            }
            Err(error) => {
                // The first error has the cause. Files that can't be deleted now are left for a vacuum.
                let _ = leftovers.remove(&place).await;
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
    /// The store that captures the commit.
    captured: Arc<Overlay>,
    table: SchemaRef,
    write: Write,
    budget: Budget,
}

/// An invisible version whose files and commit have been written.
struct PreparedVersion {
    provenance: Provenance,
    bytes: u64,
    version: u64,
    state: DeltaTableState,
    entry: Bytes,
    change: Change,
}

impl Next<'_> {
    /// Writes the rows and builds the commit.
    async fn prepare(
        self,
        streams: Streams,
        cancel: &CancellationToken,
    ) -> Result<PreparedVersion, LakeError> {
        let Self { relation, place, base, log_store, captured, table, write, budget } = self;
        let started = Instant::now();
        let failed = |error: DeltaTableError| {
            if is_conflict(&error) {
                let version = base.map_or(0, |base| base.version() + 1);
                LakeError::Conflict { relation: relation.clone(), version }
            } else {
                LakeError::of(LakeOperation::Write, place, error)
            }
        };
        let store = log_store.object_store(None);
        let (partition_by, size) = (&write.partition_by, write.target_file_size);
        let files = FileSettings::new(store, table.clone(), partition_by, size, budget.row_group(ROW_GROUP));
        let files = files.map_err(failed)?;
        let guarded = not_null(&table, &write.constraints);
        let writing = RowWriters {
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
        let mut old = commit::replaced(base, &write.replaces, &written.files).map_err(failed)?;
        captured.set_removed(mem::take(&mut old.paths));
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
        let definition = TableDefinition {
            schema: &table,
            partition_by: &write.partition_by,
            description: write.description.as_deref(),
            constraints: &write.constraints,
            transaction: write.transaction.as_ref().map(|(app, number)| (app.as_str(), *number)),
        };
        let commit =
            commit::commit(base, log_store.clone(), &definition, old, written.files, &provenance).await;
        let (version, state) = commit.map_err(failed)?;
        let entry = log_store.read_commit_entry(version).await.map_err(failed)?;
        let entry = entry.ok_or_else(|| failed(DeltaTableError::InvalidVersion(version)))?;
        Ok(PreparedVersion { provenance, bytes, version, state, entry, change })
    }
}

/// Returns the positions of the NOT NULL columns.
fn not_null(table: &SchemaRef, constraints: &Constraints) -> Vec<usize> {
    let fields = table.fields().iter().enumerate();
    fields
        .filter(|(_, field)| constraints.not_null.contains(field.name()))
        .map(|(position, _)| position)
        .collect()
}

/// Returns the reason if a write can't follow the base version.
fn refused(base: &EagerSnapshot, write: &Write) -> Option<UnsupportedTable> {
    write.unfit(base).or_else(|| commit::unsupported(base, &write.constraints, &write.replaces))
}
