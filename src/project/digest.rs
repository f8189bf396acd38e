//! Project digest: one number for everything that [`super::Project::load`] reads, so that a later command can
//! detect changed, added and removed files without parsing any.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::{
    files::{self, ProjectFiles},
    packages,
    settings::{FILE_NAMES, ProjectSettings},
};
use crate::local_file;

/// The properties and selector files next to the project file.
const AT_ROOT: [&str; 6] =
    ["sources.yml", "sources.yaml", "selectors.yml", "selectors.yaml", "packages.yml", "dependencies.yml"];

/// The extensions of files whose content counts. Other files count only by name.
const READ: [&str; 5] = ["csv", "md", "sql", "yaml", "yml"];

/// The state of a project's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectState {
    /// The target path that the project file sets.
    pub target: PathBuf,
    /// A digest of the names of all files under the project's paths, and of the content of those that are
    /// read.
    pub digest: u128,
}

impl ProjectState {
    /// Returns the state of the project at `root`, or `None` if anything in it can't be read.
    #[must_use]
    pub fn of(root: &Path) -> Option<Self> {
        let mut findings = Vec::new();
        let project = ProjectFiles::on_disk(root);
        let settings = ProjectSettings::load(project, &mut findings)?;
        let target = root.join(&settings.paths.target);
        let mut digest = Xxh3::new();
        add(project, &settings, &mut digest)?;
        for folder in packages::folders(project, &settings).ok()? {
            let package = project.of_package(&folder);
            digest.update(folder.as_bytes());
            add(package, &ProjectSettings::load(package, &mut findings)?, &mut digest)?;
        }
        Some(Self { target, digest: digest.digest128() })
    }
}

/// Adds the files of a project or of a package to a digest. Returns `None` if anything can't be read.
fn add(project: ProjectFiles<'_>, settings: &ProjectSettings, digest: &mut Xxh3) -> Option<()> {
    let (root, paths, mut findings) = (project.root(), &settings.paths, Vec::new());
    let target = root.join(project.shown(&paths.target));
    for name in FILE_NAMES.into_iter().chain(AT_ROOT) {
        digest.update(name.as_bytes());
        match local_file::read(&root.join(project.shown(name))) {
            Ok(content) => digest.update(&xxh3_128(&content).to_le_bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => digest.update(b"-"),
            Err(_) => return None,
        }
    }
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for under in [&paths.models, &paths.seeds, &paths.snapshots, &paths.tests, &paths.macros, &paths.docs] {
        digest.update(b"\0\0");
        for file in project.walk(under, &target, &mut findings) {
            digest.update(file.shown.as_bytes());
            digest.update(b"\0");
            if READ.contains(&file.extension().as_str()) && seen.insert(file.shown.clone()) {
                read.push(file.shown);
            }
        }
    }
    if !findings.is_empty() {
        return None;
    }
    let content = |shown: &String| Some(xxh3_128(&local_file::read(&root.join(shown)).ok()?));
    for content in files::in_parallel(&read, content) {
        digest.update(&content?.to_le_bytes());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_file_that_is_read_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |path: &str, text: &str| {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        };
        let state = || ProjectState::of(root).unwrap().digest;
        assert_eq!(ProjectState::of(root), None);
        write("project.yml", "name: shop\n");
        let mut states = vec![state()];
        for (path, text) in [
            ("models/a.sql", "select 1"),
            ("models/a.sql", "select 2"),
            ("models/deep/b.yml", "models: []"),
            ("models/notes.txt", "seen by its name"),
            ("macros/m.sql", "{% macro m() %}{% endmacro %}"),
            ("seeds/s.csv", "id\n1\n"),
            ("sources.yml", "sources: []"),
            ("data-tests/t.sql", "select 1"),
            ("models/words.md", "# words"),
            ("project.yml", "name: shop\nvars: { a: 1 }\n"),
        ] {
            write(path, text);
            states.push(state());
        }
        assert_eq!(states.iter().collect::<HashSet<_>>().len(), states.len());
        let last = state();
        write("models/notes.txt", "what is in it doesn't count");
        write("elsewhere/a.sql", "select 1");
        write("target/compiled/a.sql", "select 1");
        assert_eq!(state(), last);
        fs::rename(root.join("models/a.sql"), root.join("models/c.sql")).unwrap();
        assert_ne!(state(), last);
    }
}
