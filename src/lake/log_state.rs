//! Log state: a digest of the entries of a table's log on a local disk. It changes with every commit to the
//! table, and when the table is restored or removed. Reads no entry, so it costs one directory listing per
//! table.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use xxhash_rust::xxh3::Xxh3;

use super::{layout::OWN, runs, store::Lake};
use crate::{name::Relation, stamp};

impl Lake {
    /// Returns the lake's folder on a local disk, or `None` if it is in an object store.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.root().folder()
    }
}

/// Returns the log state of a table in the lake at this folder. A table that doesn't exist has a state too.
///
/// # Errors
/// If the log can't be listed.
pub fn log_state(lake: &Path, relation: &Relation) -> io::Result<u128> {
    let table = lake.join(&relation.schema).join(&relation.name);
    let mut digest = Xxh3::new();
    if !listing(&table.join("_delta_log"), &mut digest)? {
        digest.update(b"no log");
        if !listing(&table, &mut digest)? {
            digest.update(b"no folder");
        }
    }
    Ok(digest.digest128())
}

/// Adds the names and stamps of a folder's entries. Returns whether the folder exists.
fn listing(folder: &Path, digest: &mut Xxh3) -> io::Result<bool> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        entries => entries?,
    };
    let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        digest.update(entry.file_name().as_encoded_bytes());
        digest.update(b"\0");
        stamp::add(digest, &entry.metadata()?);
    }
    Ok(true)
}

/// Returns the state of the project's notes of one kind in the lake at this folder.
///
/// # Errors
/// If they can't be listed.
pub fn records_state(lake: &Path, kind: &str) -> io::Result<u128> {
    let mut digest = Xxh3::new();
    listing(&lake.join(OWN).join(kind), &mut digest)?;
    Ok(digest.digest128())
}

/// Returns whether the lake at this folder holds a run's journal: of a killed run, or of one that is still
/// running.
///
/// # Errors
/// If the journals can't be listed.
pub fn has_journals(lake: &Path) -> io::Result<bool> {
    runs::journal_paths(lake).map(|paths| !paths.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_counts() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path();
        let relation = Relation::new("main", "a");
        let log = lake.join("main/a/_delta_log");
        let state = || log_state(lake, &relation).unwrap();
        let mut states = vec![state()];
        fs::create_dir_all(&log).unwrap();
        states.push(state());
        for version in ["0.json", "1.json", "0.checkpoint.parquet"] {
            fs::write(log.join(version), "{}").unwrap();
            states.push(state());
        }
        let last = state();
        assert_eq!(last, state());
        fs::remove_file(log.join("1.json")).unwrap();
        fs::write(log.join("1.json"), "[]").unwrap();
        states.push(state());
        fs::remove_dir_all(&log).unwrap();
        states.push(state());
        states.sort_unstable();
        let all = states.len();
        states.dedup();
        assert_eq!(states.len(), all);
    }

    #[test]
    fn a_journal_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_journals(folder.path()).unwrap());
        fs::create_dir_all(folder.path().join("_headwater/runs")).unwrap();
        assert!(!has_journals(folder.path()).unwrap());
        fs::write(folder.path().join("_headwater/runs/one"), "").unwrap();
        assert!(has_journals(folder.path()).unwrap());
    }
}
