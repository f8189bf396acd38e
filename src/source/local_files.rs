//! Source files on a local disk: the files of a folder, the matches of a pattern, or a single file.
//!
//! Nothing that a location names is skipped silently. A pipe or a device is listed, and later rejected by
//! name. A broken link or an unreadable folder is an error, because its contents are unknown.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Component, Path, PathBuf},
};

use super::{
    file::{FilePlace, Listing, SourceFile},
    file_fit::{FileFit, fit, is_hidden},
    spec::SourceSpec,
};
use crate::local_file;

/// Lists a source's files, and those left out. Returns what can't be listed, and why.
pub(super) fn list(spec: &SourceSpec) -> Result<Listing, String> {
    let path = spec.base.join(&spec.location);
    let mut walk =
        LocalWalk { spec, listing: Listing::default(), entered: Vec::new(), seen: BTreeSet::new() };
    let walked = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => walk.folder(&path),
        Ok(metadata) => match local_file::irregular(&metadata) {
            None => walk.add(path, &metadata),
            Some(kind) => Err(format!(
                "`{}` is {kind}\n  hint: set `location` to a file, a folder, or a pattern that matches files",
                spec.location
            )),
        },
        Err(error) if is_missing(&path, &error) => walk.pattern(),
        Err(error) => Err(walk.unreadable(&path, &error)),
    };
    walked.map_err(|problem| format!("{}: {problem}", spec.name))?;
    Ok(walk.listing)
}

/// Returns a path relative to the base, separated by `/`. A path outside the base stays absolute. Distinct
/// paths have distinct names.
pub(crate) fn name(path: &Path, base: &Path) -> String {
    let path = path.strip_prefix(base).unwrap_or(path);
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    let name = parts.map(|part| local_file::utf8_name(part.as_os_str())).collect::<Vec<_>>().join("/");
    name.replacen("//", "/", 1)
}

/// Returns whether nothing at all is at a path, not even a broken link.
fn is_missing(path: &Path, error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        && !local_file::is_link(path)
}

/// A part of a pattern.
enum PatternPart {
    Name(OsString),
    Match(glob::Pattern),
    /// `**`: any number of folders.
    Folders,
}

/// A walk over a source's location.
struct LocalWalk<'a> {
    spec: &'a SourceSpec,
    listing: Listing,
    /// The real paths of the folders that hold the links on the way to the current folder.
    entered: Vec<PathBuf>,
    /// The folders that were already searched for the last parts of the pattern, because a pattern with
    /// several `**` reaches a folder in many ways.
    seen: BTreeSet<(PathBuf, usize)>,
}

impl LocalWalk<'_> {
    /// Lists the format's files below a folder, and those with other extensions. Hidden ones are ignored.
    fn folder(&mut self, folder: &Path) -> Result<(), String> {
        for name in self.names(folder)? {
            let shown = name.to_string_lossy();
            if is_hidden(&shown) {
                continue;
            }
            let path = folder.join(&name);
            let Some(metadata) = self.inspect(&path)? else { continue };
            if metadata.is_dir() {
                self.enter(&path, |walk| walk.folder(&path))?;
                continue;
            }
            match fit(&shown, &self.spec.format) {
                FileFit::Read => self.add(path, &metadata)?,
                FileFit::LeftOut => self.listing.left_out.push(self.name(&path)),
                FileFit::Silent => {}
            }
        }
        Ok(())
    }

    /// Lists the files that match the location as a pattern.
    fn pattern(&mut self) -> Result<(), String> {
        let location = &self.spec.location;
        if location.ends_with(std::path::is_separator) {
            // Only folders match, and they are no files.
            return Ok(());
        }
        let (mut start, mut parts) = (self.spec.base.clone(), Vec::new());
        for component in Path::new(location).components() {
            match component {
                Component::Prefix(_) | Component::RootDir => start.push(component),
                Component::CurDir => {}
                Component::ParentDir | Component::Normal(_) => {
                    parts
                        .push(part(component.as_os_str()).map_err(|error| format!("`{location}`: {error}"))?);
                }
            }
        }
        self.matches(&start, &parts)
    }

    /// Lists the files below `at` that match the remaining parts of a pattern.
    fn matches(&mut self, at: &Path, parts: &[PatternPart]) -> Result<(), String> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if !self.seen.insert((at.to_owned(), parts.len())) {
            return Ok(());
        }
        match part {
            PatternPart::Name(name) => self.matched(at.join(name), rest),
            PatternPart::Match(pattern) => {
                for name in self.names(at)? {
                    if pattern.matches(&name.to_string_lossy()) {
                        self.matched(at.join(name), rest)?;
                    }
                }
                Ok(())
            }
            PatternPart::Folders => {
                self.matches(at, rest)?;
                for name in self.names(at)? {
                    let path = at.join(&name);
                    // Editors lock a file by a hidden link to nowhere.
                    if is_hidden(&name.to_string_lossy()) && !path.is_dir() {
                        continue;
                    }
                    if self.inspect(&path)?.is_some_and(|metadata| metadata.is_dir()) {
                        self.enter(&path, |walk| walk.matches(&path, parts))?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Takes a file that matches the whole pattern, or looks for the rest of it in a folder.
    fn matched(&mut self, path: PathBuf, rest: &[PatternPart]) -> Result<(), String> {
        let Some(metadata) = self.inspect(&path)? else { return Ok(()) };
        match (rest.is_empty(), metadata.is_dir()) {
            (true, false) => self.add(path, &metadata),
            (false, true) => self.matches(&path, rest),
            _ => Ok(()),
        }
    }

    /// Walks a folder, unless it is a link back to a folder on the way to it.
    fn enter(
        &mut self,
        folder: &Path,
        walk: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        if !local_file::is_link(folder) {
            return walk(self);
        }
        let real = |path: &Path| fs::canonicalize(path).map_err(|error| self.unreadable(path, &error));
        let (to, from) = (real(folder)?, real(folder.parent().unwrap_or(folder))?);
        self.entered.push(from);
        if self.entered.iter().any(|entered| entered.starts_with(&to)) {
            return Err(format!(
                "`{}` is a link to a folder that contains it, so its files would never end\n  \
                 hint: remove the link, or name the files with a pattern in `location`",
                self.name(folder)
            ));
        }
        walk(self)?;
        self.entered.pop();
        Ok(())
    }

    /// Returns the names in a folder.
    fn names(&self, folder: &Path) -> Result<Vec<OsString>, String> {
        let entries = fs::read_dir(folder).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<OsString>>>()
        });
        entries.map_err(|error| self.unreadable(folder, &error))
    }

    /// Returns what is at a path, following links; `None` if it was removed in the meantime.
    fn inspect(&self, path: &Path) -> Result<Option<fs::Metadata>, String> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if is_missing(path, &error) => Ok(None),
            Err(error) => Err(self.unreadable(path, &error)),
        }
    }

    fn add(&mut self, path: PathBuf, metadata: &fs::Metadata) -> Result<(), String> {
        let modified = metadata.modified().map_err(|error| self.unreadable(&path, &error))?.into();
        self.listing.files.push(SourceFile {
            name: self.name(&path).into(),
            size: metadata.len(),
            modified,
            place: match local_file::irregular(metadata) {
                Some(kind) => FilePlace::Irregular(kind),
                None => FilePlace::Local(path),
            },
        });
        Ok(())
    }

    fn name(&self, path: &Path) -> String {
        name(path, &self.spec.base)
    }

    fn unreadable(&self, path: &Path, error: &io::Error) -> String {
        let (problem, help) = local_file::problem(path, error);
        format!("`{}` {problem}\n  hint: {help}", self.name(path))
    }
}

