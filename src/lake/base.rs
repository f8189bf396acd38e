//! The base version of a change. What a change reads and what it replaces belong to this one version, so that
//! commits of other writers in between are never overlooked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use deltalake::{
    DeltaTable,
    delta_datafusion::{DeltaScanNext, TableProviderBuilder},
    kernel::{DataType, EagerSnapshot, LogicalFileView},
    logstore::LogStoreRef,
};
use futures::{StreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, path::Path as Location};

use super::{
    constraint::Constraints,
    deletion_vector::DeletionVector,
    error::LakeError,
    operation::LakeOperation,
    store::Lake,
    written_paths::{as_written, decoded},
};
use crate::{
    engine::{
        Session, Table,
        arrow::datatypes::SchemaRef,
        plan::checked_scan::{checked, with_null_for_empty},
    },
    name::Relation,
};

/// The number of files to look up concurrently.
pub(super) const LOOKS: usize = 16;

/// One version of a table, as the base of a change.
pub struct Base {
    place: String,
    log_store: LogStoreRef,
    snapshot: Arc<EagerSnapshot>,
    session: Arc<Session>,
}

impl Lake {
    /// Returns the newest version of a table as a base, or `None` if there is no table.
    pub async fn base(&self, relation: &Relation) -> Result<Option<Base>, LakeError> {
        let (log_store, snapshot) = self.load(relation, self.store().clone()).await?;
        Ok(snapshot.map(|snapshot| self.based_on(relation, log_store, snapshot)))
    }

    /// Returns an earlier version of a table, or `None` if its log no longer has it.
    pub(super) async fn base_at(&self, relation: &Relation, version: u64) -> Option<Base> {
        let log_store = self.log_store(self.store().clone(), self.root().mount_of(relation)).ok()?;
        if let Some(known) = self.cache().at(relation, version) {
            return Some(self.based_on(relation, log_store, known));
        }
        let mut table = DeltaTable::new(Arc::clone(&log_store));
        if let Err(error) = table.load_version(version).await {
            tracing::info!(%relation, version, %error, "this version can't be read any more");
            return None;
        }
        let snapshot = Arc::new(table.snapshot().ok()?.snapshot().clone());
        Some(self.based_on(relation, log_store, snapshot))
    }

    fn based_on(&self, relation: &Relation, log_store: LogStoreRef, snapshot: Arc<EagerSnapshot>) -> Base {
        Base { place: self.place(relation), log_store, snapshot, session: Arc::clone(self.session()) }
    }
}

