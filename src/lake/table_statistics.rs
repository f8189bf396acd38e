//! Table statistics.

use chrono::{DateTime, Utc};

use super::{
    commit_info::commit_info, deletion_vector::live_rows, error::LakeError, operation::LakeOperation,
    store::Lake,
};
use crate::name::Relation;

/// Statistics of the newest version of a table, as recorded in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStatistics {
    /// The version number.
    pub version: u64,
    /// The number of rows, or `None` if a file's log entry doesn't record it.
    pub rows: Option<u64>,
    /// The number of data files.
    pub files: usize,
    /// The total size of the data files, in bytes.
    pub bytes: u64,
    /// The partition columns.
    pub partition_by: Vec<String>,
    /// The commit time, if the commit records it.
    pub at: Option<DateTime<Utc>>,
}

impl Lake {
    /// Returns the statistics of a table, or `None` if there is no table. Reads its log but no data files.
    pub async fn statistics(&self, relation: &Relation) -> Result<Option<TableStatistics>, LakeError> {
        let (log_store, snapshot) = self.load(relation, self.store().clone()).await?;
        let Some(snapshot) = snapshot else { return Ok(None) };
        let read = |error| LakeError::of(LakeOperation::Read, &self.place(relation), error);
        let mut statistics = TableStatistics {
            version: snapshot.version(),
            rows: Some(0),
            files: 0,
            bytes: 0,
            partition_by: snapshot.metadata().partition_columns().to_vec(),
            at: None,
        };
        for file in snapshot.try_log_data().map_err(read)?.iter() {
            statistics.files += 1;
            statistics.bytes += u64::try_from(file.size()).unwrap_or_default();
            statistics.rows = statistics.rows.zip(live_rows(&file)).map(|(sum, rows)| sum + rows);
        }
        // The commit may have been cleaned up after a checkpoint.
        let commit = log_store.read_commit_entry(statistics.version).await.map_err(read)?;
        statistics.at = commit.and_then(|entry| commit_info(&entry).at);
        Ok(Some(statistics))
    }
}
