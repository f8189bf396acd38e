//! The error of a source that can't be read now, although its declaration is right.

use std::fmt;

use datafusion::error::DataFusionError;

/// The source exists, but its disk, its permissions, a lock or another process keeps it from being read.
/// Nothing is known about its rows, so nothing is rejected.
#[derive(Debug)]
pub struct UnreadableSource(String);

impl UnreadableSource {
    /// Returns the error with this message.
    pub(crate) fn error(message: String) -> DataFusionError {
        DataFusionError::External(Box::new(Self(message)))
    }

    /// Returns whether an error, or its cause, is one of these.
    #[must_use]
    pub fn is_cause_of(error: &DataFusionError) -> bool {
        matches!(error.find_root(), DataFusionError::External(cause) if cause.is::<Self>())
    }
}

impl fmt::Display for UnreadableSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnreadableSource {}
