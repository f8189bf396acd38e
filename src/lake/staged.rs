//! A version that is prepared but not published: query it, then publish or abort it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use deltalake::{
    delta_datafusion::DeltaScanNext,
    kernel::{EagerSnapshot, transaction::TransactionError},
    logstore::{CommitOrBytes, LogStoreRef},
    table::state::DeltaTableState,
};
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Location};

use super::{
    attest::{CHECKPOINT_INTERVAL, sum_up},
    base::as_read,
    error::{LakeError, WRITE},
    known::Known,
    overlay::Overlay,
    place::Directories,
    provenance::{Judged, Provenance, RejectNote, replaced},
    runs::Diary,
};
use crate::{
    engine::{SchemaRef, Table},
    name::{NodeId, Relation},
};

/// A table's next version, which nobody sees yet. Dropping it leaves its files behind; publish or abort it.
#[must_use = "a staged version is neither published nor deleted by itself"]
pub struct Staged {
    pub(super) relation: Relation,
    pub(super) place: String,
    pub(super) provenance: Provenance,
    pub(super) bytes: u64,
    pub(super) version: u64,
    pub(super) state: DeltaTableState,
    pub(super) entry: Bytes,
    pub(super) change: Change,
    pub(super) transaction: Option<(String, u64)>,
    pub(super) traces: Traces,
    /// Where it is noted once it is published.
    pub(super) known: Arc<Known>,
}

/// What a version changes of the one before it.
pub(super) struct Change {
    pub(super) written: u64,
    pub(super) digest: String,
    pub(super) replaced: u64,
    pub(super) files: BTreeSet<String>,
    /// The files that were written.
    pub(super) written_files: BTreeSet<String>,
    /// The version before; none if there was no table.
    pub(super) base: Option<EagerSnapshot>,
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version that is now visible.
    pub version: u64,
    /// What went wrong afterwards, without harm to the version.
    pub warning: Option<String>,
}

/// What staging left in the store.
pub(super) struct Traces {
    pub(super) overlay: Arc<Overlay>,
    pub(super) directories: Directories,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) real: LogStoreRef,
    /// Laid down if the table is being made.
    pub(super) marker: Option<Location>,
    /// Where all of it is noted.
    pub(super) diary: Option<Arc<Diary>>,
}

impl Traces {
    /// Deletes the files that this staging wrote, and no other.
    pub(super) async fn remove(&self, place: &str) -> Result<(), LakeError> {
        let mut failure = None;
        let files = self.overlay.written();
        for file in &files {
            match self.store.delete(file).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => failure = Some(error),
            }
        }
        self.unmark().await;
        self.directories.remove_empty(&files);
        if failure.is_none() {
            self.settle();
        }
        failure.map_or(Ok(()), |error| Err(LakeError::of_store("delete from", place, error)))
    }

    /// Notes the marker and lays it down, if there is to be one.
    pub(super) async fn mark(&self, run: &str, place: &str) -> Result<(), LakeError> {
        let Some(marker) = &self.marker else { return Ok(()) };
        if let (Some(diary), Some(marker)) = (&self.diary, self.marked()) {
            diary.note([diary.file(&marker)]).await?;
        }
        let put = self.real.object_store(None).put(marker, run.to_owned().into()).await;
        put.map(drop).map_err(|error| LakeError::of_store(WRITE, place, error))
    }

    /// Notes the commit, before it is made. Fails if another run has taken what it is to publish.
    async fn announce_commit(&self, version: u64) -> Result<(), LakeError> {
        let Some(diary) = &self.diary else { return Ok(()) };
        diary.note([diary.commit(self.real.root_url(), version)]).await?;
        diary.check().await
    }

    /// Notes that the commit was made, or that it is known that it was not.
    fn settle_commit(&self, version: u64) {
        if let Some(diary) = &self.diary {
            diary.settle([&diary.commit(self.real.root_url(), version)]);
        }
    }

    /// Notes that the files are published, or gone.
    fn settle(&self) {
        if let Some(diary) = &self.diary {
            let files = self.overlay.written().into_iter().chain(self.marked());
            diary.settle(&files.map(|file| diary.file(&file)).collect::<Vec<_>>());
        }
    }

    /// Where the marker is in the whole store.
    fn marked(&self) -> Option<Location> {
        let table = Location::from_url_path(self.real.root_url().path()).ok()?;
        Some(table.parts().chain(self.marker.as_ref()?.parts()).collect())
    }

    /// Takes the marker away. If that fails it stays, unseen by every reader, and does no harm.
    async fn unmark(&self) {
        if let Some(marker) = &self.marker {
            let _ = self.real.object_store(None).delete(marker).await;
        }
    }
}

impl Staged {
    /// The table.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// The application and the number of what its commit is the proof of.
    #[must_use]
    pub fn transaction(&self) -> Option<&(String, u64)> {
        self.transaction.as_ref()
    }

