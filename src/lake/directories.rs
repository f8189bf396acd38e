//! Created directories: tracks the directories that writing creates on a local disk, to sync or remove them.

use std::{
    io,
    path::{Path, PathBuf},
};

use object_store::path::Path as Location;
use url::Url;

use super::synced_disk;

/// The local directories that writing to a location will create, so that they can be removed again.
#[derive(Debug)]
pub(super) struct Directories {
    /// The local path, or `None` in an object store.
    place: Option<PathBuf>,
    /// The location in the store.
    prefix: Location,
    /// The missing directories: the path itself and its ancestors, deepest first.
    missing: Vec<PathBuf>,
}

impl Directories {
    /// Records which directories exist before anything is written to a folder. `mount` is the folder's URL
    /// for delta-rs.
    pub(super) fn before(place: Option<PathBuf>, mount: &Url) -> Self {
        let missing = place.iter().flat_map(|place| place.ancestors()).take_while(|path| !path.exists());
        let prefix = Location::from_url_path(mount.path()).unwrap_or_default();
        Self { missing: missing.map(Path::to_owned).collect(), prefix, place }
    }

    /// Returns a file's local path, or `None` in an object store.
    pub(super) fn path(&self, file: &Location) -> Option<PathBuf> {
        let below = file.as_ref().strip_prefix(self.prefix.as_ref())?;
        Some(self.place.as_ref()?.join(below.trim_start_matches('/')))
    }

    /// Syncs files in it and the directories that writing them created, so that they survive a power cut.
    pub(super) async fn sync(&self, files: &[Location]) -> io::Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        let files = files.iter().filter_map(|file| self.path(file)).collect();
        let above = self.missing.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
        synced_disk::sync(files, place, above).await
    }

    /// Removes the directories that writing `files` created, if they are empty.
    pub(super) fn remove_empty(&self, files: &[Location]) {
        let Some(place) = &self.place else { return };
        let mut made: Vec<PathBuf> = files
            .iter()
            .filter_map(|file| self.path(file))
            .flat_map(|file| file.ancestors().skip(1).map(Path::to_owned).collect::<Vec<_>>())
            .filter(|path| path.starts_with(place) && path != place)
            .collect();
        made.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        made.dedup();
        for path in made.iter().chain(&self.missing) {
            // Fails if the directory isn't empty, which is intended.
            let _ = std::fs::remove_dir(path);
        }
    }
}
