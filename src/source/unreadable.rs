//! The error of a source that can't be read now, although its declaration is right.

use std::error::Error;

use datafusion::error::DataFusionError;

/// The source exists, but its disk, its permissions, a lock or another process keeps it from being read.
/// Nothing is known about its rows, so nothing is rejected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableSource(String);

impl UnreadableSource {
    /// Returns the error with this message.
    pub(crate) fn error(message: String) -> DataFusionError {
        DataFusionError::External(Box::new(Self(message)))
    }

    /// Returns whether such an error is among the causes of a query's error.
    #[must_use]
    pub fn is_cause_of(error: &DataFusionError) -> bool {
        let first: Option<&(dyn Error + 'static)> = Some(error);
        let mut causes = std::iter::successors(first, |error| (*error).source());
        causes.any(<dyn Error>::is::<Self>)
    }
}
