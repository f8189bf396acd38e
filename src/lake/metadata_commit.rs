//! Metadata-only commits: record further provenance for existing rows without changing any.

use chrono::Utc;
use deltalake::{
    DeltaTable,
    kernel::transaction::TransactionError,
    logstore::{CommitOrBytes, LogStoreRef},
    protocol::checkpoints::create_checkpoint,
};

use super::{
    commit_info::metadata_entry,
    error::{LakeError, WRITE},
    provenance::Provenance,
    store::Lake,
};
use crate::name::Relation;

/// The default checkpoint interval, in versions.
pub(super) const CHECKPOINT_INTERVAL: u64 = 100;

impl Lake {
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
        let place = self.place(relation);
        if let Some(reason) = self.cache().current(relation).and_then(|current| current.unwritable) {
            return Err(LakeError::Unsupported { place, reason });
        }
        let log_store = self
            .log_store(self.store().clone(), self.root().mount_of(relation))
            .map_err(|error| LakeError::of(WRITE, &place, error))?;
        let entry = metadata_entry(provenance, transaction, Utc::now())
            .map_err(|error| LakeError::Corrupt { place: place.clone(), source: error.into() })?;
        let next = version + 1;
        let entry = CommitOrBytes::LogBytes(entry.into());
        let announced = self.journal().map(|journal| (journal, journal.commit(log_store.root_url(), next)));
        if let Some((journal, commit)) = &announced {
            journal.announce([commit.clone()]).await?;
        }
        match log_store.write_commit_entry(next, entry, uuid::Uuid::new_v4()).await {
            Ok(()) => {}
            Err(TransactionError::VersionAlreadyExists(version)) => {
                if let Some((journal, commit)) = &announced {
                    journal.settle([commit]);
                }
                return Err(LakeError::Conflict { relation: relation.clone(), version });
            }
            Err(error) => return Err(LakeError::of(WRITE, &place, error.into())),
        }
        if let Some(warning) = write_due_checkpoint(&log_store, &place, next, CHECKPOINT_INTERVAL).await {
            tracing::warn!("{warning}");
        }
        if let Some((journal, commit)) = &announced {
            journal.settle([commit]);
        }
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
