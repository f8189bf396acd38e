//! Damaged tables: moves the files of an unreadable table out of the way, so that the table can be rebuilt
//! and nothing is lost.

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    error::{LakeError, WRITE},
    layout::{LOG, OWN},
    store::Lake,
};
use crate::name::Relation;

impl Lake {
    /// Moves all files of a relation's table to `_headwater/damaged/`, into a folder named after the relation
    /// and the run, and returns that location for display. Afterwards nothing is left at the relation.
    ///
    /// The log is moved last: after an interruption, the remaining files are still a table that can't be
    /// read.
    ///
    /// # Errors
    /// If a file can't be moved. Files moved before that stay at the new location.
    pub async fn move_damaged_table(&self, relation: &Relation, run: &str) -> Result<String, LakeError> {
        let place = self.place(relation);
        let failed = |error| LakeError::of_store(WRITE, &place, error);
        let path = |url: &url::Url| Location::from_url_path(url.path()).map_err(|error| failed(error.into()));
        let (from, root) = (path(&self.root().mount_of(relation))?, path(self.root().mount())?);
        let name = format!("{}.{}.{run}", relation.schema, relation.name);
        let below = [OWN, "damaged", &name];
        let to = below.iter().fold(root, |to, part| to.join(*part));
        let mut files: Vec<Location> = self
            .store()
            .list(Some(&from))
            .map_ok(|file| file.location)
            .try_collect()
            .await
            .map_err(failed)?;
        files.sort_by_key(|file| file.parts().any(|part| part.as_ref() == LOG));
        for file in files {
            let rest = file.prefix_match(&from).into_iter().flatten();
            let moved = rest.fold(to.clone(), Location::join);
            self.store().rename(&file, &moved).await.map_err(failed)?;
        }
        self.cache().forget(relation);
        Ok(format!("{}/{}", self.root_display().trim_end_matches('/'), below.join("/")))
    }
}
