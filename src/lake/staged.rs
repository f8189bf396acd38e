//! A staged version: prepared but not published. It can be queried, then published or aborted.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use deltalake::{
    delta_datafusion::DeltaScanNext,
    kernel::{EagerSnapshot, transaction::TransactionError},
    logstore::CommitOrBytes,
    table::state::DeltaTableState,
};
use object_store::{ListResult, ObjectStore};

use super::{
    base::{as_read, rows_of_files},
    commit_info::with_provenance,
    error::{LakeError, LogDamage},
    metadata_commit::{CHECKPOINT_INTERVAL, write_due_checkpoint},
    operation::LakeOperation,
    provenance::{PassedTest, Provenance, RejectNote},
    staged_files::StagedFiles,
    version_cache::VersionCache,
};
use crate::{
    engine::{SchemaRef, Table},
    name::{NodeId, Relation},
};

/// A table's next version, invisible to readers. Dropping it leaves its files behind, so publish or abort it.
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
    pub(super) leftovers: StagedFiles,
    /// The cache to add it to once it is published.
    pub(super) cache: Arc<VersionCache>,
}

/// The changes relative to the previous version.
pub(super) struct Change {
    pub(super) written: u64,
    pub(super) digest: String,
    pub(super) replaced: u64,
    pub(super) files: BTreeSet<String>,
    pub(super) written_files: BTreeSet<String>,
    /// The previous version, or `None` if there was no table.
    pub(super) base: Option<EagerSnapshot>,
}

/// The result of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version that is now visible.
    pub version: u64,
    /// A problem after the commit that doesn't affect the version.
    pub warning: Option<String>,
}

impl Staged {
    /// Returns the table.
    #[must_use]
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Returns the application id and transaction version that the commit records.
    #[must_use]
    pub fn transaction(&self) -> Option<&(String, u64)> {
        self.transaction.as_ref()
    }

    /// Returns the columns of the table in this version.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.state.snapshot().arrow_schema()
    }

    /// Returns the number of rows written, which may be fewer than the version has.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.change.written
    }

    /// Returns the digest of the written rows.
    #[must_use]
    pub fn digest_written(&self) -> &str {
        &self.change.digest
    }

    /// Returns the number of rows in the files that it removes.
    #[must_use]
    pub fn rows_replaced(&self) -> u64 {
        self.change.replaced
    }

    /// Returns the files that it removes.
    #[must_use]
    pub fn files_replaced(&self) -> &BTreeSet<String> {
        &self.change.files
    }

    /// Returns the number of rows in the version.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.provenance.rows
    }

    /// Returns the total size of its files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns its provenance.
    #[must_use]
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Adds test metrics, passed tests and rejects to the provenance that the commit will record. Metrics
    /// that aren't finite are left out.
    pub fn record(
        &mut self,
        metrics: BTreeMap<String, f64>,
        tests: BTreeMap<NodeId, PassedTest>,
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
        let entry = with_provenance(&self.entry, &self.provenance).ok_or_else(|| LakeError::Corrupt {
            place: self.place.clone(),
            source: LogDamage::NoCommitInfo.into(),
        })?;
        self.entry = entry.into();
        Ok(())
    }

    /// Returns the version number that it gets when it is published.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns the digest of its rows, which equals that of the published version if nothing changed.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.provenance.digest
    }

    /// Returns the version's rows for queries.
    pub async fn provider(&self) -> Result<Table, LakeError> {
        let snapshot = self.state.snapshot().clone();
        let scan = DeltaScanNext::builder()
            .with_log_store(self.leftovers.real.clone())
            .with_eager_snapshot(snapshot.clone());
        as_read(scan.await?, &snapshot, &self.place)
    }

    /// Returns the rows of the files written for it, and those of the files it removes.
    pub async fn differences(&self) -> Result<(Table, Table), LakeError> {
        let scan = |snapshot: &EagerSnapshot| {
            DeltaScanNext::builder()
                .with_log_store(self.leftovers.real.clone())
                .with_eager_snapshot(snapshot.clone())
        };
        let own = self.state.snapshot();
        let before = self.change.base.as_ref().unwrap_or(own);
        let written = rows_of_files(scan(own), own, &self.change.written_files, &self.place).await?;
        let replaced = rows_of_files(scan(before), before, &self.change.files, &self.place).await?;
        Ok((written, replaced))
    }

    /// Makes the version visible by one atomic commit.
    ///
    /// # Errors
    /// If another writer committed in the meantime; the version's files are deleted then.
    pub async fn publish(self) -> Result<Published, LakeError> {
        let announced = async {
            self.leftovers.announce_commit(self.version).await?;
            self.sync().await
        };
        if let Err(error) = announced.await {
            self.leftovers.settle_commit(self.version);
            let _ = self.leftovers.remove(&self.place).await;
            return Err(error);
        }
        let entry = CommitOrBytes::LogBytes(self.entry.clone());
        let committed =
            self.leftovers.real.write_commit_entry(self.version, entry, uuid::Uuid::new_v4()).await;
        if let Err(error) = committed {
            // The store may have accepted the entry although its response was lost; then a retry finds the
            // entry.
            match self.leftovers.real.read_commit_entry(self.version).await {
                Ok(Some(there)) if there == self.entry => {}
                Ok(there) => {
                    let error = match error {
                        TransactionError::VersionAlreadyExists(version) => self.occupied(version).await,
                        _ if there.is_some() => self.conflict(self.version),
                        error => LakeError::of(LakeOperation::Write, &self.place, error.into()),
                    };
                    self.leftovers.settle_commit(self.version);
                    let _ = self.leftovers.remove(&self.place).await;
                    return Err(error);
                }
                // It is unknown whether the entry was accepted, so its files must stay; the next run finds
                // out.
                Err(_) => return Err(LakeError::of(LakeOperation::Write, &self.place, error.into())),
            }
        }
        self.leftovers.unmark().await;
        self.cache.insert(&self.relation, Arc::new(self.state.snapshot().clone()));
        let interval = self.state.table_config().checkpoint_interval.map_or(CHECKPOINT_INTERVAL, u64::from);
        let warning = write_due_checkpoint(&self.leftovers.real, &self.place, self.version, interval).await;
        self.leftovers.settle();
        self.leftovers.settle_commit(self.version);
        Ok(Published { version: self.version, warning })
    }

    /// Deletes the version's files, which no reader ever saw.
    pub async fn abort(self) -> Result<(), LakeError> {
        self.leftovers.remove(&self.place).await
    }

    /// Syncs the version's files to a local disk.
    async fn sync(&self) -> Result<(), LakeError> {
        let names = self.change.written_files.iter().filter_map(|file| file.rsplit('/').next()).collect();
        self.leftovers.sync(&names, &self.place).await
    }

    /// Returns the error about an entry that is there already: another writer's, or a folder in its place.
    async fn occupied(&self, version: u64) -> LakeError {
        let log = self.leftovers.real.log_path();
        let entry = format!("{version:020}.json");
        let listed = self.leftovers.real.object_store(None).list_with_delimiter(Some(log)).await;
        let is_folder = |listed: ListResult| {
            listed.common_prefixes.iter().any(|folder| folder.filename() == Some(entry.as_str()))
        };
        if listed.is_ok_and(is_folder) {
            let source = LogDamage::FolderAtEntry(version).into();
            return LakeError::Corrupt { place: self.place.clone(), source };
        }
        self.conflict(version)
    }

    fn conflict(&self, version: u64) -> LakeError {
        LakeError::Conflict { relation: self.relation.clone(), version }
    }
}
