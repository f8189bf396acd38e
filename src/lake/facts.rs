//! How large a table is.

use chrono::{DateTime, Utc};

use super::{
    deletion_vector::live_rows,
    error::{LakeError, READ},
    provenance::told,
    store::Lake,
};
use crate::name::Relation;

/// What the newest version of a table is, as far as its log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its number.
    pub version: u64,
    /// How many rows it has; none if one of its files does not say.
    pub rows: Option<u64>,
    /// How many data files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The columns it is partitioned by.
    pub partition_by: Vec<String>,
    /// When it was committed, if its commit says so.
    pub at: Option<DateTime<Utc>>,
}

impl Lake {
    /// The facts of a table; none if there is no table. Reads its log and no data file.
    pub async fn facts(&self, relation: &Relation) -> Result<Option<Facts>, LakeError> {
        let (log_store, snapshot) = self.load(relation, self.store().clone()).await?;
        let Some(snapshot) = snapshot else { return Ok(None) };
        let read = |error| LakeError::of(READ, &self.place(relation), error);
        let mut facts = Facts {
            version: snapshot.version(),
            rows: Some(0),
            files: 0,
            bytes: 0,
            partition_by: snapshot.metadata().partition_columns().to_vec(),
            at: None,
        };
        for file in snapshot.try_log_data().map_err(read)?.iter() {
            facts.files += 1;
            facts.bytes += u64::try_from(file.size()).unwrap_or_default();
            facts.rows = facts.rows.zip(live_rows(&file)).map(|(sum, rows)| sum + rows);
        }
        // The commit may have been cleaned away, where a checkpoint stands for it.
        let commit = log_store.read_commit_entry(facts.version).await.map_err(read)?;
        facts.at = commit.and_then(|entry| told(&entry).at);
        Ok(Some(facts))
    }
}
