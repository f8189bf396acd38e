//! Files found to be damaged while their rows were read. They are rejected when the source is read again.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::file::SourceFile;

/// The damaged files of a source. Clones share the list. It isn't part of a source's identity, so all
/// instances are equal.
#[derive(Clone, Default)]
pub struct DamagedFiles(Arc<Mutex<BTreeMap<Arc<str>, Damaged>>>);

/// A file's state when it was read.
struct Damaged {
    size: u64,
    modified: DateTime<Utc>,
    reason: String,
}

impl DamagedFiles {
    /// Records a damaged file.
    pub(super) fn add(&self, file: &SourceFile, reason: String) {
        let damaged = Damaged { size: file.size, modified: file.modified, reason };
        self.files().insert(Arc::clone(&file.name), damaged);
    }

    /// Returns why a file is damaged. `None` if it is intact, or was rewritten since.
    pub(super) fn reason(&self, file: &SourceFile) -> Option<String> {
        let files = self.files();
        let found = files.get(&file.name)?;
        (found.size == file.size && found.modified == file.modified).then(|| found.reason.clone())
    }

    /// The guarded data is consistent between any two statements, so a poisoned lock is safe to use.
    fn files(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Damaged>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for DamagedFiles {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for DamagedFiles {}

impl fmt::Debug for DamagedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DamagedFiles")
    }
}
