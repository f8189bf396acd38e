//! Deletion vectors: the deleted rows of a data file. Other writers (Spark, Databricks) write them; we only
//! read them.

use deltalake::kernel::{DeletionVectorDescriptor, LogicalFileView, StorageType};
use uuid::Uuid;

/// The deletion vector of one data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeletionVector {
    storage: StorageType,
    /// Its location, or the vector itself.
    text: String,
    /// Its offset in its file, which may hold several vectors.
    offset: Option<i32>,
    deleted: u64,
}

impl From<DeletionVectorDescriptor> for DeletionVector {
    fn from(descriptor: DeletionVectorDescriptor) -> Self {
        Self {
            storage: descriptor.storage_type,
            text: descriptor.path_or_inline_dv,
            offset: descriptor.offset,
            deleted: u64::try_from(descriptor.cardinality).unwrap_or_default(),
        }
    }
}

impl DeletionVector {
    /// Returns the path of its file relative to the table's root, or `None` if it is stored in the log or
    /// outside the table.
    pub(super) fn file(&self) -> Option<String> {
        if self.storage != StorageType::UuidRelativePath {
            return None;
        }
        let start = self.text.len().checked_sub(ENCODED)?;
        let (folder, id) = (self.text.get(..start)?, decode(self.text.get(start..)?)?);
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Some(format!("{folder}deletion_vector_{}.bin", Uuid::from_bytes(id)))
    }
}

/// Returns the number of undeleted rows of a file, or `None` if its log entry doesn't record it.
pub(super) fn live_rows(file: &LogicalFileView) -> Option<u64> {
    let deleted = file.deletion_vector_descriptor().map_or(0, |vector| DeletionVector::from(vector).deleted);
    Some((file.num_records()? as u64).saturating_sub(deleted))
}

/// The number of characters of an encoded UUID.
const ENCODED: usize = 20;

/// The digits of Z85, the base-85 variant in which Delta encodes UUIDs.
const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Decodes a UUID from its 20 characters. Every five of them encode four bytes in big-endian order.
fn decode(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    for (five, four) in text.as_bytes().chunks(5).zip(bytes.chunks_mut(4)) {
        let number = five.iter().try_fold(0_u32, |number, digit| {
            let value = DIGITS.iter().position(|known| known == digit)?;
            number.checked_mul(85)?.checked_add(u32::try_from(value).ok()?)
        })?;
        four.copy_from_slice(&number.to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(storage: StorageType, text: &str) -> Option<String> {
        DeletionVector { storage, text: text.to_owned(), offset: Some(1), deleted: 2 }.file()
    }

    #[test]
    fn a_vectors_file_is_named_as_the_protocol_says() {
        // The example in the Delta protocol.
        let named = "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
        assert_eq!(file(StorageType::UuidRelativePath, "ab^-aqEH.-t@S}K{vb[*k^").as_deref(), Some(named));
        assert_eq!(
            file(StorageType::UuidRelativePath, "vBn[lx{q8@P<9BNH/isA").as_deref(),
            Some("deletion_vector_61d16c75-6994-46b7-a15b-8b538852e50e.bin")
        );
        assert_eq!(file(StorageType::Inline, "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"), None);
        assert_eq!(file(StorageType::UuidRelativePath, "short"), None);
    }
}
