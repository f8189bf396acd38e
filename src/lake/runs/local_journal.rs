//! A journal on a local disk: an append-only file of one line per entry. The process holds a file lock on it,
//! which the system releases when the process dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use super::FOLDER;

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
            fs::create_dir_all(folder(root))?;
            let file = match OpenOptions::new().append(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file => file?,
            };
            if let Err(error) = file.lock() {
                // Without locks, other runs couldn't tell whether this one is alive.
                let _ = remove(&path);
                return Err(error);
            }
            // Before it was locked, another run may have taken it for abandoned and removed it.
            if path.exists() {
                return Ok(Self { path, file });
            }
        }
    }

    /// Appends lines. They survive a crash of this process.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())
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
    for folder in path.ancestors().skip(1).take(FOLDER.len()) {
        // Fails if the folder isn't empty, which is intended.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Returns the journals of killed runs, ordered by run id.
pub(super) fn abandoned(root: &Path) -> io::Result<Vec<AbandonedJournal>> {
    let entries = match fs::read_dir(folder(root)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut abandoned = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            file => file?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Another run may have repaired it in the meantime.
        if !path.exists() {
            continue;
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let run = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        abandoned.push(AbandonedJournal { run, text, path, _lock: file });
    }
    abandoned.sort_by(|one, other| one.run.cmp(&other.run));
    Ok(abandoned)
}

/// The temporary files of a file on a local disk: its name followed by `#1`, or `#2` if that exists, and so
/// on.
pub(super) fn temporaries(path: &Path) -> impl Iterator<Item = PathBuf> {
    let path = path.to_owned();
    (1..)
        .map(move |number| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!("#{number}"));
            PathBuf::from(name)
        })
        .take_while(|path| path.is_file())
}

/// Returns the final name of a temporary file, or `None` if it isn't one.
pub(super) fn becomes(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}
