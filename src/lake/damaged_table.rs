//! Damaged tables: moves the files of an unreadable table out of the way, so that the table can be rebuilt
//! and nothing is lost.

use std::{fs, io, path::Path};

use futures::TryStreamExt;
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    error::LakeError,
    layout::{LOG, OWN},
    operation::LakeOperation,
    root,
    synced_disk::{create_folder, sync_folder},
    writer::LakeWriter,
};
use crate::{local_file, name::Relation};

impl LakeWriter {
    /// Moves all files of a relation's table to `_headwater/damaged/`, into a folder named after the relation
    /// and the run, and returns that location for display. Afterwards nothing is left at the relation.
    ///
    /// On a local disk its folder gets another name, with everything in it that isn't a file, and so does a
    /// link that leads nowhere. Elsewhere the
    /// log is moved last: after an interruption, the remaining files are still a table that can't be read.
    ///
    /// # Errors
    /// If a file can't be moved. Files moved before that stay at the new location.
    pub async fn move_damaged_table(&self, relation: &Relation, run: &str) -> Result<String, LakeError> {
        let lake = self.lake();
        let place = lake.place(relation);
        let failed = |error| LakeError::of_store(LakeOperation::Write, &place, error);
        let path = |url: &url::Url| Location::from_url_path(url.path()).map_err(|error| failed(error.into()));
        let (from, root) = (path(&lake.root().mount_of(relation))?, path(lake.root().mount())?);
        let name = format!("{}.{}.{run}", relation.schema, relation.name);
        let below = [OWN, "damaged", &name];
        let to = below.iter().fold(root, |to, part| to.join(*part));
        let shown = format!("{}/{}", lake.root_display().trim_end_matches('/'), below.join("/"));
        let folders = lake.root().folder_of(relation).zip(lake.root().folder());
        if let Some((folder, root)) = folders
            && (!local_file::is_link(&folder) || root::dangling(Some(&folder)).is_some())
        {
            let to = below.iter().fold(root.to_owned(), |to, part| to.join(part));
            if rename(&folder, &to).is_ok() {
                lake.cache().forget(relation);
                return Ok(shown);
            }
        }
        let mut files: Vec<Location> = lake
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
            lake.store().rename(&file, &moved).await.map_err(failed)?;
        }
        if let Some(folder) = lake.root().folder_of(relation) {
            remove_folders(&folder);
        }
        lake.cache().forget(relation);
        Ok(shown)
    }
}

/// Gives a folder another name, and makes that survive a power cut.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let above = to.parent().unwrap_or(to);
    create_folder(above)?;
    fs::rename(from, to)?;
    sync_folder(above)?;
    from.parent().map_or(Ok(()), sync_folder)
}

/// Removes a folder and those in it, unless there are files in them. One in the place of a log entry would
/// keep that entry from being written.
fn remove_folders(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_folders(&entry.path());
        }
    }
    // Fails if a file is left, which stays.
    let _ = fs::remove_dir(folder);
}
