//! Created directories: tracks the directories that writing creates on a local disk, to remove them again.

use std::path::{Path, PathBuf};

use object_store::path::Path as Location;
use url::Url;

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

    /// Removes the directories that writing `files` created, if they are empty.
    pub(super) fn remove_empty(&self, files: &[Location]) {
        let Some(place) = &self.place else { return };
        let mut made: Vec<PathBuf> = files
            .iter()
            .filter_map(|file| file.as_ref().strip_prefix(self.prefix.as_ref()))
            .map(|file| place.join(file.trim_start_matches('/')))
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
