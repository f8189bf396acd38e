//! What was written to a table, and what was taken out of it, between two of its versions: whole files, which may hold
//! rows that were only written anew.
//!
//! A file is told from another by its path and its deletion vector: a writer that deletes by a vector leaves the file in
//! its place and says in the log which of its rows no longer count. Such a file is read twice, once as each version has it.

use std::collections::BTreeSet;

use super::{deletion_vector::DeletionVector, error::LakeError, store::Lake};
use crate::{engine::Table, name::Relation};

/// The rows of the files by which two versions differ.
pub struct Between {
    /// Those of the later version alone.
    pub came: Table,
    /// Those of the earlier version alone; none if no file was taken out.
    pub went: Option<Table>,
}

impl Lake {
    /// By which files the version `to` of a table differs from its version `from`; none if nobody can tell: the earlier
    /// version, or a file of it, was cleaned away, or it was another table.
    pub async fn between(
        &self,
        relation: &Relation,
        from: u64,
        to: u64,
    ) -> Result<Option<Between>, LakeError> {
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
        // A vector is a file of its own, which a vacuum takes away although the rows' file stays.
        let vectors = gone.values().flatten().filter_map(DeletionVector::file);
        let needed: BTreeSet<String> = gone.keys().cloned().chain(vectors).collect();
        if !old.has_files(needed).await? {
            return Ok(None);
        }
        let came = new.rows_of(&after.into_keys().collect()).await?;
        let went = if gone.is_empty() { None } else { Some(old.rows_of(&gone.into_keys().collect()).await?) };
        Ok(Some(Between { came, went }))
    }
}
