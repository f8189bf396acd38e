//! A table's version history, as far as its log goes back.

use chrono::{DateTime, Utc};
use deltalake::kernel::Snapshot;
use futures::{StreamExt, stream};

use super::{
    commit_info::{CommitInfo, commit_info},
    error::LakeError,
    observe::is_newest,
    operation::LakeOperation,
    provenance::Provenance,
    store::Lake,
};
use crate::name::Relation;

/// One version in a table's history.
#[derive(Debug, Clone, PartialEq)]
pub struct PastVersion {
    /// The version number.
    pub version: u64,
    /// The commit time, if the commit records it.
    pub at: Option<DateTime<Utc>>,
    /// Its provenance, or `None` if another writer made it.
    pub provenance: Option<Provenance>,
}

/// The number of log entries to read concurrently.
const READS: usize = 8;

impl Lake {
    /// Returns the newest `limit` versions of a table, newest first, or none if there is no table. The
    /// history ends where log entries were cleaned up.
    pub async fn history(&self, relation: &Relation, limit: usize) -> Result<Vec<PastVersion>, LakeError> {
        let place = self.place(relation);
        let read = |error| LakeError::of(LakeOperation::Read, &place, error);
        let log_store = self.log_store(self.store().clone(), self.root().mount_of(relation)).map_err(read)?;
        if limit == 0 || self.is_missing(relation) {
            return Ok(Vec::new());
        }
        let newest = match self.cache().current(relation).map(|observed| observed.version) {
            Some(version) if is_newest(&log_store, version).await => version,
            _ => match Snapshot::try_new(&log_store, None).await {
                Ok(snapshot) => snapshot.version(),
                Err(error) => return self.absent(relation, &log_store, error).await.map(|()| Vec::new()),
            },
        };
        let mut entries = stream::iter((0..=newest).rev().take(limit))
            .map(|version| {
                let log_store = log_store.clone();
                async move { (version, log_store.read_commit_entry(version).await) }
            })
            .buffered(READS);
        let mut past = Vec::new();
        while let Some((version, entry)) = entries.next().await {
            let Some(entry) = entry.map_err(read)? else { break };
            let CommitInfo { at, provenance } = commit_info(&entry);
            past.push(PastVersion { version, at, provenance });
        }
        Ok(past)
    }
}
