//! The version that a change starts from: what it reads of the table and what it replaces are of one version,
//! so that nothing another writer did in between is overlooked.

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
use percent_encoding::percent_decode_str;

use super::{
    deletion_vector::DeletionVector,
    error::{LakeError, READ},
    store::Lake,
};
use crate::{
    engine::{
        Session, Table,
        arrow::datatypes::SchemaRef,
        checked_scan::{checked, with_null_for_empty},
    },
    name::Relation,
};

/// Files that are looked for side by side.
const LOOKS: usize = 16;

/// One version of a table, to be changed.
pub struct Base {
    place: String,
    log_store: LogStoreRef,
    snapshot: Arc<EagerSnapshot>,
    session: Option<Arc<Session>>,
}

impl Lake {
    /// The newest version of a table, to be changed; none if there is no table.
    pub async fn base(&self, relation: &Relation) -> Result<Option<Base>, LakeError> {
        let (log_store, snapshot) = self.load(relation, self.store().clone()).await?;
        Ok(snapshot.map(|snapshot| self.based_on(relation, log_store, snapshot)))
    }

    /// A version that a table had; none if its log does not tell any more.
    pub(super) async fn base_at(&self, relation: &Relation, version: u64) -> Option<Base> {
        let log_store = self.log_store(self.store().clone(), self.root().mount_of(relation)).ok()?;
        if let Some(known) = self.known().at(relation, version) {
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
        Base { place: self.place(relation), log_store, snapshot, session: self.session() }
    }
}

impl Base {
    /// Its number.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// Its columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.snapshot.arrow_schema()
    }

    /// The columns it is partitioned by.
    #[must_use]
    pub fn partition_by(&self) -> &[String] {
        self.snapshot.metadata().partition_columns()
    }

    /// The number that the newest commit of an application gave itself (Delta's `txn` action); none if it
    /// made none.
    pub async fn transaction(&self, app: &str) -> Result<Option<u64>, LakeError> {
        let version = self.snapshot.transaction_version(self.log_store.as_ref(), app).await;
        let version = version.map_err(|error| LakeError::of(READ, &self.place, error))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// All its files.
    pub fn files(&self) -> Result<BTreeSet<String>, LakeError> {
        let files = self.snapshot.try_log_data().map_err(|error| LakeError::of(READ, &self.place, error))?;
        Ok(files.iter().map(|file| file.path().into_owned()).collect())
    }

    /// All its files with their sizes in bytes, as its log has them.
    pub(super) fn sizes(&self) -> Result<Vec<(String, u64)>, LakeError> {
        let files = self.snapshot.try_log_data().map_err(|error| LakeError::of(READ, &self.place, error))?;
        let with_size = |file: LogicalFileView| (file.path().into_owned(), file.size().unsigned_abs());
        Ok(files.iter().map(with_size).collect())
    }

    /// Where its files are read from.
    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        self.log_store.object_store(None)
    }

    /// The table's place as people may see it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// All its files with the deletion vector of each, named as by [`files`](Self::files).
    pub(super) fn deletions(&self) -> Result<BTreeMap<String, Option<DeletionVector>>, LakeError> {
        let files = self.snapshot.try_log_data().map_err(|error| LakeError::of(READ, &self.place, error))?;
        let with_vector = |file: LogicalFileView| {
            (file.path().into_owned(), file.deletion_vector_descriptor().map(Into::into))
        };
        Ok(files.iter().map(with_vector).collect())
    }

    /// What tells the table from another one that lies in its place.
    pub(super) fn table_id(&self) -> &str {
        self.snapshot.metadata().id()
    }

    /// Whether all of these files are there, named from the table's root.
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
                Err(error) => return Err(LakeError::of(READ, &self.place, error.into())),
            }
        }
        Ok(true)
    }

    /// Its rows.
    pub async fn rows(&self) -> Result<Table, LakeError> {
        as_read(self.builder().await?, &self.snapshot)
    }

    /// Its rows, and in a column of this name the file that each lies in, as [`rows_of`](Self::rows_of) takes
    /// it.
    pub async fn rows_with_files(&self, column: &str) -> Result<Table, LakeError> {
        as_read(self.builder().with_file_column(column).await?, &self.snapshot)
    }

    /// The rows that lie in these files.
    pub async fn rows_of(&self, files: &BTreeSet<String>) -> Result<Table, LakeError> {
        let scan = self.builder().with_file_paths(files.iter().map(String::as_str));
        as_read(scan.await?, &self.snapshot)
    }

    /// The scan of delta-rs. What it makes is handed out only through [`as_read`].
    fn builder(&self) -> TableProviderBuilder {
        let builder = DeltaScanNext::builder()
            .with_log_store(self.log_store.clone())
            .with_eager_snapshot(Arc::clone(&self.snapshot));
        match &self.session {
            Some(session) => builder.with_session(Arc::clone(session)),
            None => builder,
        }
    }
}

/// A scan of delta-rs as tables are read here: no filter is taken for applied, and the empty text is NULL in
/// a partition column, as in Delta's protocol and to other readers. delta-rs writes it and reads it back as
/// it is.
pub(super) fn as_read(scan: Table, snapshot: &EagerSnapshot) -> Result<Table, LakeError> {
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
    let table = checked(scan);
    if empty.is_empty() {
        return Ok(table);
    }
    Ok(with_null_for_empty(table, &empty.into_iter().collect::<Vec<_>>())?)
}

/// What of a table the rows of a write take the place of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Replaces {
    /// Everything that stands there, whatever that is by then.
    #[default]
    Everything,
    /// Nothing: they come beside the rows of the version `of`.
    Nothing {
        /// The version they were made for.
        of: u64,
    },
    /// These files of the version `of`.
    Files {
        /// The version they were made from.
        of: u64,
        /// The files, as [`Base::rows_with_files`] names them.
        files: BTreeSet<String>,
    },
    /// All files of the version `of` that share their partition values with any of the new rows.
    Partitions {
        /// The version they were made for.
        of: u64,
    },
}

impl Replaces {
    /// The version that the rows are for; none if they are for any.
    #[must_use]
    pub fn of(&self) -> Option<u64> {
        match self {
            Self::Everything => None,
            Self::Nothing { of } | Self::Files { of, .. } | Self::Partitions { of } => Some(*of),
        }
    }
}

/// A file of a table by the end of its URL, as the table's own log has it.
pub(super) fn path_in(root: &str, file: &str) -> String {
    let path = file.strip_prefix(root).unwrap_or(file).trim_start_matches('/');
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}
