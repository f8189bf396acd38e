//! Where queries keep rows that memory has no room for: a folder of this process alone, which is gone when it ends. What a
//! process left that was killed is removed by the next one that spills to the same place.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// How the names of such folders begin.
const PREFIX: &str = "headwater-spill-";

/// The file in one that its process holds a lock on for as long as it lives; the system takes the lock from a dead one.
const LOCK: &str = "lock";

/// The folder of this process.
#[derive(Debug)]
pub(super) struct SpillFolder {
    path: PathBuf,
    _lock: File,
}

impl SpillFolder {
    /// Makes a folder in `base`, and removes those of dead processes there.
    ///
    /// # Errors
    /// If there is no such base, or it can't be written to.
    pub(super) fn new(base: &Path) -> io::Result<Self> {
        remove_dead(base);
        loop {
            let path = base.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir(&path)?;
            let lock = OpenOptions::new().write(true).create_new(true).open(path.join(LOCK))?;
            lock.lock()?;
            // Another process that looked in between may have taken it for a dead one's, and away.
            if path.join(LOCK).exists() {
                return Ok(Self { path, _lock: lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SpillFolder {
    fn drop(&mut self) {
        // What can't be removed now is removed by the next process.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders that nobody holds. One that can't be removed is left: it may be another user's.
fn remove_dead(base: &Path) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Without the file it is being made, or is somebody else's. The lock is held until the folder is gone.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_go_and_those_of_the_living_stay() {
        let base = tempfile::tempdir().unwrap();
        let living = SpillFolder::new(base.path()).unwrap();
        let dead = base.path().join(format!("{PREFIX}dead"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("rows"), "x").unwrap();
        let others = base.path().join("mine");
        fs::create_dir(&others).unwrap();
        let next = SpillFolder::new(base.path()).unwrap();
        assert!(living.path().exists() && next.path().exists() && others.exists() && !dead.exists());
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
