//! Symbolic links in a local lake. A repair removes nothing through one: it may lead out of the lake.

use std::path::{Path, PathBuf};

/// Returns the first symbolic link on the path from the lake's root to a place, including both; `None` if
/// there is none.
pub(super) fn link_above(root: &Path, place: &str) -> Option<PathBuf> {
    let mut path = root.to_owned();
    place.split('/').find_map(|part| {
        path.push(part);
        path.is_symlink().then(|| path.clone())
    })
}
