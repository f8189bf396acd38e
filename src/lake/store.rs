//! The lake as a whole: opens it and locates its tables.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::Arc,
};

use deltalake::{DeltaTableBuilder, DeltaTableError, logstore::LogStoreRef};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path as Location};
use url::Url;

use super::{
    directories::Directories,
    error::{LakeError, READ, WRITE},
    fault_injection::{FaultInjectingStore, FaultInjection},
    guarded_logs::GuardedLogs,
    mount::Mounted,
    root::{self, Root},
    root_problem::RootProblem,
    runs::{Journal, LeaseTimes, Repair, repair},
    synced_disk::SyncedDisk,
    version_cache::VersionCache,
};
use crate::{engine::Session, name::Relation, secret::Secret};

/// A folder or bucket of Delta tables. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    root: Arc<Root>,
    options: BTreeMap<String, Secret>,
    /// The whole disk or bucket, shared by all tables so that they share connections.
    store: Arc<dyn ObjectStore>,
    /// The session that reads its tables, if known.
    session: Option<Arc<Session>>,
    /// The journal that announces writes, if the lake belongs to a run.
    journal: Option<Arc<Journal>>,
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
    Ok(Arc::new(GuardedLogs::new(store)))
}

impl Lake {
    /// Opens the lake at `root`: a URL, or a path relative to `base`, which must be absolute. Creates
    /// nothing.
    pub fn open(root: &str, base: &Path, options: BTreeMap<String, Secret>) -> Result<Self, LakeError> {
        let root = Root::parse(root, base)?;
        if let Some(reason) = root.obstacle() {
            return Err(LakeError::Root { root: root.show(), reason });
        }
        let store = connect(&root, &options)?;
        Ok(Self { root: Arc::new(root), options, store, session: None, journal: None, cache: Arc::default() })
    }

    /// Returns the lake with this session for reads, which decides string types and filter pushdown.
    #[must_use]
    pub fn with_session(self, session: Arc<Session>) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Returns the lake for writes of this run: if the run is killed, the next run's [`Lake::repair`] removes
    /// what it left. Writes nothing yet. Call [`Lake::end_run`] at the end.
    #[must_use]
    pub fn with_run(self, run: &str) -> Self {
        self.with_run_at(run, LeaseTimes::default())
    }

    /// Same as [`Lake::with_run`], with other lease times.
    pub(super) fn with_run_at(self, run: &str, times: LeaseTimes) -> Self {
        let journal = Journal::new(run, &self.root, Arc::clone(&self.store), self.lease_store(), times);
        Self { journal: Some(journal), ..self }
    }

    /// Returns the store with separate connections from those of queries, if it has connections at all.
    fn lease_store(&self) -> Arc<dyn ObjectStore> {
        let own = match self.root.url().scheme() {
            "file" | "memory" => None,
            _ => connect(&self.root, &self.options).ok(),
        };
        own.unwrap_or_else(|| Arc::clone(&self.store))
    }

    /// Ends the run, successful or not.
    pub async fn end_run(&self) {
        if let Some(journal) = &self.journal {
            journal.end().await;
        }
    }

    /// Returns the lake with fault injection, for tests only. Call it before [`Lake::with_run`].
    #[must_use]
    pub fn with_fault(self, fault: FaultInjection) -> Self {
        Self { store: Arc::new(FaultInjectingStore::new(self.store, fault)), ..self }
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
        let mut lake = Self::open(&root, base, self.options.clone())?;
        lake.session.clone_from(&self.session);
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

    /// Checks that files can be written to the root, read back and deleted. Leaves nothing behind.
    pub async fn check_access(&self) -> Result<(), LakeError> {
        let place = self.root_display();
        let directories = Directories::before(self.root.folder().map(Path::to_owned), self.root.mount());
        let log_store = self
            .log_store(self.store.clone(), self.root.mount().clone())
            .map_err(|e| LakeError::of(READ, &place, e))?;
        let store = log_store.object_store(None);
        let probe = Location::from(format!("_headwater_probe_{}", uuid::Uuid::new_v4().simple()));
        let payload = PutPayload::from_static(b"headwater");
        store.put(&probe, payload).await.map_err(|error| LakeError::of_store(WRITE, &place, error))?;
        let read = async { store.get(&probe).await?.bytes().await }.await;
        let deleted = store.delete(&probe).await;
        directories.remove_empty(&[]);
        read.map_err(|error| LakeError::of_store(READ, &place, error))?;
        deleted.map_err(|error| LakeError::of_store("delete from", &place, error))
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

    /// Returns the journal that announces writes, if the lake belongs to a run.
    pub(super) fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// Removes what killed runs left behind ([`runs`](super::runs)). Does nothing unless the lake belongs to
    /// a run ([`Self::with_run`]). Failures are part of the result; none of them stops a run.
    pub async fn repair(&self) -> Repair {
        match &self.journal {
            Some(journal) => repair(journal).await,
            None => Repair::default(),
        }
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

    /// Returns the session that reads its tables, if known.
    pub(super) fn session(&self) -> Option<Arc<Session>> {
        self.session.clone()
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
