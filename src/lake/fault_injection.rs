//! Fault injection: a store that kills the run between any two writes, for tests of crash recovery.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
};

/// When and how a run dies. Cheap to clone; clones share one counter.
#[derive(Clone)]
pub struct FaultInjection {
    left: Arc<AtomicU64>,
    die: Arc<dyn Fn() + Send + Sync>,
}

impl FaultInjection {
    /// Creates a fault that calls `die` at the instant `at`, counted from 1, and at every later one. There is
    /// one instant before each write and one after it. Writes are puts of files and log entries, parts and
    /// completions of multipart uploads, copies and deletes.
    pub fn new(at: u64, die: impl Fn() + Send + Sync + 'static) -> Self {
        Self { left: Arc::new(AtomicU64::new(at)), die: Arc::new(die) }
    }

    /// Counts one instant.
    fn pass(&self) {
        let one_less = |left: u64| Some(left.saturating_sub(1));
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok_and(|left| left <= 1) {
            (self.die)();
        }
    }

    /// Performs a write between two instants.
    async fn around<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        self.pass();
        let done = write.await;
        self.pass();
        done
    }
}

impl fmt::Debug for FaultInjection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fault").field(&self.left).finish()
    }
}

/// A store that counts its writes.
#[derive(Debug)]
pub(super) struct FaultInjectingStore {
    below: Arc<dyn ObjectStore>,
    fault: FaultInjection,
}

impl FaultInjectingStore {
    pub(super) fn new(below: Arc<dyn ObjectStore>, fault: FaultInjection) -> Self {
        Self { below, fault }
    }
}

impl fmt::Display for FaultInjectingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dying over {}", self.below)
    }
}

#[async_trait]
impl ObjectStore for FaultInjectingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.fault.around(self.below.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.fault.around(self.below.put_multipart_opts(location, options)).await?;
        Ok(Box::new(Upload { below: upload, fault: self.fault.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.below.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (before, after) = (self.fault.clone(), self.fault.clone());
        let locations = locations.inspect(move |_| before.pass()).boxed();
        self.below.delete_stream(locations).inspect(move |_| after.pass()).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.below.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.below.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.below.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.fault.around(self.below.copy_opts(from, to, options)).await
    }
}

/// A multipart upload in progress.
#[derive(Debug)]
struct Upload {
    below: Box<dyn MultipartUpload>,
    fault: FaultInjection,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (fault, part) = (self.fault.clone(), self.below.put_part(data));
        Box::pin(async move { fault.around(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.fault.around(self.below.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.below.abort().await
    }
}
