//! A journal on a local disk: an append-only file of one line per entry. The process holds a file lock on it,
//! which the system releases when the process dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use super::{FOLDER, links::link_above};
use crate::lake::synced_disk::{create_folder, sync_folder};

/// Returns the journal folder of the lake in this folder.
pub(super) fn folder(root: &Path) -> PathBuf {
    FOLDER.iter().fold(root.to_owned(), |path, part| path.join(part))
}

/// This run's journal.
#[derive(Debug)]
pub(super) struct LockedJournal {
    path: PathBuf,
    file: File,
}

impl LockedJournal {
    /// Creates the journal and locks it.
    pub(super) fn open(root: &Path, run: &str) -> io::Result<Self> {
        let path = folder(root).join(run);
        loop {
            // Another run may remove the empty folder at the same time when it ends.
            create_folder(&folder(root)).inspect_err(|_| remove_empty(&path))?;
            let file = match OpenOptions::new().append(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    remove_empty(&path);
                    return Err(error);
                }
                Ok(file) => file,
            };
            if let Err(error) = file.lock() {
                // Without locks, other runs couldn't tell whether this one is alive.
                let _ = remove(&path);
                return Err(error);
            }
            // Before it was locked, another run may have taken it for abandoned and removed it.
            if path.exists() {
                if let Err(error) = sync_folder(&folder(root)) {
                    let _ = remove(&path);
                    return Err(error);
                }
                return Ok(Self { path, file });
            }
        }
    }

    /// Appends lines. They survive a crash of this process, and after a [`sync`](Self::sync) a power cut.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())
    }

    /// Syncs all lines to the disk.
    pub(super) async fn sync(&self) -> io::Result<()> {
        let file = self.file.try_clone()?;
        tokio::task::spawn_blocking(move || file.sync_data()).await?
    }

    /// Removes the journal, and its folders if it was the last one.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// The abandoned journal of a killed run, locked now so that no other run repairs it at the same time.
#[derive(Debug)]
pub(super) struct AbandonedJournal {
    pub(super) run: String,
    pub(super) text: String,
    path: PathBuf,
    _lock: File,
}

impl AbandonedJournal {
    /// Removes the journal after the repair.
    pub(super) fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    remove_empty(path);
    Ok(())
}

/// Removes the folders of a journal that doesn't exist, if they are empty.
fn remove_empty(path: &Path) {
    for folder in path.ancestors().skip(1).take(FOLDER.len()) {
        // Fails if the folder isn't empty, which is intended.
        let _ = fs::remove_dir(folder);
    }
}

/// Returns the paths of all journals in the lake at this folder, ordered by run id. Whatever isn't a regular
/// file is no journal: to open a pipe would wait for its writer.
pub(in crate::lake) fn paths(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder(root)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    if let Some(link) = link_above(root, &FOLDER.join("/")) {
        let link = link.display();
        return Err(io::Error::other(format!(
            "{link} is a symbolic link, and journals elsewhere are ignored"
        )));
    }
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Opens the journal of a killed run; `None` if its run is alive, or if another run has repaired it.
pub(super) fn abandoned(path: &Path) -> io::Result<Option<AbandonedJournal>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Another run may have repaired it in the meantime.
    if !path.exists() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    // A power cut can leave garbage, which is no entry.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let run = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Some(AbandonedJournal { run, text, path: path.to_owned(), _lock: file }))
}

/// Returns the final name of a temporary file, or `None` if it isn't one.
pub(super) fn becomes(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}
