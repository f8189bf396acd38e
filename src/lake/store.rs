//! The lake as a whole: opens it, locates its tables and observes their state.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::Arc,
};

use deltalake::{
    DeltaTable, DeltaTableBuilder, DeltaTableError,
    kernel::{EagerSnapshot, Snapshot},
    logstore::{LogStore, LogStoreRef, commit_uri_from_version},
};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, path::Path as Location};
use url::Url;

use super::{
    aside,
    error::{LakeError, READ, WRITE, readable},
    fault::{Fault, Faulty},
    known::Known,
    mount::Mounted,
    place::{self, Directories, Root},
    provenance::{Provenance, keeps_the_rows, told},
    runs::{Journal, LeaseTimes},
};
use crate::{
    engine::{Session, Table, arrow::datatypes::SchemaRef},
    name::Relation,
    secret::Secret,
};

/// The prefix of marker files. A marker says that the other files in its folder are a table being created, or
/// left by a killed run. Each staging has its own marker, so that none removes another's.
pub(super) const MARKER: &str = "_headwater_staging";

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
    known: Arc<Known>,
}

/// The newest version of a table.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The version number.
    pub version: u64,
    /// The version that last changed rows, columns or settings; later ones only added metadata or compacted
    /// files.
    pub data_version: u64,
    /// The columns.
    pub schema: SchemaRef,
    /// The partition columns.
    pub partition_by: Vec<String>,
    /// The provenance, or `None` if another writer made the version.
    pub provenance: Option<Provenance>,
}

/// Converts the options of a store to delta-rs's format, with secrets revealed.
fn revealed(options: &BTreeMap<String, Secret>) -> HashMap<String, String> {
    options.iter().map(|(key, value)| (key.clone(), value.reveal().to_owned())).collect()
}

/// Connects to the whole disk or bucket that contains a lake's root, with its own connections.
fn connect(root: &Root, options: &BTreeMap<String, Secret>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    let unusable = |reason: String| LakeError::Root { root: root.show(), reason };
    let log_store = DeltaTableBuilder::from_url(root.url().clone())
        .and_then(|builder| builder.with_storage_options(revealed(options)).build_storage())
        .map_err(|error| unusable(error.to_string()))?;
    if log_store.name() != "DefaultLogStore" {
        return Err(unusable(format!("its commits go through {}, which is not supported", log_store.name())));
    }
    let mut store = log_store.root_object_store(None);
    if let Some(mounted) = root.folder().and_then(|folder| Mounted::new(Arc::clone(&store), folder)) {
        store = Arc::new(mounted);
    }
    Ok(store)
}

