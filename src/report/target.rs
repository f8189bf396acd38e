//! The target path: the folder that artifacts go to. A folder that Headwater makes carries a mark, and only marked
//! folders are ever removed: in a Rust project `target/` belongs to cargo.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

const MARK: &str = ".headwater-artifacts";

/// The folder for artifacts.
#[derive(Debug, Clone)]
pub struct TargetPath(PathBuf);

/// What [`TargetPath::clean`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleaned {
    /// The folder was ours and is gone.
    Removed,
    /// There was none.
    Absent,
    /// There is a folder, but Headwater did not make it.
    NotOurs,
}

impl TargetPath {
    /// The folder at this path, there or not.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder and marks it, unless it is there. A folder that was there without a mark is used and never
    /// removed.
    pub fn create(&self) -> io::Result<()> {
        if self.0.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.0)?;
        fs::write(self.0.join(MARK), "Made by headwater; `headwater clean` removes this folder.\n")
    }

    /// Writes a file in it, making folders on the way.
    pub fn write(&self, relative: &Path, content: &str) -> io::Result<PathBuf> {
        self.create()?;
        let path = self.0.join(relative);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)?;
        Ok(path)
    }

    /// Removes the folder if Headwater made it.
    pub fn clean(&self) -> io::Result<Cleaned> {
        if !self.0.exists() {
            return Ok(Cleaned::Absent);
        }
        if !self.0.join(MARK).is_file() {
            return Ok(Cleaned::NotOurs);
        }
        fs::remove_dir_all(&self.0)?;
        Ok(Cleaned::Removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = TargetPath::new(folder.path().join("a/target"));
        assert_eq!(ours.clean().unwrap(), Cleaned::Absent);
        ours.write(Path::new("compiled/x.sql"), "select 1").unwrap();
        assert_eq!(ours.clean().unwrap(), Cleaned::Removed);
        let theirs = TargetPath::new(folder.path().to_path_buf());
        theirs.write(Path::new("run_results.json"), "{}").unwrap();
        assert_eq!(theirs.clean().unwrap(), Cleaned::NotOurs);
        assert!(folder.path().join("run_results.json").exists());
    }
}
