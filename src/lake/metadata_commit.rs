//! Metadata-only commits: record further provenance for existing rows without changing any.

use chrono::Utc;
use deltalake::{
    DeltaTable,
    kernel::transaction::TransactionError,
    logstore::{CommitOrBytes, LogStoreRef},
    protocol::checkpoints::create_checkpoint,
};

use super::{
    commit_info::metadata_entry, error::LakeError, operation::LakeOperation, provenance::Provenance,
    writer::LakeWriter,
};
use crate::name::Relation;

/// The default checkpoint interval, in versions.
pub(super) const CHECKPOINT_INTERVAL: u64 = 100;

impl LakeWriter {
    /// Commits `provenance` for the rows of `version`. No row changes, and tables built from that version
    /// stay up to date. `transaction` is an application id and its transaction version. Returns the version
    /// of the commit.
    ///
    /// # Errors
    /// If another writer committed after `version`; then nothing is committed.
    pub async fn commit_metadata(
        &self,
        relation: &Relation,
        version: u64,
        provenance: &Provenance,
        transaction: Option<&(String, u64)>,
    ) -> Result<u64, LakeError> {
        let (lake, journal) = (self.lake(), self.journal());
        let place = lake.place(relation);
        if let Some(reason) = lake.cache().current(relation).and_then(|current| current.unwritable) {
            return Err(LakeError::Unsupported { place, reason });
        }
        let log_store = lake
            .log_store(lake.store().clone(), lake.root().mount_of(relation))
            .map_err(|error| LakeError::of(LakeOperation::Write, &place, error))?;
        #[expect(clippy::disallowed_methods, reason = "the commit has a time of its own")]
        let entry = metadata_entry(provenance, transaction, Utc::now())
            .map_err(|error| LakeError::Corrupt { place: place.clone(), source: error.into() })?;
        let next = version + 1;
        let entry = CommitOrBytes::LogBytes(entry.into());
        let commit = journal.commit(log_store.root_url(), next);
        journal.announce([commit.clone()]).await?;
        match log_store.write_commit_entry(next, entry, uuid::Uuid::new_v4()).await {
            Ok(()) => {}
            Err(TransactionError::VersionAlreadyExists(version)) => {
                journal.settle([&commit]);
                return Err(LakeError::Conflict { relation: relation.clone(), version });
            }
            Err(error) => return Err(LakeError::of(LakeOperation::Write, &place, error.into())),
        }
        if let Some(warning) = write_due_checkpoint(&log_store, &place, next, CHECKPOINT_INTERVAL).await {
            tracing::warn!("{warning}");
        }
        journal.settle([&commit]);
        Ok(next)
    }
}

/// Writes a checkpoint when one is due, so that tables with many versions still open quickly. Returns a
/// warning if that fails.
pub(super) async fn write_due_checkpoint(
    log_store: &LogStoreRef,
    place: &str,
    version: u64,
    interval: u64,
) -> Option<String> {
    if !(version + 1).is_multiple_of(interval) {
        return None;
    }
    let mut table = DeltaTable::new(log_store.clone());
    let made = async {
        table.load_version(version).await?;
        create_checkpoint(&table, None).await
    };
    made.await.err().map(|error| format!("the log of {place} could not be summed up: {error}"))
}
