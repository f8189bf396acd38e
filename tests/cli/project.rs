//! A project in its own folder, built up file by file.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::ran::Ran;

/// A project on disk; dropping it deletes its folder.
pub(crate) struct Project {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Project {
    /// Creates an empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().expect("a folder for the test"), env: Vec::new() }
    }

    /// Creates a project with a name and a lake, and no models.
    pub(crate) fn new() -> Self {
        Self::empty().file("project.yml", "name: shop\ntarget: dev\ntargets:\n  dev:\n    root: lake\n")
    }

    /// Copies this repository's own project, without its data.
    pub(crate) fn smart_meters() -> Self {
        let project = Self::empty();
        for name in ["project.yml", "sources.yml", "models", "macros", "data-tests", "snapshots"] {
            copy(&repository().join(name), &project.path(name));
        }
        project
    }

    /// Adds this repository's data.
    pub(crate) fn with_repository_data(self) -> Self {
        copy(&repository().join("data"), &self.path("data"));
        self
    }

    /// Adds or replaces a file.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Adds or replaces a model: `raw/a.sql` under `models/`.
    pub(crate) fn model(self, path: &str, sql: &str) -> Self {
        self.file(&format!("models/{path}"), sql)
    }

    /// Sets an environment variable for commands.
    pub(crate) fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Adds or replaces a file of a project in use.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder above")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Returns every file below a folder, relative to it and sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let root = self.path(folder);
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let path = path.strip_prefix(&root).expect("below the root");
                    found.push(path.to_string_lossy().replace('\\', "/"));
                }
            }
        }
        found.sort();
        found
    }

    /// Returns the command in this project, without the environment of the test process.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("TZ", "UTC")
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to completion.
    #[must_use = "say how it should end: `.success()`, `.failure()` or `.refused()`"]
    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        let output = self.command(args).output().expect("the binary starts");
        Ran::new(output, self.folder.path())
    }

    /// Returns all rows of a query as CSV.
    pub(crate) fn rows(&self, sql: &str) -> String {
        self.run(["show", "--inline", sql, "--output", "csv", "--limit", "-1", "-q"]).success().stdout
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("a folder");
        for entry in fs::read_dir(from).expect("a folder to copy").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).expect("a copy");
    }
}
