//! What was written to a table, and what was taken out of it, between two of its versions: whole files, which may hold
//! rows that were only written anew.

use super::{error::LakeError, store::Lake};
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
        let (before, after) = (old.files()?, new.files()?);
        let came = new.rows_of(&after.difference(&before).cloned().collect()).await?;
        let gone = before.difference(&after).cloned().collect();
        if !old.has_files(&gone).await? {
            return Ok(None);
        }
        let went = if gone.is_empty() { None } else { Some(old.rows_of(&gone).await?) };
        Ok(Some(Between { came, went }))
    }
}