    /// The columns that the table has with it.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.state.snapshot().arrow_schema()
    }

    /// Rows that were written, which may be fewer than the version has.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.change.written
    }

    /// The digest of the rows that were written.
    #[must_use]
    pub fn digest_written(&self) -> &str {
        &self.change.digest
    }

    /// Rows of the files that it does without.
    #[must_use]
    pub fn rows_replaced(&self) -> u64 {
        self.change.replaced
    }

    /// The files that it does without.
    #[must_use]
    pub fn files_replaced(&self) -> &BTreeSet<String> {
        &self.change.files
    }

    /// Rows in the version.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.provenance.rows
    }

    /// Bytes of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it comes from.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Adds what was measured of it, the tests it passed, and what its sources rejected to what its commit will say.
    /// Numbers that are none are left out.
    pub fn record(
        &mut self,
        metrics: BTreeMap<String, f64>,
        tests: BTreeMap<NodeId, Judged>,
        rejected: Option<RejectNote>,
    ) -> Result<(), LakeError> {
        let metrics: BTreeMap<String, f64> =
            metrics.into_iter().filter(|(_, metric)| metric.is_finite()).collect();
        if metrics.is_empty() && tests.is_empty() && rejected.is_none() {
            return Ok(());
        }
        self.provenance.metrics.extend(metrics);
        self.provenance.tests.extend(tests);
        self.provenance.rejected = rejected;
        let entry = replaced(&self.entry, &self.provenance).ok_or_else(|| LakeError::Corrupt {
            place: self.place.clone(),
            source: "the entry that was prepared has no commitInfo".into(),
        })?;
        self.entry = entry.into();
        Ok(())
    }

    /// Its number, if it is published.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The digest of its rows: equal to that of the published version if nothing changed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.provenance.digest
    }

    /// The version as it will be, for queries.
    pub async fn provider(&self) -> Result<Table, LakeError> {
        let snapshot = self.state.snapshot().clone();
        let scan = DeltaScanNext::builder()
            .with_log_store(self.traces.real.clone())
            .with_eager_snapshot(snapshot.clone());
        as_read(scan.await?, &snapshot)
    }

    /// The rows of the files that were written for it, and those of the files that it does without.
    pub async fn differences(&self) -> Result<(Table, Table), LakeError> {
        let written: BTreeSet<String> = self.change.written_files.clone();
        let scan = |files: &BTreeSet<String>, snapshot: EagerSnapshot| {
            DeltaScanNext::builder()
                .with_log_store(self.traces.real.clone())
                .with_eager_snapshot(snapshot)
                .with_file_paths(files.iter().map(String::as_str))
        };
        let own = self.state.snapshot().clone();
        let before = match &self.change.base {
            Some(base) => base.clone(),
            None => own.clone(),
        };
        let written = as_read(scan(&written, own.clone()).await?, &own)?;
        let replaced = as_read(scan(&self.change.files, before.clone()).await?, &before)?;
        Ok((written, replaced))
    }

    /// Makes the version visible, by one commit. If another writer committed in the meantime it is deleted
    /// instead, and the error says so.
    pub async fn publish(self) -> Result<Published, LakeError> {
        if let Err(error) = self.traces.announce_commit(self.version).await {
            self.traces.settle_commit(self.version);
            let _ = self.traces.remove(&self.place).await;
            return Err(error);
        }
        let entry = CommitOrBytes::LogBytes(self.entry.clone());
        let committed = self.traces.real.write_commit_entry(self.version, entry, uuid::Uuid::new_v4()).await;
        if let Err(error) = committed {
            // A store may have taken the entry although its answer was lost; then a second try finds it there.
            match self.traces.real.read_commit_entry(self.version).await {
                Ok(Some(there)) if there == self.entry => {}
                Ok(there) => {
                    let error = match error {
                        TransactionError::VersionAlreadyExists(version) => self.conflict(version),
                        _ if there.is_some() => self.conflict(self.version),
                        error => LakeError::of(WRITE, &self.place, error.into()),
                    };
                    self.traces.settle_commit(self.version);
                    let _ = self.traces.remove(&self.place).await;
                    return Err(error);
                }
                // Nobody knows whether it was taken, so its files must stay; the next run finds out.
                Err(_) => return Err(LakeError::of(WRITE, &self.place, error.into())),
            }
        }
        self.traces.unmark().await;
        self.known.keep(&self.relation, Arc::new(self.state.snapshot().clone()));
        let interval = self.state.table_config().checkpoint_interval.map_or(CHECKPOINT_INTERVAL, u64::from);
        let warning = sum_up(&self.traces.real, &self.place, self.version, interval).await;
        self.traces.settle();
        self.traces.settle_commit(self.version);
        Ok(Published { version: self.version, warning })
    }

    /// Deletes the version's files. Nobody ever saw it.
    pub async fn abort(self) -> Result<(), LakeError> {
        self.traces.remove(&self.place).await
    }

    fn conflict(&self, version: u64) -> LakeError {
        LakeError::Conflict { relation: self.relation.clone(), version }
    }
}
