//! Inventory: the files that Headwater wrote to a target path. The marker file lists them, one relative path
//! a line after its first, so that no other file is ever taken for an artifact.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Component, Path},
};

use crate::local_file;

/// The file that marks a folder as made by Headwater and lists what it wrote there.
pub(super) const MARK: &str = ".headwater-artifacts";

/// The first line of the marker file.
const NOTE: &str = "Made by headwater; `headwater clean` removes the files listed here.\n";

/// The files written to a target path, relative to it and separated by `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inventory(BTreeSet<String>);

impl Inventory {
    /// Marks a folder, which forgets the files written there before.
    pub(super) fn begin(folder: &Path) -> io::Result<()> {
        fs::write(folder.join(MARK), NOTE)
    }

    /// Reads the inventory of a folder, or returns `None` if Headwater didn't make the folder.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let mark = folder.join(MARK);
        let bytes = match local_file::read(&mark) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(local_file::unread(&mark, &error)),
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            let problem = format!("{MARK} isn't what headwater wrote: remove it, and run again");
            io::Error::new(ErrorKind::InvalidData, problem)
        })?;
        Ok(Some(Self(text.lines().skip(1).map(str::to_owned).collect())))
    }

    /// Lists a file that is about to be written to `folder`.
    pub(super) fn add(&mut self, folder: &Path, file: &Path) -> io::Result<()> {
        let Some(name) = name(file) else { return Ok(()) };
        if self.0.contains(&name) {
            return Ok(());
        }
        // One write a line, so that lines of concurrent runs don't mix.
        OpenOptions::new().append(true).open(folder.join(MARK))?.write_all(format!("{name}\n").as_bytes())?;
        self.0.insert(name);
        Ok(())
    }

    /// Returns whether Headwater wrote this file, or left it when it was killed while replacing a file.
    pub(super) fn has(&self, file: &Path) -> bool {
        name(file).is_some_and(|name| {
            self.0.contains(&name) || replaced(&name).is_some_and(|of| self.0.contains(of))
        })
    }

    /// Returns whether Headwater wrote a file in this folder.
    pub(super) fn has_folder(&self, folder: &Path) -> bool {
        name(folder).is_some_and(|name| {
            let inside = format!("{name}/");
            self.0.range(inside.clone()..).next().is_some_and(|file| file.starts_with(&inside))
        })
    }
}

/// Returns a relative path as the inventory lists it, or `None` if it has no such form: that file is kept.
fn name(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        let Component::Normal(part) = part else { return None };
        parts.push(part.to_str().filter(|part| !part.contains(['\n', '\r', '/']))?);
    }
    Some(parts.join("/"))
}

/// Returns the name of the file that a temporary file of [`replace`](crate::artifact::replace) was meant for.
fn replaced(name: &str) -> Option<&str> {
    let (of, id) = name.strip_suffix(".tmp")?.rsplit_once('.')?;
    uuid::Uuid::try_parse(id).is_ok().then_some(of)
}
