//! Project files: finds them and reads their text, on disk or in buffers that replace files on disk. Knows
//! file extensions, but not file contents.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    thread,
};

use crate::{
    diag::Diagnostic,
    local_file, parallel,
    text::{Source, Span},
};

/// A file in the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// The path relative to the project's root, separated by `/`; in an installed package, too.
    pub(super) shown: String,
    /// The folders between the configured path and the file.
    pub(super) folders: Vec<String>,
    /// The configured path that contains it.
    pub(super) under: String,
}

impl FoundFile {
    /// Returns the file's name without its extension.
    pub(super) fn stem(&self) -> &str {
        let name = self.shown.rsplit('/').next().unwrap_or(&self.shown);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// Returns whether the file is in this folder, directly under the configured path.
    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.folders.first().is_some_and(|first| first == folder)
    }

    /// Returns the extension in lower case.
    pub(super) fn extension(&self) -> String {
        self.shown.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
    }
}

/// Texts that replace files on disk, such as an editor's unsaved changes.
///
/// They replace SQL, YAML and Markdown files. The rows of seeds and sources are always read from disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buffers(BTreeMap<String, String>);

/// The buffers of a project that is on disk only.
static NO_BUFFERS: Buffers = Buffers(BTreeMap::new());

impl Buffers {
    /// Adds a buffer. The path is relative to the project, separated by `/`; no such file need be on disk.
    #[cfg_attr(not(test), expect(dead_code, reason = "the command line has no buffers; an editor will"))]
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.0.insert(path.into(), text.into());
    }

    /// Returns whether all files are read from disk.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the buffers under a configured path as files; `folder` is that path from the project's root.
    fn under<'b>(&'b self, path: &'b str, folder: String) -> impl Iterator<Item = FoundFile> + 'b {
        self.0.keys().filter_map(move |shown| {
            let inside =
                if folder.is_empty() { shown } else { shown.strip_prefix(&folder)?.strip_prefix('/')? };
            let mut folders: Vec<String> = inside.split('/').map(str::to_owned).collect();
            folders.pop();
            let is_hidden = inside.split('/').any(|part| part.starts_with('.'));
            let file = FoundFile { shown: shown.clone(), folders, under: path.to_owned() };
            (!is_hidden).then_some(file)
        })
    }
}

/// The files of a project: those in its folder, with buffers in place of some. Or those of a package that is
/// installed in a folder of the project.
#[derive(Debug, Clone, Copy)]
pub struct ProjectFiles<'a> {
    root: &'a Path,
    /// The package's folder, relative to the root; empty for the project itself.
    package: &'a str,
    buffers: &'a Buffers,
}

impl<'a> ProjectFiles<'a> {
    /// The files in a folder.
    #[must_use]
    pub fn on_disk(root: &'a Path) -> Self {
        Self::new(root, &NO_BUFFERS)
    }

    /// The files in a folder, with these buffers in place of some.
    #[must_use]
    pub fn new(root: &'a Path, buffers: &'a Buffers) -> Self {
        Self { root, package: "", buffers }
    }

    /// The files of a package in a folder of this project.
    pub(super) fn of_package<'p>(self, folder: &'p str) -> ProjectFiles<'p>
    where
        'a: 'p,
    {
        ProjectFiles { package: folder, ..self }
    }

    /// Returns the project's folder; for a package, that of the project that installs it.
    pub(super) fn root(self) -> &'a Path {
        self.root
    }

    /// Returns the package's folder, relative to the root; empty for the project itself.
    pub(super) fn package(self) -> &'a str {
        self.package
    }

    /// Returns the path from the root of a file or folder, given its path in the package.
    pub(super) fn shown(self, path: &str) -> String {
        match (self.package, path) {
            ("", ".") => String::new(),
            ("", path) => path.to_owned(),
            (package, ".") => package.to_owned(),
            (package, path) => format!("{package}/{path}"),
        }
    }

    /// Returns whether a file or folder of this name exists in the package.
    pub(super) fn exists(self, path: &str) -> bool {
        let shown = self.shown(path);
        self.buffers.0.contains_key(&shown) || self.root.join(shown).exists()
    }

    /// Returns whether a file of this name exists in the package.
    pub(super) fn is_file(self, path: &str) -> bool {
        let shown = self.shown(path);
        self.buffers.0.contains_key(&shown) || self.root.join(shown).is_file()
    }

    /// Reads a file, named relative to the root, as text without a byte order mark.
    ///
    /// # Errors
    /// If the file doesn't exist or isn't UTF-8.
    pub fn read(self, shown: &str) -> Result<Source, Diagnostic> {
        let source = match self.buffers.0.get(shown) {
            Some(text) => source(shown, text.clone()),
            None => read(self.root, shown)?,
        };
        Ok(match shown.strip_prefix(self.package).and_then(|path| path.strip_prefix('/')) {
            Some(path) if !self.package.is_empty() => Source::in_package(self.package, path, source.text()),
            _ => source,
        })
    }

    /// Lists all files under the given folders except hidden ones, in the order of the folders and sorted
    /// within each. Missing folders count as empty, duplicates are dropped, and `skip` isn't entered.
    pub(super) fn walk(
        self,
        under: &[String],
        skip: &Path,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<FoundFile> {
        let mut walk = FolderWalk { skip, visited: HashSet::new(), found: Vec::new(), diagnostics };
        let mut seen = HashSet::new();
        for path in under {
            let start = walk.found.len();
            let shown = self.shown(path);
            let folder = if shown.is_empty() { self.root.to_owned() } else { self.root.join(&shown) };
            walk.visited.clear();
            walk.folder(&folder, &shown, path, &mut Vec::new());
            let is_skipped = |file: &FoundFile| self.root.join(&file.shown).starts_with(skip);
            walk.found.extend(self.buffers.under(path, shown).filter(|file| !is_skipped(file)));
            walk.found[start..].sort_by(|a, b| a.shown.cmp(&b.shown));
        }
        let FolderWalk { mut found, .. } = walk;
        found.retain(|file| seen.insert(file.shown.clone()));
        found
    }
}

