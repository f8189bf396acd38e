//! The lake as a whole: opens it and locates its tables. What writes to it holds a `LakeWriter`.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::Arc,
};

use deltalake::{DeltaTableBuilder, DeltaTableError, logstore::LogStoreRef};
use object_store::ObjectStore;
use url::Url;

use super::{
    error::LakeError,
    guarded_store::GuardedStore,
    mount::Mounted,
    root::{self, Root},
    root_problem::RootProblem,
    synced_disk::SyncedDisk,
    version_cache::VersionCache,
};
use crate::{engine::Session, name::Relation, secret::Secret};

/// A folder or bucket of Delta tables, to be read. Cheap to clone. [`Lake::writer`] returns its writer.
#[derive(Clone)]
pub struct Lake {
    root: Arc<Root>,
    options: BTreeMap<String, Secret>,
    /// The whole disk or bucket, shared by all tables so that they share connections.
    store: Arc<dyn ObjectStore>,
    /// The session that reads its tables; it decides string types and filter pushdown.
    session: Arc<Session>,
    /// The cache of table versions.
    cache: Arc<VersionCache>,
}

/// Converts the options of a store to delta-rs's format, with secrets revealed.
fn revealed(options: &BTreeMap<String, Secret>) -> HashMap<String, String> {
    options.iter().map(|(key, value)| (key.clone(), value.reveal().to_owned())).collect()
}

/// Connects to the whole disk or bucket that contains a lake's root, with its own connections.
fn connect(root: &Root, options: &BTreeMap<String, Secret>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    let unusable = |reason| LakeError::Root { root: root.show(), reason };
    let log_store = DeltaTableBuilder::from_url(root.url().clone())
        .and_then(|builder| builder.with_storage_options(revealed(options)).build_storage())
        .map_err(|error| unusable(RootProblem::Store(Box::new(error))))?;
    if log_store.name() != "DefaultLogStore" {
        return Err(unusable(RootProblem::LogStore(log_store.name())));
    }
    let mut store = log_store.root_object_store(None);
    if let Some(mounted) =
        root.folder().and_then(|folder| Mounted::new(Arc::new(SyncedDisk::new(Arc::clone(&store))), folder))
    {
        store = Arc::new(mounted);
    }
    Ok(Arc::new(GuardedStore::new(store)))
}

impl Lake {
    /// Opens the lake at `root`: a URL, or a path relative to `base`, which must be absolute. Its tables are
    /// read by `session`. Creates nothing.
    pub fn open(
        root: &str,
        base: &Path,
        options: BTreeMap<String, Secret>,
        session: Arc<Session>,
    ) -> Result<Self, LakeError> {
        let root = Root::parse(root, base)?;
        if let Some(reason) = root.obstacle() {
            return Err(LakeError::Root { root: root.show(), reason });
        }
        let store = connect(&root, &options)?;
        Ok(Self { root: Arc::new(root), options, store, session, cache: Arc::default() })
    }

    /// Returns the store with separate connections from those of queries, if it has connections at all.
    pub(super) fn lease_store(&self) -> Arc<dyn ObjectStore> {
        let own = match self.root.url().scheme() {
            "file" | "memory" => None,
            _ => connect(&self.root, &self.options).ok(),
        };
        own.unwrap_or_else(|| Arc::clone(&self.store))
    }

    /// Returns the lake with fault injection, for tests only. Call it before [`Lake::writer`].
    #[cfg(any(test, feature = "failpoints"))]
    #[must_use]
    pub fn with_fault(self, fault: super::FaultInjection) -> Self {
        let store = super::fault_injection::FaultInjectingStore::new(self.store, fault);
        Self { store: Arc::new(store), ..self }
    }

    /// Locates a Delta table outside this lake, by a URL or a path relative to `base`. Returns a lake rooted
    /// two folders above the table, with this lake's credentials, and the table's relation in it.
    pub fn elsewhere(&self, location: &str, base: &Path) -> Result<(Self, Relation), LakeError> {
        let whole = Root::parse(location, base)?;
        let mut segments: Vec<&str> =
            whole.url().path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
        let (Some(name), Some(schema)) = (segments.pop(), segments.pop()) else {
            return Err(LakeError::Root { root: whole.show(), reason: RootProblem::TooShallow });
        };
        let decoded =
            |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let relation = Relation::new(decoded(schema), decoded(name));
        let mut root = whole.url().clone();
        root.set_path(&segments.join("/"));
        let root = root.to_string();
        let lake = Self::open(&root, base, self.options.clone(), Arc::clone(&self.session))?;
        Ok((lake, relation))
    }

    /// Returns a table's URL for readers.
    #[must_use]
    pub fn url(&self, relation: &Relation) -> Url {
        self.root.url_of(relation)
    }

    /// Returns the root for display, without secrets.
    #[must_use]
    pub fn root_display(&self) -> String {
        self.root.show()
    }

    /// Returns the cache of versions.
    pub(super) fn cache(&self) -> &Arc<VersionCache> {
        &self.cache
    }

    /// Returns a table's location for display.
    #[must_use]
    pub fn place(&self, relation: &Relation) -> String {
        root::show(&self.url(relation))
    }

    /// Returns true if a table's folder is certainly missing. Object stores never give this certainty.
    pub(super) fn is_missing(&self, relation: &Relation) -> bool {
        root::is_missing(self.root.folder_of(relation).as_deref())
    }

    /// Returns the lake's root.
    pub(super) fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// Returns the whole disk or bucket.
    pub(super) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Returns the session that reads its tables.
    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(super) fn log_store(
        &self,
        store: Arc<dyn ObjectStore>,
        url: Url,
    ) -> Result<LogStoreRef, DeltaTableError> {
        DeltaTableBuilder::from_url(url.clone())?
            .with_storage_options(revealed(&self.options))
            .with_storage_backend(store, url)
            .build_storage()
    }
}

/// Omits the options, which may contain credentials.
impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lake").field(&self.root_display()).finish()
    }
}
