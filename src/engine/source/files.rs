//! Source files: lists the files at a location, and reads their bytes.
//!
//! - here: the files, and those in object stores
//! - [`local_files`]: the listing of local disks
//! - [`file_fit`]: which files of a folder belong to a source
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
use datafusion::{
    catalog::Session, datasource::listing::ListingTableUrl, error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use super::{
    decode::undecodable,
    disk::on_disk,
    file_fit::{FileFit, fit, is_hidden},
    local_files,
    spec::SourceSpec,
    unreadable::UnreadableSource,
};

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

/// Lists a source's files, sorted by name.
///
/// # Errors
/// If there are none, or if they can't be listed.
pub(crate) async fn list(
    spec: &SourceSpec,
    session: &dyn Session,
) -> Result<Vec<SourceFile>, DataFusionError> {
    let Listing { files, .. } = listing(spec, session).await?;
    if files.is_empty() {
        let (name, location) = (&spec.name, &spec.location);
        let base = if is_url(location) { String::new() } else { format!(" under {}", spec.base.display()) };
        return Err(DataFusionError::Plan(format!("{name}: no file matches `{location}`{base}")));
    }
    Ok(files)
}

/// Lists a source's files, possibly none, and those that are skipped.
pub(crate) async fn listing(spec: &SourceSpec, session: &dyn Session) -> Result<Listing, DataFusionError> {
    if is_url(&spec.location) {
        return Ok(remote(spec, session).await?.sorted());
    }
    let spec = spec.clone();
    on_disk(move || local_listing(&spec).map_err(UnreadableSource::error)).await
}

/// The same of a source on a local disk.
pub(super) fn local_listing(spec: &SourceSpec) -> Result<Listing, String> {
    Ok(local_files::list(spec)?.sorted())
}

impl Listing {
    fn sorted(mut self) -> Self {
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.left_out.sort();
        self
    }
}

/// Returns whether a location is a URL rather than a path.
pub(crate) fn is_url(location: &str) -> bool {
    location.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

async fn remote(spec: &SourceSpec, session: &dyn Session) -> Result<Listing, DataFusionError> {
    let (directory, pattern) = split_pattern(&spec.location);
    let location = ListingTableUrl::parse(directory)?;
    let url = location.object_store();
    let store = session.runtime_env().object_store(&url).map_err(|_| {
        let scheme = spec.location.split("://").next().unwrap_or_default();
        DataFusionError::Plan(format!(
            "{}: files can't be read from a `{scheme}:` location; copy them to a local disk, and give the path",
            spec.name
        ))
    })?;
    let prefix = location.prefix();
    let metas: Vec<ObjectMeta> = match store.head(prefix).await {
        Ok(meta) if pattern.is_none() => vec![meta],
        Ok(_) | Err(object_store::Error::NotFound { .. }) => store.list(Some(prefix)).try_collect().await?,
        // Some stores return an error from `head` on a directory.
        Err(_) if pattern.is_some() || directory.ends_with('/') => {
            store.list(Some(prefix)).try_collect().await?
        }
        Err(error) => return Err(error.into()),
    };
    let pattern = pattern.map(glob::Pattern::new).transpose();
    let pattern = pattern.map_err(|error| DataFusionError::Plan(format!("{}: {error}", spec.name)))?;
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    let alone = metas.len() == 1 && metas[0].location == *prefix;
    let mut listing = Listing::default();
    for meta in metas {
        let below =
            meta.location.as_ref().strip_prefix(prefix.as_ref()).unwrap_or_default().trim_start_matches('/');
        let fit = match &pattern {
            Some(pattern) if pattern.matches_with(below, options) => FileFit::Read,
            Some(_) => FileFit::Silent,
            None if alone => FileFit::Read,
            None if below.split('/').any(is_hidden) => FileFit::Silent,
            None => fit(below, &spec.format),
        };
        let name = format!("{}{}", url.as_str(), meta.location);
        match fit {
            FileFit::Silent => {}
            FileFit::LeftOut => listing.left_out.push(name),
            FileFit::Read => listing.files.push(SourceFile {
                name: name.into(),
                size: meta.size,
                modified: meta.last_modified,
                place: FilePlace::Remote {
                    url: url.clone(),
                    store: Arc::clone(&store),
                    meta: Box::new(meta),
                },
            }),
        }
    }
    Ok(listing)
}

/// Splits a URL before its first segment with a wildcard.
fn split_pattern(location: &str) -> (&str, Option<&str>) {
    match location.find(['*', '?', '[']).and_then(|at| location[..at].rfind('/')) {
        Some(slash) => (&location[..=slash], Some(&location[slash + 1..])),
        None => (location, None),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_paths() {
        assert!(
            is_url("s3://bucket/x") && is_url("memory://x") && !is_url("data/*.json") && !is_url("a b://c")
        );
    }
}
