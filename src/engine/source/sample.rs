//! Columns that were found in a sample of a source's files: the first scan that reads all of them tells whether they hold.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether a source's columns were found in a sample of its files, and what scans made of them since. Clones share it. It
/// is no part of what a source is: all of them are equal.
#[derive(Clone, Default)]
pub struct Sample(Option<Arc<State>>);

#[derive(Default)]
struct State {
    is_contradicted: AtomicBool,
    is_confirmed: AtomicBool,
}

impl Sample {
    /// The columns were found in a sample.
    #[must_use]
    pub fn taken() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns whether they were.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.0.is_some()
    }

    /// A value doesn't fit, or a column was found that the sample doesn't have.
    pub(crate) fn contradict(&self) {
        if let Some(state) = &self.0 {
            state.is_contradicted.store(true, Ordering::Relaxed);
        }
    }

    /// A scan has read everything.
    pub(crate) fn confirm(&self) {
        if let Some(state) = &self.0 {
            state.is_confirmed.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether a scan found that the columns don't hold.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.is_contradicted.load(Ordering::Relaxed))
    }

    /// Returns whether a scan of all files found that they do.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let confirmed = |state: &Arc<State>| state.is_confirmed.load(Ordering::Relaxed);
        !self.is_contradicted() && self.0.as_ref().is_some_and(confirmed)
    }
}

impl PartialEq for Sample {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Sample {}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sample")
    }
}
