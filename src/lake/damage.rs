//! Which data file of a table is damaged: asked once reading it has failed, since what decodes Parquet
//! doesn't name the file, and panics where its bytes mislead it.

use bytes::Bytes;
use datafusion::{arrow::error::ArrowError, parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder};
use object_store::{ObjectStoreExt, path::Path as Location};

use super::{
    base::Base,
    error::{LakeError, READ},
};

/// How many bytes of a table's files are decoded, at most: of a large table the message does without the file's name
/// rather than that a failed run reads all of it once more.
const DECODED: u64 = 4 << 30;

/// A data file that can't be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its path, from the table's folder.
    pub file: String,
    /// What is wrong with it, as a sentence without its subject.
    pub reason: String,
}

impl Base {
    /// The first data file of the table that can't be read, if one is found: all are looked for, and the first of them
    /// are decoded.
    ///
    /// # Errors
    /// If the table's log or the store can't be read.
    pub async fn damage(&self) -> Result<Option<Damage>, LakeError> {
        let failed = |error| LakeError::of_store(READ, self.place(), error);
        let store = self.store();
        let files = self.sizes()?;
        let located = |file: &str| Location::parse(file).map_err(|error| failed(error.into()));
        for (file, size) in &files {
            let reason = match store.head(&located(file)?).await {
                Err(object_store::Error::NotFound { .. }) => "is gone".to_owned(),
                Err(error) => return Err(failed(error)),
                Ok(found) if found.size == *size => continue,
                Ok(found) => format!("has {} bytes, and the table's log says {size}", found.size),
            };
            return Ok(Some(Damage { file: file.clone(), reason }));
        }
        let mut left = DECODED;
        for (file, size) in files {
            let Some(less) = left.checked_sub(size) else { break };
            left = less;
            let place = located(&file)?;
            let read = async { store.get(&place).await?.bytes().await };
            let bytes = read.await.map_err(failed)?;
            // A panic says the same as an error.
            let decoded = tokio::task::spawn_blocking(move || decode(bytes)).await;
            if !matches!(decoded, Ok(Ok(()))) {
                let reason = "is damaged: its bytes are not those that were written".to_owned();
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