struct FolderWalk<'a> {
    skip: &'a Path,
    /// The canonical paths of the folders being walked. A link to one of them is a loop.
    visited: HashSet<PathBuf>,
    found: Vec<FoundFile>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl FolderWalk<'_> {
    fn folder(&mut self, folder: &Path, shown: &str, under: &str, folders: &mut Vec<String>) {
        if folder == self.skip {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.diagnostics.push(unreadable(shown, &error)),
        };
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(&entry, shown, under, folders),
                Err(error) => self.diagnostics.push(unreadable(shown, &error)),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, shown: &str, under: &str, folders: &mut Vec<String>) {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = format!("{shown}/{}", name.to_string_lossy());
            let finding = Diagnostic::error("not-utf-8", format!("the name of `{shown}` is not UTF-8"));
            return self.diagnostics.push(finding);
        };
        if name.starts_with('.') {
            return;
        }
        let path = entry.path();
        let shown = if shown.is_empty() { name.to_owned() } else { format!("{shown}/{name}") };
        let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let folder = if link { path.is_dir() } else { entry.file_type().is_ok_and(|kind| kind.is_dir()) };
        if !folder {
            let file = FoundFile { shown, folders: folders.clone(), under: under.to_owned() };
            return self.found.push(file);
        }
        // Only a link can lead back, so without links no system call is needed.
        if link && !self.enter(&path) {
            return;
        }
        folders.push(name.to_owned());
        self.folder(&path, &shown, under, folders);
        folders.pop();
    }

    /// Returns whether to enter a linked folder: not if it contains the link itself, and only once.
    fn enter(&mut self, link: &Path) -> bool {
        let Ok(real) = fs::canonicalize(link) else { return false };
        let inside = link.parent().and_then(|parent| fs::canonicalize(parent).ok());
        !inside.is_some_and(|inside| inside.starts_with(&real)) && self.visited.insert(real)
    }
}

/// Reads a file from disk.
fn read(root: &Path, shown: &str) -> Result<Source, Diagnostic> {
    let bytes = local_file::read(&root.join(shown)).map_err(|error| unreadable(shown, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(source(shown, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Err(Diagnostic::error("not-utf-8", "the file is not UTF-8 text")
                .at(bad_byte(shown, text, at), format!("byte {at} begins no character"))
                .hint("save it as UTF-8"))
        }
    }
}

/// Creates a source without a byte order mark.
fn source(shown: &str, text: String) -> Source {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Source::new(shown, rest),
        None => Source::new(shown, text),
    }
}

/// Returns the span of the first invalid byte. Up to there the lossy text equals the file.
fn bad_byte(shown: &str, lossy: String, at: usize) -> Span {
    Source::new(shown, lossy).span(at..at + '\u{fffd}'.len_utf8())
}

fn unreadable(shown: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error("unreadable", format!("`{shown}` can't be read: {error}"))
}

/// Runs `work` on every item, on all cores. The results are in the items' order.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    // For fewer than some hundred small files, a thread costs more than it saves.
    const FEWEST: usize = 128;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if items.len() <= FEWEST {
        return items.iter().map(work).collect();
    }
    parallel::in_parallel(items, cores, FEWEST, work)
}
