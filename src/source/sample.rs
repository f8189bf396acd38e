//! Columns inferred from a sample of a source's files. The first full scan confirms or contradicts them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Sampling state: whether a source's columns were inferred from a sample of its files, and what scans have
/// found since. Clones share the state. It isn't part of a source's identity, so all instances are equal.
#[derive(Clone, Default)]
pub struct SchemaSample(Option<Arc<SampleState>>);

#[derive(Default)]
struct SampleState {
    is_contradicted: AtomicBool,
    is_confirmed: AtomicBool,
}

impl SchemaSample {
    /// Creates the state of columns inferred from a sample.
    #[must_use]
    pub fn taken() -> Self {
        Self(Some(Arc::default()))
    }

    /// Returns whether the columns were inferred from a sample.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.0.is_some()
    }

    /// Records that a value doesn't fit, or that a column isn't in the sample.
    pub(crate) fn contradict(&self) {
        if let Some(state) = &self.0 {
            state.is_contradicted.store(true, Ordering::Relaxed);
        }
    }

    /// Records that a scan has read everything.
    pub(crate) fn confirm(&self) {
        if let Some(state) = &self.0 {
            state.is_confirmed.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether a scan contradicted the columns.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.is_contradicted.load(Ordering::Relaxed))
    }

    /// Returns whether a scan of all files confirmed the columns.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let confirmed = |state: &Arc<SampleState>| state.is_confirmed.load(Ordering::Relaxed);
        !self.is_contradicted() && self.0.as_ref().is_some_and(confirmed)
    }
}

impl PartialEq for SchemaSample {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for SchemaSample {}

impl fmt::Debug for SchemaSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sample")
    }
}