impl Lake {
    /// Opens the lake at `root`: a URL, or a path relative to `base`, which must be absolute. Creates
    /// nothing.
    pub fn open(root: &str, base: &Path, options: BTreeMap<String, Secret>) -> Result<Self, LakeError> {
        let root = Root::parse(root, base)?;
        if root.is_file() {
            let reason = "it is a file, not a folder".to_owned();
            return Err(LakeError::Root { root: root.show(), reason });
        }
        let store = connect(&root, &options)?;
        Ok(Self { root: Arc::new(root), options, store, session: None, journal: None, known: Arc::default() })
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
    pub fn with_fault(self, fault: Fault) -> Self {
        Self { store: Arc::new(Faulty::new(self.store, fault)), ..self }
    }

    /// Locates a Delta table outside this lake, by a URL or a path relative to `base`. Returns a lake rooted
    /// two folders above the table, with this lake's credentials, and the table's relation in it.
    pub fn elsewhere(&self, location: &str, base: &Path) -> Result<(Self, Relation), LakeError> {
        let whole = Root::parse(location, base)?;
        let mut segments: Vec<&str> =
            whole.url().path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
        let (Some(name), Some(schema)) = (segments.pop(), segments.pop()) else {
            let reason = "a Delta table lies at least two folders deep".to_owned();
            return Err(LakeError::Root { root: whole.show(), reason });
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

    /// Returns the newest version of a table, or `None` if there is no table.
    pub async fn observe(&self, relation: &Relation) -> Result<Option<Observed>, LakeError> {
        let place = self.place(relation);
        let read = |error| LakeError::of(READ, &place, error);
        let log_store = self.log_store(self.store.clone(), self.root.mount_of(relation)).map_err(read)?;
        if self.is_missing(relation) {
            return Ok(None);
        }
        if let Some(known) = self.known.observed(relation)
            && is_newest(&log_store, known.version).await
        {
            return Ok(Some(known));
        }
        // `DeltaTable` would also read the list of all files.
        let snapshot = match Snapshot::try_new(&log_store, None).await {
            Ok(snapshot) => snapshot,
            Err(error) => return self.absent(relation, &log_store, error).await.map(|()| None),
        };
        readable(&place, snapshot.protocol())?;
        let (data_version, provenance) = evidence(&log_store, snapshot.version()).await.map_err(read)?;
        let observed = Observed {
            version: snapshot.version(),
            data_version,
            schema: snapshot.arrow_schema(),
            partition_by: snapshot.metadata().partition_columns().to_vec(),
            provenance,
        };
        self.known.keep_observed(relation, observed.clone());
        Ok(Some(observed))
    }

    /// Returns a table's newest version for queries, which read only the files and columns they need, or
    /// `None` if there is no table.
    pub async fn provider(&self, relation: &Relation) -> Result<Option<Table>, LakeError> {
        match self.base(relation).await? {
            Some(base) => base.rows().await.map(Some),
            None => Ok(None),
        }
    }

    /// Returns a table's log through a store, and its newest version if there is one.
    pub(super) async fn load(
        &self,
        relation: &Relation,
        store: Arc<dyn ObjectStore>,
    ) -> Result<(LogStoreRef, Option<Arc<EagerSnapshot>>), LakeError> {
        let log_store = self
            .log_store(store, self.root.mount_of(relation))
            .map_err(|e| LakeError::of(READ, &self.place(relation), e))?;
        // Check before loading as well as after: another writer may create the folder in between.
        if self.is_missing(relation) {
            return Ok((log_store, None));
        }
        if let Some(known) = self.known.newest(relation)
            && is_newest(&log_store, known.version()).await
        {
            return Ok((log_store, Some(known)));
        }
        let mut table = DeltaTable::new(Arc::clone(&log_store));
        if let Err(error) = table.load().await {
            self.absent(relation, &log_store, error).await?;
            return Ok((log_store, None));
        }
        let snapshot = table.snapshot().ok().map(|state| Arc::new(state.snapshot().clone()));
        if let Some(snapshot) = &snapshot {
            readable(&self.place(relation), snapshot.protocol())?;
            self.known.keep(relation, Arc::clone(snapshot));
        }
        Ok((log_store, snapshot))
    }

    /// Returns the cache of versions.
    pub(super) fn known(&self) -> &Arc<Known> {
        &self.known
    }

    /// Returns a table's location for display.
    pub(super) fn place(&self, relation: &Relation) -> String {
        place::show(&self.url(relation))
    }

    /// Returns the journal that announces writes, if the lake belongs to a run.
    pub(super) fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// Returns true if a table's folder is certainly missing. Object stores never give this certainty.
    pub(super) fn is_missing(&self, relation: &Relation) -> bool {
        place::is_missing(self.root.folder_of(relation).as_deref())
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

    /// Handles a table that could not be loaded: returns `Ok` if there is no table.
    pub(super) async fn absent(
        &self,
        relation: &Relation,
        log_store: &LogStoreRef,
        error: DeltaTableError,
    ) -> Result<(), LakeError> {
        let place = self.place(relation);
        if self.is_missing(relation) {
            return Ok(());
        }
        if !matches!(error, DeltaTableError::NotATable(_)) {
            return Err(LakeError::of(READ, &place, error));
        }
        let store = log_store.object_store(None);
        let read = |error| LakeError::of_store(READ, &place, error);
        let marked =
            |file: &ObjectMeta| file.location.filename().is_some_and(|name| name.starts_with(MARKER));
        // Files and markers may come and go during the checks; only files that stay unexplained are an error.
        let mut has_log = false;
        for _ in 0..LOOKS {
            let Some(first) = store.list(None).try_next().await.map_err(read)? else { return Ok(()) };
            let top = store.list_with_delimiter(None).await.map_err(read)?;
            has_log = top.common_prefixes.iter().any(|folder| folder.filename() == Some(aside::LOG));
            // Check this last: a marker is removed only after its table exists or its files are gone.
            let first_commit = commit_uri_from_version(Some(0));
            if top.objects.iter().any(marked) || store.head(&first_commit).await.is_ok() {
                return Ok(());
            }
            if store.head(&first.location).await.is_ok() {
                break;
            }
        }
        if has_log {
            return Err(LakeError::Corrupt { place, source: "commits are missing from it".into() });
        }
        Err(LakeError::NotATable { place })
    }
}

/// Returns whether a table's version is still its newest.
pub(super) async fn is_newest(log_store: &LogStoreRef, version: u64) -> bool {
    log_store.get_latest_version(version).await.is_ok_and(|newest| newest == version)
}

/// Returns the version that last changed rows, and its provenance. Skips commits that change no rows, whoever
/// made them.
async fn evidence(
    log_store: &LogStoreRef,
    newest: u64,
) -> Result<(u64, Option<Provenance>), DeltaTableError> {
    for version in (0..=newest).rev().take(LOOKED_BACK) {
        let Some(entry) = log_store.read_commit_entry(version).await? else { return Ok((version, None)) };
        if let Some(provenance) = told(&entry).provenance {
            return Ok((provenance.stands_for.unwrap_or(version), Some(provenance)));
        }
        if !keeps_the_rows(&entry) {
            return Ok((version, None));
        }
    }
    Ok((newest, None))
}

/// The number of looks at a changing folder before it is reported as not a table.
const LOOKS: usize = 4;

/// The number of commits without row changes to skip before the newest is treated as a change.
const LOOKED_BACK: usize = 64;

/// Omits the options, which may contain credentials.
impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lake").field(&self.root_display()).finish()
    }
}
