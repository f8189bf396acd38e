//! Errors of a journal, kept as long as the journal: each write that depends on it reports them again.

use std::{error::Error, fmt, io, sync::Arc};

/// A journal can't be written.
#[derive(Debug, Clone)]
pub(super) enum JournalError {
    /// The disk failed.
    Disk(Arc<io::Error>),
    /// The object store failed.
    Store(Arc<object_store::Error>),
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl Error for JournalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Disk(error) => Some(&**error),
            Self::Store(error) => Some(&**error),
        }
    }
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<object_store::Error> for JournalError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}
