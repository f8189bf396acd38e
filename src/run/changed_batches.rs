//! Changed batches: a cache of the batches that changed between two versions of a table.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::{
    interval::{BatchSize, Intervals},
    lake::InputVersion,
    name::Relation,
};

/// A cache of the batches that changed between two versions of a table, by its event-time column. An entry is
/// `None` if the changes can't be determined.
#[derive(Debug, Default)]
pub struct ChangedBatches(Mutex<BTreeMap<ChangedBatchesKey, Arc<OnceCell<Option<Intervals>>>>>);

type ChangedBatchesKey = (Relation, InputVersion, InputVersion, String, BatchSize);

impl ChangedBatches {
    /// Returns the cell of an entry, which is filled by whoever needs it first.
    pub(super) fn of(&self, key: ChangedBatchesKey) -> Arc<OnceCell<Option<Intervals>>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }
}
