//! Observation: reads the newest version of a table from its log, or finds that there is no table.

use std::sync::Arc;

use deltalake::{
    DeltaTable, DeltaTableError,
    kernel::{EagerSnapshot, Snapshot},
    logstore::{LogStore, LogStoreRef, commit_uri_from_version},
};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::{
    commit_info::{commit_info, retains_rows},
    current_version::CurrentVersion,
    error::{LakeError, LogDamage},
    layout::{LOG, MARKER},
    operation::LakeOperation,
    protocol::{readable, unwritable},
    provenance::Provenance,
    root,
    store::Lake,
};
use crate::{engine::Table, name::Relation};

/// The number of looks at a changing folder before it is reported as not a table.
const LOOKS: usize = 4;

/// The number of commits without row changes to skip before the newest is treated as a change.
const LOOKED_BACK: usize = 64;

impl Lake {
    /// Returns the newest version of a table, or `None` if there is no table.
    pub async fn observe(&self, relation: &Relation) -> Result<Option<CurrentVersion>, LakeError> {
        let place = self.place(relation);
        let read = |error| LakeError::of(LakeOperation::Read, &place, error);
        let log_store = self.log_store(self.store().clone(), self.root().mount_of(relation)).map_err(read)?;
        if self.is_missing(relation) {
            return Ok(None);
        }
        if let Some(known) = self.cache().current(relation)
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
        let observed = CurrentVersion {
            version: snapshot.version(),
            data_version,
            schema: snapshot.arrow_schema(),
            partition_by: snapshot.metadata().partition_columns().to_vec(),
            unwritable: unwritable(
                snapshot.protocol(),
                &snapshot.schema(),
                snapshot.metadata().configuration(),
            ),
            provenance,
        };
        self.cache().insert_current(relation, observed.clone());
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
            .log_store(store, self.root().mount_of(relation))
            .map_err(|e| LakeError::of(LakeOperation::Read, &self.place(relation), e))?;
        // Check before loading as well as after: another writer may create the folder in between.
        if self.is_missing(relation) {
            return Ok((log_store, None));
        }
        if let Some(known) = self.cache().newest(relation)
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
            self.cache().insert(relation, Arc::clone(snapshot));
        }
        Ok((log_store, snapshot))
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
        if let Some(problem) = root::dangling(self.root().folder_of(relation).as_deref()) {
            return Err(LakeError::Corrupt { place, source: problem.into() });
        }
        let store = log_store.object_store(None);
        // The kernel's error hides that of the store.
        match store.list(Some(log_store.log_path())).try_collect::<Vec<_>>().await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                let error = LakeError::of_store(LakeOperation::Read, &place, error);
                let is_folder = self.root().folder_of(relation).is_some_and(|folder| folder.is_dir());
                return Err(match error {
                    LakeError::NotATable { place } if is_folder => {
                        LakeError::Corrupt { place, source: LogDamage::NoFolder.into() }
                    }
                    error => error,
                });
            }
        }
        if !matches!(error, DeltaTableError::NotATable(_)) {
            return Err(LakeError::of(LakeOperation::Read, &place, error));
        }
        let read = |error| LakeError::of_store(LakeOperation::Read, &place, error);
        let marked =
            |file: &ObjectMeta| file.location.filename().is_some_and(|name| name.starts_with(MARKER));
        // Files and markers may come and go during the checks; only files that stay unexplained are an error.
        let mut has_log = false;
        for _ in 0..LOOKS {
            let Some(first) = store.list(None).try_next().await.map_err(read)? else { return Ok(()) };
            let top = store.list_with_delimiter(None).await.map_err(read)?;
            has_log = top.common_prefixes.iter().any(|folder| folder.filename() == Some(LOG));
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
            return Err(LakeError::Corrupt { place, source: LogDamage::MissingCommits.into() });
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
        if let Some(provenance) = commit_info(&entry).provenance {
            return Ok((provenance.stands_for.unwrap_or(version), Some(provenance)));
        }
        if !retains_rows(&entry) {
            return Ok((version, None));
        }
    }
    Ok((newest, None))
}
