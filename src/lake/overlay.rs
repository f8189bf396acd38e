//! An object store layered over a table's own, which shows the table as it will be after a commit that isn't
//! visible yet. Data files are written through and remembered; writes to the Delta log are captured here.
//! Deletes are rejected: preparing a commit must never remove anything from the table.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory, path::Path,
};

use super::{runs::Journal, written_paths::with_removed_paths};

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Overlay {
    below: Arc<dyn ObjectStore>,
    /// The journal in which files are announced before they are written.
    journal: Arc<Journal>,
    log: InMemory,
    written: Mutex<BTreeSet<Path>>,
    /// The paths of the files that the captured commit removes, as the log has them.
    removed: Mutex<Vec<String>>,
}

impl Overlay {
    pub(super) fn new(below: Arc<dyn ObjectStore>, journal: Arc<Journal>) -> Self {
        Self { below, journal, log: InMemory::new(), written: Mutex::default(), removed: Mutex::default() }
    }

    /// Returns the data files written so far, complete or not.
    pub(super) fn written(&self) -> Vec<Path> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Sets the paths of the files that the next commit removes, as the log has them, in its order.
    pub(super) fn set_removed(&self, paths: Vec<String>) {
        *self.removed.lock().unwrap_or_else(PoisonError::into_inner) = paths;
    }

    /// Returns a captured log entry, in which removed files have the paths of the log.
    fn corrected(&self, entry: PutPayload) -> Result<PutPayload> {
        let removed = std::mem::take(&mut *self.removed.lock().unwrap_or_else(PoisonError::into_inner));
        if removed.is_empty() {
            return Ok(entry);
        }
        let corrected = with_removed_paths(&Bytes::from(entry), &removed).map(PutPayload::from);
        let source = "the entry removes other files than were asked for";
        corrected.ok_or_else(|| Error::Generic { store: "Headwater", source: source.into() })
    }

    /// Remembers a data file before it is created.
    async fn remember(&self, location: &Path) -> Result<()> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(location.clone());
        let announced = self.journal.announce([self.journal.file(location)]).await;
        announced.map_err(|error| Error::Generic { store: "Headwater", source: Box::new(error) })
    }

    /// Merges the underlying listing with the captured log entries into one sorted list. A captured entry
    /// hides an entry of the same name that another writer has published since.
    async fn merged(
        below: BoxStream<'static, Result<ObjectMeta>>,
        captured: BoxStream<'static, Result<ObjectMeta>>,
    ) -> Result<Vec<ObjectMeta>> {
        let mut all: Vec<_> = captured.chain(below).try_collect().await?;
        // The sort is stable: of two entries with one name, the captured one stays first.
        all.sort_by(|a, b| a.location.cmp(&b.location));
        all.dedup_by(|later, first| later.location == first.location);
        Ok(all)
    }
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "staged over {}", self.below)
    }
}

fn in_log(location: &Path) -> bool {
    location.parts().any(|part| part.as_ref() == "_delta_log")
}

#[async_trait]
impl ObjectStore for Overlay {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if !in_log(location) {
            self.remember(location).await?;
            return self.below.put_opts(location, payload, options).await;
        }
        if options.mode == PutMode::Create && self.below.head(location).await.is_ok() {
            return Err(Error::AlreadyExists { path: location.to_string(), source: "in the table".into() });
        }
        self.log.put_opts(location, self.corrected(payload)?, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if in_log(location) {
            return self.log.put_multipart_opts(location, options).await;
        }
        self.remember(location).await?;
        self.below.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if in_log(location) {
            match self.log.get_opts(location, options.clone()).await {
                Err(Error::NotFound { .. }) => {}
                found => return found,
            }
        }
        self.below.get_opts(location, options).await
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let source = "nothing is deleted while a commit is prepared".into();
        futures::stream::once(async { Err(Error::NotSupported { source }) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let both = Self::merged(self.below.list(prefix), self.log.list(prefix));
        futures::stream::once(both).map_ok(|all| futures::stream::iter(all).map(Ok)).try_flatten().boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let below = self.below.list_with_offset(prefix, offset);
        let both = Self::merged(below, self.log.list_with_offset(prefix, offset));
        futures::stream::once(both).map_ok(|all| futures::stream::iter(all).map(Ok)).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut all = self.below.list_with_delimiter(prefix).await?;
        let captured = self.log.list_with_delimiter(prefix).await?;
        all.objects.splice(0..0, captured.objects);
        all.objects.sort_by(|a, b| a.location.cmp(&b.location));
        all.objects.dedup_by(|later, first| later.location == first.location);
        all.common_prefixes.extend(captured.common_prefixes);
        all.common_prefixes.sort();
        all.common_prefixes.dedup();
        Ok(all)
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotSupported { source: "nothing is copied while a commit is prepared".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::{root::Root, runs::LeaseTimes};

    fn journal(store: &Arc<InMemory>) -> Arc<Journal> {
        let root = Arc::new(Root::parse("memory:///lake", std::path::Path::new("/")).unwrap());
        Journal::new("run", &root, store.clone(), store.clone(), LeaseTimes::default())
    }

    #[tokio::test]
    async fn the_log_is_captured_and_data_goes_through() {
        let below = Arc::new(InMemory::new());
        let (old, new, data) = (
            Path::from("t/_delta_log/00000000000000000000.json"),
            Path::from("t/_delta_log/00000000000000000001.json"),
            Path::from("t/part-0.parquet"),
        );
        below.put(&old, "old".into()).await.unwrap();
        let overlay = Overlay::new(below.clone(), journal(&below));
        overlay.put(&new, "new".into()).await.unwrap();
        overlay.put(&data, "data".into()).await.unwrap();

        let listed =
            |store: &dyn ObjectStore| store.list(Some(&Path::from("t"))).map_ok(|meta| meta.location);
        let above: Vec<_> = listed(&overlay).try_collect().await.unwrap();
        let under: BTreeSet<_> = listed(below.as_ref()).try_collect().await.unwrap();
        assert_eq!(above, [old.clone(), new.clone(), data.clone()]);
        assert_eq!(under, BTreeSet::from([old.clone(), data.clone()]));
        assert_eq!(overlay.get(&new).await.unwrap().bytes().await.unwrap(), "new");
        assert_eq!(overlay.written(), [data]);

        below.put(&new, "another writer's".into()).await.unwrap();
        let above: Vec<_> = listed(&overlay).try_collect().await.unwrap();
        assert_eq!(above, [old.clone(), new.clone(), Path::from("t/part-0.parquet")]);
        assert_eq!(overlay.get(&new).await.unwrap().bytes().await.unwrap(), "new");

        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let again = overlay.put_opts(&old, "mine".into(), create).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })));
        assert!(overlay.delete(&old).await.is_err());
    }
}
