//! The target path: the folder for artifacts. A folder that Headwater creates carries a marker file, which
//! lists the files that Headwater wrote. Only these are ever removed: in a Rust project `target/` belongs to
//! cargo, it may contain a lake, and people keep notes next to compiled SQL.
//!
//! - `inventory`: the list of written files
//! - `cleanup`: finds and removes them

mod cleanup;
mod inventory;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub use self::cleanup::{Cleanup, KeepReason, Removal};
use self::{
    cleanup::Contents,
    inventory::{Inventory, MARK},
};
use crate::{artifact::replace, local_file, secret::scrubbed_artifact};

/// The folder for artifacts.
#[derive(Debug, Clone)]
pub struct TargetPath {
    path: PathBuf,
    /// The files written so far, once known.
    inventory: Arc<Mutex<Option<Inventory>>>,
}

impl TargetPath {
    /// Creates a handle for the folder at this path, which need not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, inventory: Arc::default() }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the folder, or takes over an empty one, and marks it. A non-empty folder without a marker is
    /// used but never cleaned.
    pub fn create(&self) -> io::Result<()> {
        if self.path.is_dir() && fs::read_dir(&self.path)?.next().is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.path)?;
        Inventory::begin(&self.path)
    }

    /// Writes a file in the folder and creates missing parent folders.
    pub fn write(&self, relative: &Path, content: &str) -> io::Result<PathBuf> {
        let path = self.prepare(relative)?;
        let content = scrubbed_artifact(content);
        // Leave an identical file alone: the next run recognizes it by its stamp.
        match local_file::read(&path) {
            Ok(old) if old == content.as_bytes() => return Ok(path),
            // Writing to a named pipe would block.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(local_file::unread(&path, &error));
            }
            _ => {}
        }
        fs::write(&path, &*content).map_err(|error| local_file::unwritten(&path, &error))?;
        Ok(path)
    }

    /// Atomically replaces a file in the folder and creates missing parent folders. `id` must be unique to
    /// the caller.
    pub fn replace(&self, relative: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.prepare(relative)?;
        replace(&path, id, bytes).map_err(|error| local_file::unwritten(&path, &error))
    }

    /// Same as [`TargetPath::replace`], for a file whose folder is a target path that exists. The error
    /// doesn't name the file.
    pub fn replace_file(file: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
        if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
            Self::new(folder.to_owned()).note(Path::new(name))?;
        }
        replace(file, id, bytes).map_err(|error| match local_file::moved_away(file) {
            Some(cure) => io::Error::new(error.kind(), format!("{error}; {cure}")),
            None => error,
        })
    }

    fn prepare(&self, relative: &Path) -> io::Result<PathBuf> {
        self.create()?;
        self.note(relative)?;
        let path = self.path.join(relative);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| local_file::unwritten(folder, &error))?;
        }
        Ok(path)
    }

    /// Lists a file that is about to be written to the folder, so that `clean` removes it.
    fn note(&self, relative: &Path) -> io::Result<()> {
        let mut inventory = self.inventory.lock().unwrap_or_else(PoisonError::into_inner);
        if inventory.is_none() {
            *inventory = Inventory::read(&self.path)?;
        }
        // A folder that isn't ours has no inventory.
        inventory.as_mut().map_or(Ok(()), |inventory| inventory.add(&self.path, relative))
    }

    /// Finds what [`TargetPath::clean`] would remove.
    pub fn cleanup(&self) -> io::Result<Cleanup> {
        if !self.path.exists() {
            return Ok(Cleanup::Absent);
        }
        let Some(inventory) = Inventory::read(&self.path)? else { return Ok(Cleanup::NotOurs) };
        let Contents { removals, kept } = Contents::of(&self.path, Path::new(""), &inventory)?;
        Ok(Cleanup::Ours { removals, kept })
    }

    /// Removes what [`TargetPath::cleanup`] found, and the folder itself if nothing else is left in it. Calls
    /// `removed` after each removal.
    pub fn clean(&self, removals: &[Removal], mut removed: impl FnMut(&Removal)) -> io::Result<()> {
        for removal in removals {
            removal.remove()?;
            removed(removal);
        }
        let is_empty =
            fs::read_dir(&self.path)?.all(|entry| entry.is_ok_and(|entry| entry.file_name() == MARK));
        if !is_empty {
            // Files that others put in the place of those removed are theirs.
            return Inventory::begin(&self.path);
        }
        fs::remove_file(self.path.join(MARK))?;
        // Keep a symbolic link and its target.
        if !fs::symlink_metadata(&self.path)?.is_symlink() {
            fs::remove_dir(&self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what `clean` removes and keeps, relative to the target path.
    fn found(target: &TargetPath) -> (Vec<Removal>, Vec<String>, Vec<(String, KeepReason)>) {
        let Cleanup::Ours { removals, kept } = target.cleanup().unwrap() else { panic!("it is ours") };
        let name =
            |path: &Path| path.strip_prefix(target.path()).unwrap().to_string_lossy().replace('\\', "/");
        let names = removals.iter().map(|removal| name(&removal.path)).collect();
        let kept = kept.iter().map(|(path, why)| (name(path), *why)).collect();
        (removals, names, kept)
    }

    fn put(target: &TargetPath, file: &str) {
        let path = target.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn only_artifacts_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ours = TargetPath::new(folder.path().join("a/target"));
        assert_eq!(ours.cleanup().unwrap(), Cleanup::Absent);
        for file in ["compiled/x.sql", "manifest.json", "docs/index.html"] {
            ours.write(Path::new(file), "").unwrap();
        }
        let (removals, names, kept) = found(&ours);
        assert_eq!((names, kept.len()), (vec!["compiled".into(), "docs".into(), "manifest.json".into()], 0));
        ours.clean(&removals, |_| {}).unwrap();
        assert!(!ours.path().exists());

        let theirs = TargetPath::new(folder.path().to_path_buf());
        theirs.write(Path::new("run_results.json"), "{}").unwrap();
        assert_eq!(theirs.cleanup().unwrap(), Cleanup::NotOurs);
    }

    #[test]
    fn tables_and_what_others_wrote_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        target.write(Path::new("manifest.json"), "").unwrap();
        for file in ["lake/main/m/_delta_log/0.json", "compiled/main/m/_delta_log/0.json", "notes"] {
            put(&target, file);
        }
        let (removals, names, kept) = found(&target);
        assert_eq!(names, ["manifest.json"]);
        let why: Vec<KeepReason> = kept.iter().map(|(_, why)| *why).collect();
        assert_eq!(why, [KeepReason::DeltaTable, KeepReason::DeltaTable, KeepReason::NotWritten]);
        target.clean(&removals, |_| {}).unwrap();
        assert!(
            kept.iter().all(|(name, _)| target.path().join(name).exists())
                && target.path().join(MARK).exists()
        );
    }

    #[test]
    fn files_of_others_among_artifacts_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        for file in ["compiled/shop/models/a.sql", "compiled/shop/tests/t.sql", "docs/index.html"] {
            target.replace(Path::new(file), "x", b"").unwrap();
        }
        // Notes, the data of a table whose log is lost, an artifact's name, and an empty folder.
        let theirs = ["compiled/shop/models/notes.md", "compiled/main/m/part-0.parquet", "catalog.json"];
        for file in theirs {
            put(&target, file);
        }
        fs::create_dir(target.path().join("docs/empty")).unwrap();
        let (removals, names, kept) = found(&target);
        assert_eq!(names, ["compiled/shop/models/a.sql", "compiled/shop/tests", "docs/index.html"]);
        let kept: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(kept, ["catalog.json", "compiled/main", "compiled/shop/models/notes.md", "docs/empty"]);
        target.clean(&removals, |_| {}).unwrap();
        assert!(theirs.iter().all(|file| target.path().join(file).exists()));
        assert!(!target.path().join("compiled/shop/tests").exists());

        // What was removed is forgotten: a file put in its place is its owner's.
        put(&target, "docs/index.html");
        assert!(found(&target).1.is_empty());
    }

    #[test]
    fn what_is_written_after_the_look_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        target.write(Path::new("compiled/a.sql"), "").unwrap();
        let (removals, ..) = found(&target);
        put(&target, "compiled/late");
        target.clean(&removals, |_| {}).unwrap_err();
        assert!(target.path().join("compiled/late").exists());
    }

    #[test]
    fn temporary_files_of_killed_runs_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        target.write(Path::new("manifest.json"), "").unwrap();
        put(&target, "manifest.json.0190a6f0-0000-7000-8000-000000000000.tmp");
        put(&target, "other.json.0190a6f0-0000-7000-8000-000000000000.tmp");
        let (_, names, kept) = found(&target);
        assert_eq!((names.len(), kept.len()), (2, 1));
    }

    /// Puts something that isn't a file at a path.
    #[cfg(unix)]
    fn put_other(path: &Path, what: &str) {
        match what {
            "folder" => fs::create_dir(path).unwrap(),
            "link" => std::os::unix::fs::symlink(path, path).unwrap(),
            _ => assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success()),
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_at_the_place_of_a_file_is_named() {
        for (what, problem) in [
            ("pipe", " can't be read: it is a named pipe, not a file; put a file in its place, or remove it"),
            ("folder", "; put a file in its place, or remove it"),
            ("link", " is a link that leads back to itself; remove the link"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            put_other(&folder.path().join(MARK), what);
            let target = TargetPath::new(folder.path().to_owned());
            let named = folder.path().join(MARK).display().to_string();
            for error in [
                target.cleanup().unwrap_err(),
                target.write(Path::new("a.sql"), "").unwrap_err(),
                target.replace(Path::new("manifest.json"), "x", b"").unwrap_err(),
            ] {
                let said = error.to_string();
                assert!(said.starts_with(&named) && said.ends_with(problem), "{said}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_folder_at_the_place_of_an_artifact_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        fs::create_dir(target.path()).unwrap();
        put_other(&target.path().join("a.sql"), "pipe");
        let said = target.write(Path::new("a.sql"), "").unwrap_err().to_string();
        assert!(said.contains("/a.sql can't be read: it is a named pipe"), "{said}");
        put_other(&target.path().join("manifest.json"), "folder");
        let said = target.replace(Path::new("manifest.json"), "x", b"").unwrap_err().to_string();
        assert!(said.contains("/manifest.json: ") && said.ends_with("; move the folder at its place away"));
        let said = TargetPath::replace_file(&target.path().join("manifest.json"), "x", b"").unwrap_err();
        assert!(said.to_string().ends_with("; move the folder at its place away"), "{said}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = TargetPath::new(folder.path().join("target"));
        target.write(Path::new("manifest.json"), "").unwrap();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), target.path().join("compiled")).unwrap();
        target.write(Path::new("compiled/a.sql"), "").unwrap();
        let (_, names, kept) = found(&target);
        assert_eq!((names.as_slice(), kept.len()), (["manifest.json".to_owned()].as_slice(), 1));
    }
}
