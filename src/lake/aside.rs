//! Moves the files of tables that nobody can read, so that the tables can be built again and nothing is lost.

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    error::{LakeError, WRITE},
    store::Lake,
};
use crate::name::Relation;

/// The folder of Delta's log in a table's.
const LOG: &str = "_delta_log";

impl Lake {
    /// Moves all files of a relation's table to `_headwater/damaged/`, below its name and the run's. Returns that place,
    /// as people may see it; nothing is at the relation then.
    ///
    /// The log goes last: if this is cut off, what is left is still a table that can't be read.
    ///
    /// # Errors
    /// If a file can't be moved; what was moved stays where it is then.
    pub async fn set_aside(&self, relation: &Relation, run: &str) -> Result<String, LakeError> {
        let place = self.place(relation);
        let failed = |error| LakeError::of_store(WRITE, &place, error);
        let path = |url: &url::Url| Location::from_url_path(url.path()).map_err(|error| failed(error.into()));
        let (from, root) = (path(&self.root().mount_of(relation))?, path(self.root().mount())?);
        let name = format!("{}.{}.{run}", relation.schema, relation.name);
        let below = ["_headwater", "damaged", &name];
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
        self.known().forget(relation);
        Ok(format!("{}/{}", self.root_display().trim_end_matches('/'), below.join("/")))
    }
}