fn part(text: &OsStr) -> Result<PatternPart, glob::PatternError> {
    let shown = text.to_string_lossy();
    Ok(match &*shown {
        "**" => PatternPart::Folders,
        _ if shown.contains(['*', '?', '[']) => PatternPart::Match(glob::Pattern::new(&shown)?),
        _ => PatternPart::Name(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Drift, Identity, OnError, SourceFormat, TextOptions};

    #[test]
    fn names_are_relative_with_slashes() {
        let base = Path::new("/project");
        assert_eq!(name(Path::new("/project/data/a.json"), base), "data/a.json");
        assert_eq!(name(Path::new("/project/./data/a.json"), base), "data/a.json");
        assert_eq!(name(Path::new("/elsewhere/a.json"), base), "/elsewhere/a.json");
    }

    fn listed(base: &Path, location: &str) -> String {
        let spec = SourceSpec {
            name: "s".to_owned(),
            format: SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None },
            location: location.to_owned(),
            base: base.to_owned(),
            columns: Vec::new(),
            text: TextOptions::default(),
            on_error: OnError::default(),
            identity: Identity::Stamp,
            drift: Drift::default(),
        };
        match list(&spec) {
            Ok(listing) => {
                let mut names: Vec<String> = listing.files.iter().map(|file| file.name.to_string()).collect();
                names.sort();
                names.join(" ")
            }
            Err(problem) => problem,
        }
    }

    #[test]
    fn a_pattern_that_leads_to_a_folder_in_many_ways_looks_there_once() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/".repeat(20));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b.csv"), "").unwrap();
        let deep = "a/".repeat(20) + "b.csv";
        assert_eq!(listed(base.path(), &("**/".repeat(40) + "b.csv")), deep);
        assert_eq!(listed(base.path(), &("**/*/".repeat(15) + "*.csv")), deep);
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        let base = tempfile::tempdir().unwrap();
        for name in ["a.csv", "b.csv", "c.txt", "x/a.csv", "x/y/a.csv", "x/y/b.csv", "a[1].csv"] {
            let path = base.path().join("in").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (location, found) in [
            ("in", "in/a.csv in/a[1].csv in/b.csv in/c.txt in/x/a.csv in/x/y/a.csv in/x/y/b.csv"),
            ("./in/*.csv", "in/a.csv in/a[1].csv in/b.csv"),
            ("in/[ab].csv", "in/a.csv in/b.csv"),
            ("in/?.txt", "in/c.txt"),
            ("in/a[1].csv", "in/a[1].csv"),
            ("in/*/a.csv", "in/x/a.csv"),
            ("in/**/a.csv", "in/a.csv in/x/a.csv in/x/y/a.csv"),
            ("in/**/y/*", "in/x/y/a.csv in/x/y/b.csv"),
            ("in/**/**/b.csv", "in/b.csv in/x/y/b.csv"),
            ("in/x/../b.csv", "in/x/../b.csv"),
            ("in/x/../[b].csv", "in/x/../b.csv"),
            ("in/*/", ""),
            ("in/**", ""),
            ("no/*.csv", ""),
            ("in/a.csv/*", ""),
        ] {
            assert_eq!(listed(base.path(), location), found, "{location}");
        }
        assert!(listed(base.path(), "in/**a").contains("recursive wildcards"));
        let absolute = format!("{}/in/[a].csv", base.path().display());
        assert_eq!(listed(Path::new("/elsewhere"), &absolute), absolute.replace("[a]", "a"));
    }
}
