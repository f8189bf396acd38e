//! Cleanup: finds what `clean` removes from a target path, and removes just that.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::inventory::{Inventory, MARK};

/// The folder of a Delta table's log. A folder that contains one is never an artifact.
const DELTA_LOG: &str = "_delta_log";

/// The state of the target path, as `clean` finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleanup {
    /// The folder doesn't exist.
    Absent,
    /// The folder exists, but Headwater didn't create it.
    NotOurs,
    /// Headwater created the folder.
    Ours {
        /// The files and folders to remove, ordered by name.
        removals: Vec<Removal>,
        /// Everything else in it, with the reason for keeping it.
        kept: Vec<(PathBuf, KeepReason)>,
    },
}

/// A file that Headwater wrote, or a folder that contains only such files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The file or folder.
    pub path: PathBuf,
    /// The files to remove.
    files: Vec<PathBuf>,
    /// The folders to remove, each after the folders in it.
    folders: Vec<PathBuf>,
}

/// The reason why `clean` keeps something in the target path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// It contains a Delta table.
    DeltaTable,
    /// Headwater didn't write it.
    NotWritten,
}

impl Removal {
    /// Removes the files, and the folders unless something else was written to them in the meantime.
    pub fn remove(&self) -> io::Result<()> {
        for file in &self.files {
            match fs::remove_file(file) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
        }
        self.folders.iter().try_for_each(fs::remove_dir)
    }
}

/// The contents of a folder.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) removals: Vec<Removal>,
    pub(super) kept: Vec<(PathBuf, KeepReason)>,
}

impl Contents {
    /// Sorts the contents of a folder, which is `relative` to the target path.
    pub(super) fn of(folder: &Path, relative: &Path, inventory: &Inventory) -> io::Result<Self> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut contents = Self::default();
        for entry in entries {
            let (path, relative) = (entry.path(), relative.join(entry.file_name()));
            // The type of a symbolic link is not its target's: links are never followed.
            let kind = entry.file_type()?;
            if relative == Path::new(MARK) {
                continue;
            }
            if kind.is_dir() {
                contents.add_folder(path, &relative, inventory)?;
            } else if kind.is_file() && inventory.has(&relative) {
                contents.removals.push(Removal { files: vec![path.clone()], folders: Vec::new(), path });
            } else {
                contents.kept.push((path, KeepReason::NotWritten));
            }
        }
        Ok(contents)
    }

    /// Adds a folder as one entry if all of it is removed or all of it is kept, otherwise its entries.
    fn add_folder(&mut self, path: PathBuf, relative: &Path, inventory: &Inventory) -> io::Result<()> {
        if fs::symlink_metadata(path.join(DELTA_LOG)).is_ok() {
            self.kept.push((path, KeepReason::DeltaTable));
            return Ok(());
        }
        let Self { removals, kept } = Self::of(&path, relative, inventory)?;
        if kept.is_empty() && inventory.has_folder(relative) {
            let (mut files, mut folders) = (Vec::new(), Vec::new());
            for removal in removals {
                files.extend(removal.files);
                folders.extend(removal.folders);
            }
            folders.push(path.clone());
            self.removals.push(Removal { path, files, folders });
        } else if removals.is_empty() {
            let is_table = kept.iter().any(|(_, reason)| *reason == KeepReason::DeltaTable);
            self.kept.push((path, if is_table { KeepReason::DeltaTable } else { KeepReason::NotWritten }));
        } else {
            self.removals.extend(removals);
            self.kept.extend(kept);
        }
        Ok(())
    }
}
