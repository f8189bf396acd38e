//! The difference between two versions of a table, by whole files. The files may contain rows that were
//! rewritten without a change.
//!
//! Files are identified by path and deletion vector: a writer that deletes rows with a vector leaves the file
//! in place and records the deleted rows in the log. Such a file is read twice, once as of each version.

use std::collections::BTreeSet;

use super::{deletion_vector::DeletionVector, error::LakeError, store::Lake};
use crate::{engine::Table, name::Relation};

/// The rows of the files in which two versions differ.
pub struct VersionDifference {
    /// The rows of files that are only in the later version.
    pub inserted: Table,
    /// The rows of files that are only in the earlier version, or `None` if no file was removed.
    pub deleted: Option<Table>,
}

impl Lake {
    /// Compares version `to` of a table with version `from` by their files. Returns `None` if that isn't
    /// possible: the earlier version or one of its files was vacuumed, or the table was recreated.
    pub async fn difference(
        &self,
        relation: &Relation,
        from: u64,
        to: u64,
    ) -> Result<Option<VersionDifference>, LakeError> {
        if from > to {
            return Ok(None);
        }
        let (Some(old), Some(new)) = (self.base_at(relation, from).await, self.base_at(relation, to).await)
        else {
            return Ok(None);
        };
        if old.table_id() != new.table_id() {
            return Ok(None);
        }
        let (before, mut after) = (old.deletions()?, new.deletions()?);
        let mut gone = before.clone();
        gone.retain(|file, vector| after.get(file) != Some(vector));
        after.retain(|file, vector| before.get(file) != Some(vector));
        // A vector is a file of its own, which a vacuum can remove although the data file stays.
        let vectors = gone.values().flatten().filter_map(DeletionVector::file);
        let needed: BTreeSet<String> = gone.keys().cloned().chain(vectors).collect();
        if !old.has_files(needed).await? {
            return Ok(None);
        }
        let inserted = new.rows_of(&after.into_keys().collect()).await?;
        let deleted =
            if gone.is_empty() { None } else { Some(old.rows_of(&gone.into_keys().collect()).await?) };
        Ok(Some(VersionDifference { inserted, deleted }))
    }
}
