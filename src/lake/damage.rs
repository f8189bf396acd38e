//! Finds the damaged data file of a table after a read has failed, because the Parquet decoder doesn't name
//! the file and can panic on corrupt bytes.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::{
    arrow::{
        datatypes::{DataType, FieldRef, Schema, SchemaRef},
        error::ArrowError,
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    base::{Base, LOOKS},
    error::LakeError,
    operation::LakeOperation,
    store::Lake,
};
use crate::name::Relation;

/// The maximum number of bytes to decode. For a large table, an error without the file's name is better than
/// reading everything once more after a failed run.
const DECODED: u64 = 4 << 30;

/// A data file that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its path, relative to the table's folder.
    pub file: String,
    /// The problem.
    pub reason: DamageReason,
}

/// The problem of a damaged file, as a sentence without its subject.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageReason {
    /// The file doesn't exist.
    #[error("is gone")]
    Gone,
    /// The file has another size than the log says.
    #[error("has {found} bytes, and the table's log says {recorded}")]
    Size {
        /// The size of the file.
        found: u64,
        /// The size in the log.
        recorded: u64,
    },
    /// The file can't be decoded.
    #[error("is damaged: its bytes are not those that were written")]
    Undecodable,
    /// This column has another type than in the table.
    #[error("is damaged or was replaced: its column {0} has another type than the table's")]
    OtherType(String),
}

impl Lake {
    /// Returns whether no data file of a table's newest version is missing or has another size than its log
    /// says. Returns false if there is no table, or if it can't be told.
    pub async fn is_complete(&self, relation: &Relation) -> bool {
        match self.base(relation).await {
            Ok(Some(base)) => matches!(base.incomplete().await, Ok(None)),
            _ => false,
        }
    }
}

impl Base {
    /// Returns the first unreadable data file of the table, if one is found. Checks the presence and size of
    /// every file and decodes the first ones.
    ///
    /// # Errors
    /// If the table's log or the store can't be read.
    pub async fn damage(&self) -> Result<Option<Damage>, LakeError> {
        if let Some(damage) = self.incomplete().await? {
            return Ok(Some(damage));
        }
        let failed = |error| LakeError::of_store(LakeOperation::Read, self.place(), error);
        let store = self.store();
        let files = self.sizes()?;
        let located = |file: &str| Location::parse(file).map_err(|error| failed(error.into()));
        // A file of other types may just be older than a change of the table, so a damaged one comes first.
        let mut other = None;
        let mut left = DECODED;
        for (file, size) in files {
            let Some(less) = left.checked_sub(size) else { break };
            left = less;
            let place = located(&file)?;
            let read = async { store.get(&place).await?.bytes().await };
            let bytes = read.await.map_err(failed)?;
            // Treat a panic like an error.
            let decoded = tokio::task::spawn_blocking(move || decode(bytes)).await;
            let Ok(Ok(columns)) = decoded else {
                return Ok(Some(Damage { file, reason: DamageReason::Undecodable }));
            };
            if other.is_none() {
                let column = self.other_type(&columns);
                other = column.map(|column| Damage { file, reason: DamageReason::OtherType(column) });
            }
        }
        Ok(other)
    }

    /// Returns a data file of the table that is missing or has another size than its log says, if there is
    /// one. Reads no file.
    ///
    /// # Errors
    /// If the table's log or the store can't be read.
    pub async fn incomplete(&self) -> Result<Option<Damage>, LakeError> {
        let failed = |error| LakeError::of_store(LakeOperation::Read, self.place(), error);
        let store = self.store();
        let look = |(file, recorded): (String, u64)| {
            let store = Arc::clone(&store);
            async move {
                let reason = match store.head(&Location::parse(&file)?).await {
                    Err(object_store::Error::NotFound { .. }) => DamageReason::Gone,
                    Err(error) => return Err(error),
                    Ok(found) if found.size == recorded => return Ok(None),
                    Ok(found) => DamageReason::Size { found: found.size, recorded },
                };
                Ok(Some(Damage { file, reason }))
            }
        };
        let looks = stream::iter(self.sizes()?).map(look).buffered(LOOKS);
        let found = looks.try_filter_map(|damage| async { Ok(damage) });
        std::pin::pin!(found).try_next().await.map_err(failed)
    }

    /// Returns the name of a column whose type isn't the one in the table.
    fn other_type(&self, columns: &Schema) -> Option<String> {
        let own = self.schema();
        let differs = |column: &&FieldRef| {
            own.field_with_name(column.name())
                .is_ok_and(|own| !same_type(own.data_type(), column.data_type()))
        };
        columns.fields().iter().find(differs).map(|column| column.name().clone())
    }
}

/// Returns whether two types hold the same values, whatever their layout in memory.
fn same_type(one: &DataType, other: &DataType) -> bool {
    let text =
        |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let bytes = |data_type: &DataType| {
        matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
    };
    let nested = one.is_nested() && other.is_nested();
    one == other || nested || text(one) && text(other) || bytes(one) && bytes(other)
}

/// Decodes all rows of a Parquet file, and returns its columns.
fn decode(bytes: Bytes) -> Result<SchemaRef, ArrowError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
    let columns = Arc::clone(reader.schema());
    for rows in reader.build()? {
        rows?;
    }
    Ok(columns)
}
