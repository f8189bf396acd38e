//! Archives of packages: `.tar.gz` with one folder in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

/// Unpacks an archive into a new folder, and returns the folder in it. No entry leaves that folder.
pub(super) fn unpack(archive: &[u8], into: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(into)?;
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(false);
    archive.unpack(into)?;
    let mut folders = Vec::new();
    for entry in fs::read_dir(into)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    match (folders.pop(), folders.is_empty()) {
        (Some(folder), true) => Ok(folder),
        _ => Err(io::Error::other("the archive of a package holds one folder with its files")),
    }
}
