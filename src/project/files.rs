//! Project files: finds them and reads their text. Knows file extensions, but not file contents.

use std::{
    collections::HashSet,
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
    /// The path relative to the project's root, separated by `/`.
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

/// Lists all files under the given folders except hidden ones, in the order of the folders and sorted within
/// each. Missing folders count as empty, duplicates are dropped, and `skip` isn't entered.
pub(super) fn walk(
    root: &Path,
    under: &[String],
    skip: &Path,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<FoundFile> {
    let mut walk = FolderWalk { skip, visited: HashSet::new(), found: Vec::new(), diagnostics };
    let mut seen = HashSet::new();
    for path in under {
        let start = walk.found.len();
        let folder = if path == "." { root.to_owned() } else { root.join(path) };
        let shown = if path == "." { "" } else { path };
        walk.visited.clear();
        walk.folder(&folder, shown, path, &mut Vec::new());
        walk.found[start..].sort_by(|a, b| a.shown.cmp(&b.shown));
    }
    let FolderWalk { mut found, .. } = walk;
    found.retain(|file| seen.insert(file.shown.clone()));
    found
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

/// Reads a file, named relative to the root, as text without a byte order mark.
///
/// # Errors
/// If the file doesn't exist or isn't UTF-8.
pub fn read(root: &Path, shown: &str) -> Result<Source, Diagnostic> {
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
