//! The writer of a lake: a run's right to write, with the journal that announces each write beforehand.

use std::{fmt, path::Path, sync::Arc};

use object_store::{ObjectStoreExt, PutPayload, path::Path as Location};

use super::{
    directories::Directories,
    error::LakeError,
    operation::LakeOperation,
    runs::{Journal, LeaseTimes, Repair, repair},
    store::Lake,
};

/// Writes to a lake for one run. If the run is killed, the next run's [`LakeWriter::repair`] removes what it
/// left. Call [`LakeWriter::end`] at the end. Cheap to clone; clones share the journal.
#[derive(Clone)]
pub struct LakeWriter {
    lake: Lake,
    journal: Arc<Journal>,
}

impl Lake {
    /// Returns the writer of a run. Writes nothing yet.
    #[must_use]
    pub fn writer(self, run: &str) -> LakeWriter {
        self.writer_at(run, LeaseTimes::default())
    }

    /// Same as [`Lake::writer`], with other lease times.
    pub(super) fn writer_at(self, run: &str, times: LeaseTimes) -> LakeWriter {
        let journal = Journal::new(run, self.root(), Arc::clone(self.store()), self.lease_store(), times);
        LakeWriter { lake: self, journal }
    }
}

impl LakeWriter {
    /// Returns the lake, to read it.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Returns the journal that announces writes.
    pub(super) fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Removes what killed runs left behind. Failures are part of the result; none of them stops a run.
    pub async fn repair(&self) -> Repair {
        repair(&self.journal).await
    }

    /// Ends the run, successful or not.
    pub async fn end(&self) {
        self.journal.end().await;
    }

    /// Checks that files can be written to the root, read back and deleted. Leaves nothing behind.
    pub async fn check_access(&self) -> Result<(), LakeError> {
        let lake = &self.lake;
        let place = lake.root_display();
        let root = lake.root();
        let directories = Directories::before(root.folder().map(Path::to_owned), root.mount());
        let log_store = lake
            .log_store(Arc::clone(lake.store()), root.mount().clone())
            .map_err(|e| LakeError::of(LakeOperation::Read, &place, e))?;
        let store = log_store.object_store(None);
        let probe = Location::from(format!("_headwater_probe_{}", uuid::Uuid::new_v4().simple()));
        let payload = PutPayload::from_static(b"headwater");
        store
            .put(&probe, payload)
            .await
            .map_err(|error| LakeError::of_store(LakeOperation::Write, &place, error))?;
        let read = async { store.get(&probe).await?.bytes().await }.await;
        let deleted = store.delete(&probe).await;
        directories.remove_empty(&[]);
        read.map_err(|error| LakeError::of_store(LakeOperation::Read, &place, error))?;
        deleted.map_err(|error| LakeError::of_store(LakeOperation::Delete, &place, error))
    }
}

/// Omits the journal, and the options of the lake, which may contain credentials.
impl fmt::Debug for LakeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LakeWriter").field(&self.lake).finish()
    }
}
