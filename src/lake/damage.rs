//! Which data file of a table is damaged: asked once reading it has failed, since what decodes Parquet
//! doesn't name the file, and panics where its bytes mislead it.

use bytes::Bytes;
use datafusion::{arrow::error::ArrowError, parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder};
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    base::Base,
    error::{LakeError, READ},
};

/// A data file that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its path, from the table's folder.
    pub file: String,
    /// What is wrong with it, as a sentence without its subject.
    pub reason: String,
}

impl Base {
    /// The first data file of the table that can't be read, if there is one. Reads all of them.
    ///
    /// # Errors
    /// If the table's log or the store can't be read.
    pub async fn damage(&self) -> Result<Option<Damage>, LakeError> {
        let failed = |error| LakeError::of_store(READ, self.place(), error);
        let store = self.store();
        for (file, size) in self.sizes()? {
            let path = Location::parse(&file).map_err(|error| failed(error.into()))?;
            let read = async { store.get(&path).await?.bytes().await };
            let reason = match read.await {
                Err(object_store::Error::NotFound { .. }) => Some("is gone".to_owned()),
                Err(error) => return Err(failed(error)),
                Ok(bytes) if bytes.len() as u64 != size => {
                    Some(format!("has {} bytes, and the table's log says {size}", bytes.len()))
                }
                Ok(bytes) => {
                    // A panic says the same as an error.
                    let decoded = tokio::task::spawn_blocking(move || decode(bytes)).await;
                    let damaged = !matches!(decoded, Ok(Ok(())));
                    damaged.then(|| "is damaged: its bytes are not those that were written".to_owned())
                }
            };
            if let Some(reason) = reason {
                return Ok(Some(Damage { file, reason }));
            }
        }
        Ok(None)
    }
}

/// Decodes all rows of a file of Parquet.
fn decode(bytes: Bytes) -> Result<(), ArrowError> {
    for rows in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
        rows?;
    }
    Ok(())
}
