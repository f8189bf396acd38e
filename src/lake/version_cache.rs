//! A cache of table versions. Reading a version means reading its log, which for a table with many files
//! takes longer than most queries.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use deltalake::kernel::EagerSnapshot;

use super::current_version::CurrentVersion;
use crate::name::Relation;

/// See the module documentation. Versions are immutable, so cached ones stay valid; which one is newest must
/// be checked.
#[derive(Default)]
pub(super) struct VersionCache {
    read: Mutex<HashMap<Relation, BTreeMap<u64, Arc<EagerSnapshot>>>>,
    current: Mutex<HashMap<Relation, CurrentVersion>>,
}

/// The number of versions to cache per table: a downstream model may read the previous version as well as the
/// newest.
const VERSIONS: usize = 2;
/// The number of tables to cache versions for.
const TABLES: usize = 256;

impl VersionCache {
    /// Returns the newest cached version.
    pub(super) fn newest(&self, relation: &Relation) -> Option<Arc<EagerSnapshot>> {
        self.with(|versions| versions.get(relation)?.values().next_back().cloned())
    }

    /// Returns a version, if it is cached.
    pub(super) fn at(&self, relation: &Relation, version: u64) -> Option<Arc<EagerSnapshot>> {
        self.with(|versions| versions.get(relation)?.get(&version).cloned())
    }

    /// Caches a version.
    pub(super) fn insert(&self, relation: &Relation, snapshot: Arc<EagerSnapshot>) {
        self.with(|versions| {
            if versions.len() >= TABLES && !versions.contains_key(relation) {
                versions.clear();
            }
            let versions = versions.entry(relation.clone()).or_default();
            versions.insert(snapshot.version(), snapshot);
            while versions.len() > VERSIONS {
                versions.pop_first();
            }
        });
    }

    /// Returns the cached observation of a table.
    pub(super) fn current(&self, relation: &Relation) -> Option<CurrentVersion> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).get(relation).cloned()
    }

    /// Caches an observation.
    pub(super) fn insert_current(&self, relation: &Relation, current: CurrentVersion) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).insert(relation.clone(), current);
    }

    /// Removes a table from the cache.
    pub(super) fn forget(&self, relation: &Relation) {
        self.with(|versions| drop(versions.remove(relation)));
        self.current.lock().unwrap_or_else(PoisonError::into_inner).remove(relation);
    }

    fn with<T>(&self, f: impl FnOnce(&mut HashMap<Relation, BTreeMap<u64, Arc<EagerSnapshot>>>) -> T) -> T {
        f(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
