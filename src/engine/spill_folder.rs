//! Spill directory: holds rows that don't fit in memory. Each process has its own and removes it on exit. The
//! next process that spills to the same place removes the directories of killed processes.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The name prefix of spill directories.
const PREFIX: &str = "headwater-spill-";

/// The lock file that a process holds as long as it lives. The system releases the lock of a dead process.
const LOCK: &str = "lock";

/// The spill directory of this process.
#[derive(Debug)]
pub(super) struct SpillFolder {
    path: PathBuf,
    _lock: File,
}

impl SpillFolder {
    /// Creates a spill directory in `base`, and removes those of dead processes there.
    ///
    /// # Errors
    /// If `base` doesn't exist or can't be written to.
    pub(super) fn new(base: &Path) -> io::Result<Self> {
        remove_dead(base);
        loop {
            let path = base.join(format!("{PREFIX}{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir(&path)?;
            let lock = OpenOptions::new().write(true).create_new(true).open(path.join(LOCK))?;
            lock.lock()?;
            // In between, another process may have taken the directory for a dead process's and removed it.
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
        // If this fails, the next process removes the directory.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes directories whose lock isn't held. Leaves those that can't be removed: they may belong to another
/// user.
fn remove_dead(base: &Path) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Without a lock file, the directory is being created or isn't ours. The lock is held until the
        // directory is gone.
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
