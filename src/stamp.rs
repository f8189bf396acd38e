//! File stamps: what changes about a local file when somebody writes it, without reading it.

use std::{fs::Metadata, path::Path, time::UNIX_EPOCH};

use xxhash_rust::xxh3::Xxh3;

/// Adds a file's stamp to a digest: size and modification time and, on Unix, inode and time of last change, which
/// also tell a file that was replaced by one of the same size and time.
pub fn add(digest: &mut Xxh3, metadata: &Metadata) {
    digest.update(&[u8::from(metadata.is_dir()), u8::from(metadata.is_file())]);
    digest.update(&metadata.len().to_le_bytes());
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    digest.update(&modified.map_or(0, |time| time.as_nanos()).to_le_bytes());
    add_inode(digest, metadata);
}

#[cfg(unix)]
fn add_inode(digest: &mut Xxh3, metadata: &Metadata) {
    use std::os::unix::fs::MetadataExt;
    for part in [metadata.ino(), metadata.dev()] {
        digest.update(&part.to_le_bytes());
    }
    for part in [metadata.ctime(), metadata.ctime_nsec()] {
        digest.update(&part.to_le_bytes());
    }
}

#[cfg(not(unix))]
fn add_inode(_: &mut Xxh3, _: &Metadata) {}

/// Returns the stamp of the file at a path, or `None` if there is none or it can't be looked at.
#[must_use]
pub fn of(path: &Path) -> Option<u128> {
    let mut digest = Xxh3::new();
    add(&mut digest, &std::fs::metadata(path).ok()?);
    Some(digest.digest128())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_replaced_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&path, "one").unwrap();
        let first = of(&path);
        assert!(first.is_some() && first == of(&path));
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&other, "two").unwrap();
        fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
        fs::rename(&other, &path).unwrap();
        #[cfg(unix)]
        assert_ne!(of(&path), first);
        assert_eq!(of(&folder.path().join("c")), None);
    }
}
