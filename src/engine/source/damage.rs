//! Files that turned out to be damaged while their rows were read: they are set aside when the source is read again.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::files::SourceFile;

/// The damaged files of a source. Clones share them. They are no part of what a source is: all of these are equal.
#[derive(Clone, Default)]
pub struct DamagedFiles(Arc<Mutex<BTreeMap<Arc<str>, Damaged>>>);

/// A file as it was when it was read.
struct Damaged {
    size: u64,
    modified: DateTime<Utc>,
    reason: String,
}

impl DamagedFiles {
    /// Takes note of a file.
    pub(super) fn add(&self, file: &SourceFile, reason: String) {
        let damaged = Damaged { size: file.size, modified: file.modified, reason };
        self.files().insert(Arc::clone(&file.name), damaged);
    }

    /// Why a file is damaged; `None` if it is not, or was written again since.
    pub(super) fn reason(&self, file: &SourceFile) -> Option<String> {
        let files = self.files();
        let found = files.get(&file.name)?;
        (found.size == file.size && found.modified == file.modified).then(|| found.reason.clone())
    }

    /// What the lock guards is whole between any two statements, so a thread that died holding it left no harm.
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
