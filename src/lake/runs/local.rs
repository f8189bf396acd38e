//! A diary on a local disk: a file that grows by a line at a time. The process holds a lock on it for as long as it
//! lives; the system takes the lock from a dead one.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use super::FOLDER;

/// The folder of the diaries of the lake at this folder.
pub(super) fn folder(root: &Path) -> PathBuf {
    FOLDER.iter().fold(root.to_owned(), |path, part| path.join(part))
}

/// This run's diary.
#[derive(Debug)]
pub(super) struct Held {
    path: PathBuf,
    file: File,
}

impl Held {
    /// Makes the diary and takes its lock.
    pub(super) fn open(root: &Path, run: &str) -> io::Result<Self> {
        let path = folder(root).join(run);
        loop {
            // Another run that ends may take the empty folder away in between.
            fs::create_dir_all(folder(root))?;
            let file = match OpenOptions::new().append(true).create_new(true).open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                file => file?,
            };
            if let Err(error) = file.lock() {
                // Without locks nobody could tell whose it is.
                let _ = remove(&path);
                return Err(error);
            }
            // Whoever came between these two lines took it for a dead one's, and away.
            if path.exists() {
                return Ok(Self { path, file });
            }
        }
    }

    /// Adds lines. They are there for others even if this process dies at once.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        self.file.write_all(lines.as_bytes())
    }

    /// Takes the diary away, and the folders if it was the last.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.path)
    }
}

/// A diary that nobody holds. It is held now, so that no other run repairs it at the same time.
#[derive(Debug)]
pub(super) struct Dead {
    pub(super) run: String,
    pub(super) text: String,
    path: PathBuf,
    _lock: File,
}

impl Dead {
    /// Takes the diary away: all of it is done.
    pub(super) fn remove(self) -> io::Result<()> {
        remove(&self.path)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    for folder in path.ancestors().skip(1).take(FOLDER.len()) {
        // Fails on a folder with anything in it, which is the point.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The diaries of dead runs, by the run's id.
pub(super) fn dead(root: &Path) -> io::Result<Vec<Dead>> {
    let entries = match fs::read_dir(folder(root)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut dead = Vec::new();
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
        // Another run may have repaired it in between.
        if !path.exists() {
            continue;
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let run = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        dead.push(Dead { run, text, path, _lock: file });
    }
    dead.sort_by(|one, other| one.run.cmp(&other.run));
    Ok(dead)
}

/// Where a file is first written on a local disk: beside it, its name followed by `#1`, or `#2` if that is there.
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

/// The file that a temporary one was to become, if it is one.
pub(super) fn becomes(name: &str) -> Option<&str> {
    let (name, number) = name.rsplit_once('#')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}
