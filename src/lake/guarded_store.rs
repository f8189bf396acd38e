//! A guarded store: tables in it are read as the protocol demands where the kernel and its decoders don't.
//!
//! - An entry of 0 bytes is damage. The kernel reads it as a commit that changes nothing, so that the next
//!   version would be built on a lost one.
//! - `_last_checkpoint` is a hint. The kernel fails if the checkpoint it names is gone, even if the log is
//!   whole without it. Remove that part when the kernel lists the log instead.
//! - A range that ends after the end of its file is an error. Stores return what there is of it, and the
//!   Parquet decoder, which trusts the size in the log, panics.

use std::{collections::BTreeSet, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result, path::Path,
};
use serde::Deserialize;

use super::layout::LOG;

/// The file that names the newest checkpoint of a log.
const HINT: &str = "_last_checkpoint";

/// A log entry without content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EmptyEntry {
    pub(super) version: u64,
}

impl fmt::Display for EmptyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its entry {:020}.json is empty, as a power cut leaves it", self.version)?;
        match self.version.checked_sub(1) {
            Some(before) => write!(f, "; if it is the newest one, remove it to return to version {before}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EmptyEntry {}

/// The error about a file that is shorter than the range to read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file has {size} bytes, and its reader expects at least {end}: it was cut, or replaced by another one"
)]
struct CutFile {
    size: u64,
    end: u64,
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct GuardedStore {
    below: Arc<dyn ObjectStore>,
}

/// The relevant contents of a `_last_checkpoint` file.
#[derive(Deserialize)]
struct Hint {
    version: u64,
    parts: Option<u64>,
}

impl GuardedStore {
    pub(super) fn new(below: Arc<dyn ObjectStore>) -> Self {
        Self { below }
    }

    /// Returns whether the checkpoint that a hint names exists, or the log can't be read without it.
    async fn is_useful(&self, hint: &Hint, log: &Path) -> Result<bool> {
        let number = format!("{:020}", hint.version);
        if hint.parts.is_none() {
            match self.below.head(&log.clone().join(format!("{number}.checkpoint.parquet"))).await {
                Err(Error::NotFound { .. }) => {}
                found => return found.map(|_| true),
            }
        }
        let all: Vec<ObjectMeta> = self.below.list(Some(log)).try_collect().await?;
        let names = || all.iter().filter_map(|file| file.location.filename());
        let prefix = format!("{number}.checkpoint.");
        let found = names().filter(|name| name.starts_with(&prefix)).count() as u64;
        let is_whole = || names().any(|name| name == format!("{:020}.json", 0));
        let has_other = || names().any(|name| name.contains(".checkpoint.") && !name.starts_with(&prefix));
        Ok(found >= hint.parts.unwrap_or(1) || !is_whole() && !has_other())
    }
}

/// Returns the version of a commit or checkpoint, by its file name.
fn version(name: &str) -> Option<u64> {
    let (number, _) = name.split_once('.')?;
    if number.len() == 20 { number.parse().ok() } else { None }
}

/// Returns the files of a log, or an error if an entry that a reader needs is empty.
fn checked(files: Vec<ObjectMeta>) -> Result<Vec<ObjectMeta>> {
    let mut empty = BTreeSet::new();
    let mut checkpoint = None;
    for file in &files {
        let Some(name) = file.location.filename() else { continue };
        let Some(version) = version(name) else { continue };
        if name.contains(".checkpoint.") {
            checkpoint = checkpoint.max(Some(version));
        } else if file.size == 0 && file.location.extension() == Some("json") {
            empty.insert(version);
        }
    }
    // The checkpoint of a version contains all entries up to it.
    match empty.into_iter().find(|version| checkpoint.is_none_or(|checkpoint| *version > checkpoint)) {
        Some(version) => Err(Error::Generic { store: "Delta log", source: Box::new(EmptyEntry { version }) }),
        None => Ok(files),
    }
}

/// Checks a listing if it is of a log.
fn guarded(
    prefix: Option<&Path>,
    files: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    if prefix.and_then(Path::filename) != Some(LOG) {
        return files;
    }
    let all = async { checked(files.try_collect().await?) };
    stream::once(all).map_ok(|all| stream::iter(all).map(Ok)).try_flatten().boxed()
}

impl fmt::Display for GuardedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.below)
    }
}

