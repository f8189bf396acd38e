//! Staged files: everything that the staging of a version left in the store, to be published or removed.

use std::{collections::BTreeSet, sync::Arc};

use deltalake::logstore::LogStoreRef;
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Location};

use super::{
    directories::Directories, error::LakeError, layout::LOG, operation::LakeOperation, overlay::Overlay,
    runs::Journal, synced_disk::store_error,
};

/// See the module documentation.
pub(super) struct StagedFiles {
    pub(super) overlay: Arc<Overlay>,
    pub(super) directories: Directories,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) real: LogStoreRef,
    /// The marker file, if the table is being created.
    pub(super) marker: Option<Location>,
    /// The journal in which all of it is announced.
    pub(super) journal: Arc<Journal>,
}

impl StagedFiles {
    /// Deletes the files that this staging wrote, and no others.
    pub(super) async fn remove(&self, place: &str) -> Result<(), LakeError> {
        let mut failure = None;
        let files = self.overlay.written();
        for file in &files {
            match self.store.delete(file).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => failure = Some(error),
            }
        }
        self.unmark().await;
        // A commit that failed may have created the folder of the log.
        let log = self.below(&Location::from(LOG).join("entry"));
        self.directories.remove_empty(&files.into_iter().chain(log).collect::<Vec<_>>());
        if failure.is_none() {
            self.settle();
        }
        failure.map_or(Ok(()), |error| Err(LakeError::of_store(LakeOperation::Delete, place, error)))
    }

    /// Announces and writes the marker, if there is one.
    pub(super) async fn mark(&self, run: &str, place: &str) -> Result<(), LakeError> {
        let Some(marker) = &self.marker else { return Ok(()) };
        if let Some(marker) = self.marked() {
            self.journal.announce([self.journal.file(&marker)]).await?;
        }
        let put = self.real.object_store(None).put(marker, run.to_owned().into()).await;
        put.map(drop).map_err(|error| LakeError::of_store(LakeOperation::Write, place, error))
    }

    /// Syncs the files with these names to a local disk, so that no commit which refers to them outlives
    /// them.
    pub(super) async fn sync(&self, names: &BTreeSet<&str>, place: &str) -> Result<(), LakeError> {
        let mut files = self.overlay.written();
        files.retain(|file| file.filename().is_some_and(|name| names.contains(name)));
        let synced = self.directories.sync(&files).await;
        synced.map_err(|error| LakeError::of_store(LakeOperation::Write, place, store_error(error)))
    }

    /// Announces the commit. Fails if another run has taken this run's journal.
    pub(super) async fn announce_commit(&self, version: u64) -> Result<(), LakeError> {
        self.journal.announce([self.journal.commit(self.real.root_url(), version)]).await?;
        self.journal.check().await
    }

    /// Settles the announced commit: it was made, or it certainly wasn't.
    pub(super) fn settle_commit(&self, version: u64) {
        self.journal.settle([&self.journal.commit(self.real.root_url(), version)]);
    }

    /// Settles the files: they are published or removed.
    pub(super) fn settle(&self) {
        let files = self.overlay.written().into_iter().chain(self.marked());
        self.journal.settle(&files.map(|file| self.journal.file(&file)).collect::<Vec<_>>());
    }

    /// Returns the marker's location in the whole store.
    fn marked(&self) -> Option<Location> {
        self.below(self.marker.as_ref()?)
    }

    /// Returns the location in the whole store of a file of the table.
    fn below(&self, file: &Location) -> Option<Location> {
        let table = Location::from_url_path(self.real.root_url().path()).ok()?;
        Some(table.parts().chain(file.parts()).collect())
    }

    /// Removes the marker. A marker that can't be removed is harmless, because no reader sees it.
    pub(super) async fn unmark(&self) {
        if let Some(marker) = &self.marker {
            let _ = self.real.object_store(None).delete(marker).await;
        }
    }
}
