//! Versions of tables that were read or made already. Reading one anew means reading its log, which for a table of many
//! files takes longer than most queries.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use deltalake::kernel::EagerSnapshot;

use super::store::Observed;
use crate::name::Relation;

/// See the module. A version never changes, so what is known of one stays true; which is the newest must be asked.
#[derive(Default)]
pub(super) struct Known {
    read: Mutex<HashMap<Relation, BTreeMap<u64, Arc<EagerSnapshot>>>>,
    observed: Mutex<HashMap<Relation, Observed>>,
}

/// Versions of a table that are kept: what is built from it may read the one before beside the newest.
const VERSIONS: usize = 2;
/// Tables of which they are kept.
const TABLES: usize = 256;

impl Known {
    /// The newest version that is known.
    pub(super) fn newest(&self, relation: &Relation) -> Option<Arc<EagerSnapshot>> {
        self.with(|known| known.get(relation)?.values().next_back().cloned())
    }

    /// A version, if it is known.
    pub(super) fn at(&self, relation: &Relation, version: u64) -> Option<Arc<EagerSnapshot>> {
        self.with(|known| known.get(relation)?.get(&version).cloned())
    }

    /// Notes a version.
    pub(super) fn keep(&self, relation: &Relation, snapshot: Arc<EagerSnapshot>) {
        self.with(|known| {
            if known.len() >= TABLES && !known.contains_key(relation) {
                known.clear();
            }
            let versions = known.entry(relation.clone()).or_default();
            versions.insert(snapshot.version(), snapshot);
            while versions.len() > VERSIONS {
                versions.pop_first();
            }
        });
    }

    /// What was last observed of a table.
    pub(super) fn observed(&self, relation: &Relation) -> Option<Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).get(relation).cloned()
    }

    /// Notes what was observed.
    pub(super) fn keep_observed(&self, relation: &Relation, observed: Observed) {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).insert(relation.clone(), observed);
    }

    /// Forgets all of a table.
    pub(super) fn forget(&self, relation: &Relation) {
        self.with(|known| drop(known.remove(relation)));
        self.observed.lock().unwrap_or_else(PoisonError::into_inner).remove(relation);
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<Relation, BTreeMap<u64, Arc<EagerSnapshot>>>) -> T) -> T {
        f(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