#[async_trait]
impl ObjectStore for GuardedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.below.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.below.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let is_whole = !options.head && options.range.is_none();
        let end = match &options.range {
            Some(GetRange::Bounded(range)) => range.end,
            _ => 0,
        };
        let found = self.below.get_opts(location, options).await?;
        if found.range.end < end {
            let source = Box::new(CutFile { size: found.meta.size, end });
            return Err(Error::Generic { store: "Delta table", source });
        }
        if !is_whole || location.filename() != Some(HINT) {
            return Ok(found);
        }
        let (meta, attributes, range) = (found.meta.clone(), found.attributes.clone(), found.range.clone());
        let bytes: Bytes = found.bytes().await?;
        let log: Path = location.parts().take(location.parts().count().saturating_sub(1)).collect();
        if let Ok(hint) = serde_json::from_slice::<Hint>(&bytes)
            && !self.is_useful(&hint, &log).await?
        {
            let source = "the checkpoint that it names is gone".into();
            return Err(Error::NotFound { path: location.to_string(), source });
        }
        let payload = GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed());
        Ok(GetResult { payload, meta, range, attributes })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.below.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        guarded(prefix, self.below.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        guarded(prefix, self.below.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.below.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.below.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.below.rename_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    /// Returns a store with these files in a log, each with its text.
    async fn guard(files: &[(&str, &str)]) -> (GuardedStore, Path) {
        let below = Arc::new(InMemory::new());
        let log = Path::from("main/t").join(LOG);
        for (name, text) in files {
            below.put(&log.clone().join(*name), text.to_string().into()).await.unwrap();
        }
        (GuardedStore::new(below), log)
    }

    async fn names(guard: &GuardedStore, prefix: &Path) -> Result<usize> {
        Ok(guard.list(Some(prefix)).try_collect::<Vec<_>>().await?.len())
    }

    const FIRST: (&str, &str) = ("00000000000000000000.json", "{}");

    #[tokio::test]
    async fn an_empty_entry_is_an_error_unless_a_checkpoint_covers_it() {
        let empty = ("00000000000000000001.json", "");
        let (guard_without, log) = guard(&[FIRST, empty]).await;
        let error = names(&guard_without, &log).await.unwrap_err();
        assert!(error.to_string().contains("00000000000000000001.json is empty"), "{error}");
        assert_eq!(
            names(&guard_without, &Path::from("main/t")).await.unwrap(),
            2,
            "files to move, not a log"
        );
        let (guard, log) = guard(&[FIRST, empty, ("00000000000000000001.checkpoint.parquet", "x")]).await;
        assert_eq!(names(&guard, &log).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_range_is_whole_or_an_error() {
        let (guard, log) = guard(&[FIRST]).await;
        let file = log.join(FIRST.0);
        for (range, is_whole) in [(0..2, true), (1..2, true), (0..3, false), (1..9, false)] {
            assert_eq!(guard.get_range(&file, range.clone()).await.is_ok(), is_whole, "{range:?}");
            assert_eq!(guard.get_ranges(&file, &[0..1, range.clone()]).await.is_ok(), is_whole, "{range:?}");
        }
    }

    #[tokio::test]
    async fn a_hint_is_hidden_if_the_log_is_read_without_it() {
        let hint = (HINT, r#"{"version":1,"size":3}"#);
        let in_parts = (HINT, r#"{"version":1,"size":3,"parts":2}"#);
        let (one, other) = (
            ("00000000000000000001.checkpoint.0000000001.0000000002.parquet", "x"),
            ("00000000000000000001.checkpoint.0000000002.0000000002.parquet", "x"),
        );
        let late = ("00000000000000000002.json", "{}");
        for (files, is_shown) in [
            (vec![FIRST, hint], false),
            (vec![FIRST, hint, ("00000000000000000001.checkpoint.parquet", "x")], true),
            (vec![FIRST, hint, ("00000000000000000001.checkpoint.some-id.json", "x")], true),
            (vec![FIRST, in_parts, one], false),
            (vec![FIRST, in_parts, one, other], true),
            (vec![FIRST, (HINT, "{")], true),
            // Without its checkpoint, a log that starts late has lost its first entries.
            (vec![late, hint], true),
        ] {
            let (guard, log) = guard(&files).await;
            let found = guard.get(&log.join(HINT)).await;
            assert_eq!(found.is_ok(), is_shown, "{files:?}");
            if let Ok(found) = found {
                assert!(!found.bytes().await.unwrap().is_empty());
            }
        }
    }
}
