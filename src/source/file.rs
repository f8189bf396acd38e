//! A file of a source, and how its bytes are read.
//!
//! Local files are read with `std::fs`, which is several times faster for many small files. URLs go through
//! the object store that the session has registered for them.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use datafusion::execution::object_store::ObjectStoreUrl;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use super::undecodable::undecodable;

/// A file of a source.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The name, as in `_source_file`.
    pub name: Arc<str>,
    /// The size, in bytes.
    pub size: u64,
    /// The time of the last modification.
    pub modified: DateTime<Utc>,
    pub(crate) place: FilePlace,
}

/// The location of a file: on a local disk or in an object store.
#[derive(Debug, Clone)]
pub(crate) enum FilePlace {
    Local(PathBuf),
    /// A pipe, a device or a socket, which is never opened: each reader rejects it.
    Irregular(&'static str),
    Remote {
        url: ObjectStoreUrl,
        store: Arc<dyn ObjectStore>,
        meta: Box<ObjectMeta>,
    },
}

/// The files at a source's location.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The files to read, sorted by name.
    pub files: Vec<SourceFile>,
    /// The names of files in the folder that are skipped because of their extensions. Hidden files, and the
    /// metadata files of other tools, aren't listed.
    pub left_out: Vec<String>,
}

impl Listing {
    pub(super) fn sorted(mut self) -> Self {
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.left_out.sort();
        self
    }
}

impl SourceFile {
    /// Returns why the file can't be opened, if it isn't a regular one.
    pub(crate) fn irregular(&self) -> Option<String> {
        match self.place {
            FilePlace::Irregular(kind) => {
                Some(format!("it is {kind}, not a file: put a file in its place, or remove it"))
            }
            FilePlace::Local(_) | FilePlace::Remote { .. } => None,
        }
    }

    /// The error of a file that must not be opened.
    fn unopened(&self) -> io::Error {
        undecodable(self.irregular().unwrap_or_default())
    }

    /// Returns the object store's `ETag`, if it has one.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        match &self.place {
            FilePlace::Local(_) | FilePlace::Irregular(_) => None,
            FilePlace::Remote { meta, .. } => meta.e_tag.as_deref(),
        }
    }

    /// Reads the whole file into `bytes`.
    pub(crate) fn read(&self, bytes: &mut Vec<u8>, runtime: &Handle) -> io::Result<()> {
        bytes.clear();
        match &self.place {
            FilePlace::Local(path) => fs::File::open(path)?.read_to_end(bytes).map(drop),
            FilePlace::Irregular(_) => Err(self.unopened()),
            FilePlace::Remote { store, meta, .. } => {
                let got = runtime.block_on(async { store.get(&meta.location).await?.bytes().await })?;
                bytes.extend_from_slice(&got);
                Ok(())
            }
        }
    }

    /// Reads the bytes from `start` to `end`, or to the end of the file.
    pub(crate) fn read_range(&self, start: u64, end: u64, runtime: &Handle) -> io::Result<Vec<u8>> {
        match &self.place {
            FilePlace::Local(path) => {
                let mut file = fs::File::open(path)?;
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::new();
                file.take(end.saturating_sub(start)).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
            FilePlace::Irregular(_) => Err(self.unopened()),
            FilePlace::Remote { store, meta, .. } => {
                let range = start..end.min(meta.size);
                Ok(runtime.block_on(store.get_range(&meta.location, range))?.to_vec())
            }
        }
    }

    /// Opens the file as a stream.
    pub(crate) fn open<'a>(&'a self, runtime: &'a Handle) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match &self.place {
            FilePlace::Local(path) => Box::new(fs::File::open(path)?),
            FilePlace::Irregular(_) => return Err(self.unopened()),
            FilePlace::Remote { .. } => {
                Box::new(Ranges { file: self, runtime, at: 0, held: io::Cursor::default() })
            }
        })
    }
}

/// The size of a range request to a remote file, in bytes.
const RANGE: u64 = 4 << 20;

/// Streams a remote file by range requests.
struct Ranges<'a> {
    file: &'a SourceFile,
    runtime: &'a Handle,
    at: u64,
    held: io::Cursor<Vec<u8>>,
}

impl Read for Ranges<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.held.read(into)?;
        if read > 0 || into.is_empty() || self.at >= self.file.size {
            return Ok(read);
        }
        let end = (self.at + RANGE).min(self.file.size);
        self.held = io::Cursor::new(self.file.read_range(self.at, end, self.runtime)?);
        self.at = end;
        self.held.read(into)
    }
}