impl Base {
    /// Returns its version number.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// Returns its columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.snapshot.arrow_schema()
    }

    /// Returns its partition columns.
    #[must_use]
    pub fn partition_by(&self) -> &[String] {
        self.snapshot.metadata().partition_columns()
    }

    /// Returns the table's description.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.snapshot.metadata().description()
    }

    /// Returns the constraints of its columns that take no NULL.
    #[must_use]
    pub fn not_null(&self) -> Constraints {
        let schema = self.schema();
        let columns = schema.fields().iter().filter(|field| !field.is_nullable());
        let not_null = columns.map(|field| field.name().clone()).collect();
        Constraints { not_null, ..Constraints::default() }
    }

    /// Returns the transaction version of an application's newest commit (Delta's `txn` action), or `None` if
    /// the application never committed.
    pub async fn transaction(&self, app: &str) -> Result<Option<u64>, LakeError> {
        let version = self.snapshot.transaction_version(self.log_store.as_ref(), app).await;
        let version = version.map_err(|error| LakeError::of(LakeOperation::Read, &self.place, error))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// Returns all its files.
    pub fn files(&self) -> Result<BTreeSet<String>, LakeError> {
        let files = self
            .snapshot
            .try_log_data()
            .map_err(|error| LakeError::of(LakeOperation::Read, &self.place, error))?;
        Ok(files.iter().map(|file| file.path().into_owned()).collect())
    }

    /// Returns all its files with their sizes in bytes, as recorded in the log.
    pub(super) fn sizes(&self) -> Result<Vec<(String, u64)>, LakeError> {
        let files = self
            .snapshot
            .try_log_data()
            .map_err(|error| LakeError::of(LakeOperation::Read, &self.place, error))?;
        let with_size = |file: LogicalFileView| (file.path().into_owned(), file.size().unsigned_abs());
        Ok(files.iter().map(with_size).collect())
    }

    /// Returns the store to read its files from.
    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        self.log_store.object_store(None)
    }

    /// Returns the table's location for display.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the deletion vector of each file, under the names that [`files`](Self::files) uses.
    pub(super) fn deletions(&self) -> Result<BTreeMap<String, Option<DeletionVector>>, LakeError> {
        let files = self
            .snapshot
            .try_log_data()
            .map_err(|error| LakeError::of(LakeOperation::Read, &self.place, error))?;
        let with_vector = |file: LogicalFileView| {
            (file.path().into_owned(), file.deletion_vector_descriptor().map(Into::into))
        };
        Ok(files.iter().map(with_vector).collect())
    }

    /// Returns the table's id, which differs if the table was dropped and recreated.
    pub(super) fn table_id(&self) -> &str {
        self.snapshot.metadata().id()
    }

    /// Returns whether all of these files exist. Paths are relative to the table's root.
    pub(super) async fn has_files(&self, files: impl IntoIterator<Item = String>) -> Result<bool, LakeError> {
        let store = self.store();
        let mut looks = stream::iter(files.into_iter().collect::<Vec<_>>())
            .map(|file| {
                let store = store.clone();
                async move { store.head(&Location::parse(&file)?).await }
            })
            .buffer_unordered(LOOKS);
        while let Some(look) = looks.next().await {
            match look {
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(LakeError::of(LakeOperation::Read, &self.place, error.into())),
            }
        }
        Ok(true)
    }

    /// Returns its rows.
    pub async fn rows(&self) -> Result<Table, LakeError> {
        as_read(self.builder().await?, &self.snapshot, &self.place)
    }

    /// Returns its rows, with each row's file in a column of this name. [`rows_of`](Self::rows_of) accepts
    /// these file names.
    pub async fn rows_with_files(&self, column: &str) -> Result<Table, LakeError> {
        as_read(self.builder().with_file_column(column).await?, &self.snapshot, &self.place)
    }

    /// Returns the rows of these files, by the names that [`files`](Self::files) or
    /// [`rows_with_files`](Self::rows_with_files) gives them.
    pub async fn rows_of(&self, files: &BTreeSet<String>) -> Result<Table, LakeError> {
        rows_of_files(self.builder(), &self.snapshot, files, &self.place).await
    }

    /// Starts a delta-rs scan. Its result must only be returned through [`as_read`].
    fn builder(&self) -> TableProviderBuilder {
        DeltaScanNext::builder()
            .with_log_store(self.log_store.clone())
            .with_eager_snapshot(Arc::clone(&self.snapshot))
            .with_session(Arc::clone(&self.session))
    }
}

/// Returns the rows of these files of a version, by the names that [`Base::rows_of`] takes. `place` is the
/// table's location, for errors.
pub(super) async fn rows_of_files(
    scan: TableProviderBuilder,
    snapshot: &EagerSnapshot,
    files: &BTreeSet<String>,
    place: &str,
) -> Result<Table, LakeError> {
    let selected =
        as_written(snapshot, files).map_err(|error| LakeError::of(LakeOperation::Read, place, error))?;
    as_read(scan.with_file_paths(selected).await?, snapshot, place)
}

/// Adapts a delta-rs scan to our read semantics: filters are never reported as fully applied, and the empty
/// string in a partition column reads as NULL, as in the Delta protocol and other readers. delta-rs itself
/// writes and reads it back as an empty string. An error of the table's log names `place`.
pub(super) fn as_read(scan: Table, snapshot: &EagerSnapshot, place: &str) -> Result<Table, LakeError> {
    let is_text = |column: &String| {
        snapshot.schema().field(column).is_some_and(|field| field.data_type() == &DataType::STRING)
    };
    let texts: Vec<&String> = snapshot.metadata().partition_columns().iter().filter(|c| is_text(c)).collect();
    let mut empty = BTreeSet::new();
    if !texts.is_empty() {
        let files = snapshot.try_log_data().map_err(|error| LakeError::Query(error.into()))?;
        for file in files.iter() {
            let values = file.partition_values_map();
            let is_empty =
                |column: &&String| values.get(*column).is_some_and(|value| value.as_deref() == Some(""));
            empty.extend(texts.iter().copied().filter(is_empty).cloned());
        }
    }
    let table = checked(scan, place);
    if empty.is_empty() {
        return Ok(table);
    }
    Ok(with_null_for_empty(table, &empty.into_iter().collect::<Vec<_>>())?)
}

/// Returns the name of a table's file, given its URL or the name itself, which has no encoding of a URL.
pub(super) fn path_in(root: &str, file: &str) -> String {
    match file.strip_prefix(root) {
        Some(path) => decoded(path.trim_start_matches('/')),
        None => file.to_owned(),
    }
}
