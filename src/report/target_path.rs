//! The target path: the folder for artifacts. A folder that Headwater creates carries a marker file, and
//! artifacts are removed only from marked folders: in a Rust project `target/` belongs to cargo, and it may
//! contain a lake.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

const MARK: &str = ".headwater-artifacts";

/// The files and folders that Headwater writes to the target path.
const ARTIFACTS: [&str; 8] = [
    "catalog.json",
    "compiled",
    "docs",
    "graph_summary.json",
    "manifest.json",
    "partial_parse.cache",
    "run_results.json",
    "sources.json",
];

/// The folder of a Delta table's log. A folder that contains one is never an artifact.
const DELTA_LOG: &str = "_delta_log";

/// The folder for artifacts.
#[derive(Debug, Clone)]
pub struct TargetPath(PathBuf);

/// The state of the target path, as `clean` finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cleanup {
    /// The folder doesn't exist.
    Absent,
    /// The folder exists, but Headwater didn't create it.
    NotOurs,
    /// Headwater created the folder.
    Ours {
        /// The artifacts in it, ordered by name.
        artifacts: Vec<PathBuf>,
        /// Everything else in it, with the reason for keeping it.
        kept: Vec<(PathBuf, KeepReason)>,
    },
}

/// The reason why `clean` keeps something in the target path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepReason {
    /// It contains a Delta table.
    DeltaTable,
    /// It isn't an artifact.
    NotWritten,
}

impl TargetPath {
    /// Creates a handle for the folder at this path, which need not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Creates the folder, or takes over an empty one, and marks it. A non-empty folder without a marker is
    /// used but never cleaned.
    pub fn create(&self) -> io::Result<()> {
        if self.0.is_dir() && fs::read_dir(&self.0)?.next().is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.0)?;
        fs::write(
            self.0.join(MARK),
            "Made by headwater; `headwater clean` removes the artifacts in this folder.\n",
        )
    }

    /// Writes a file in the folder and creates missing parent folders.
    pub fn write(&self, relative: &Path, content: &str) -> io::Result<PathBuf> {
        self.create()?;
        let path = self.0.join(relative);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Leave an identical file alone: the next run recognizes it by its stamp.
        if fs::read(&path).is_ok_and(|old| old == content.as_bytes()) {
            return Ok(path);
        }
        fs::write(&path, content)?;
        Ok(path)
    }

    /// Finds what [`TargetPath::clean`] would remove.
    pub fn cleanup(&self) -> io::Result<Cleanup> {
        if !self.0.exists() {
            return Ok(Cleanup::Absent);
        }
        if !self.0.join(MARK).is_file() {
            return Ok(Cleanup::NotOurs);
        }
        let (mut artifacts, mut kept) = (Vec::new(), Vec::new());
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&self.0)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        entries.sort();
        for path in entries {
            let name = path.file_name().and_then(|name| name.to_str());
            if name == Some(MARK) {
                continue;
            }
            if holds_table(&path)? {
                kept.push((path, KeepReason::DeltaTable));
            } else if name.is_some_and(|name| ARTIFACTS.contains(&name)) {
                artifacts.push(path);
            } else {
                kept.push((path, KeepReason::NotWritten));
            }
        }
        Ok(Cleanup::Ours { artifacts, kept })
    }

    /// Removes artifacts that [`TargetPath::cleanup`] found, and the folder itself if nothing else is left in
    /// it.
    pub fn clean(&self, artifacts: &[PathBuf]) -> io::Result<()> {
        for path in artifacts {
            if fs::symlink_metadata(path)?.is_dir() {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            }?;
        }
        let is_empty = fs::read_dir(&self.0)?.all(|entry| entry.is_ok_and(|entry| entry.file_name() == MARK));
        if is_empty {
            fs::remove_file(self.0.join(MARK))?;
            // Keep a symbolic link and its target.
            if !fs::symlink_metadata(&self.0)?.is_symlink() {
                fs::remove_dir(&self.0)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a folder is or contains a Delta table. Symbolic links are not followed: removing one
/// doesn't affect its target.
fn holds_table(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == DELTA_LOG || holds_table(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<&str> {
        paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn only_artifacts_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = TargetPath::new(folder.path().join("a/target"));
        assert_eq!(ours.cleanup().unwrap(), Cleanup::Absent);
        for file in ["compiled/x.sql", "manifest.json", "docs/index.html"] {
            ours.write(Path::new(file), "").unwrap();
        }
        let Cleanup::Ours { artifacts, kept } = ours.cleanup().unwrap() else { panic!("it is ours") };
        assert_eq!((names(&artifacts), kept.len()), (vec!["compiled", "docs", "manifest.json"], 0));
        ours.clean(&artifacts).unwrap();
        assert!(!ours.path().exists());

        let theirs = TargetPath::new(folder.path().to_path_buf());
        theirs.write(Path::new("run_results.json"), "{}").unwrap();
        assert_eq!(theirs.cleanup().unwrap(), Cleanup::NotOurs);
    }

    #[test]
    fn tables_and_what_others_wrote_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        for file in
            ["manifest.json", "lake/main/m/_delta_log/0.json", "compiled/main/m/_delta_log/0.json", "notes"]
        {
            target.write(Path::new(file), "").unwrap();
        }
        let Cleanup::Ours { artifacts, kept } = target.cleanup().unwrap() else { panic!("it is ours") };
        assert_eq!(names(&artifacts), ["manifest.json"]);
        let why: Vec<KeepReason> = kept.iter().map(|(_, why)| *why).collect();
        assert_eq!(why, [KeepReason::DeltaTable, KeepReason::DeltaTable, KeepReason::NotWritten]);
        target.clean(&artifacts).unwrap();
        assert!(kept.iter().all(|(path, _)| path.exists()) && target.path().join(MARK).exists());
    }
}
