//! The Delta protocol of a table: decides whether Headwater can read it and write to it.

use deltalake::kernel::{
    Protocol,
    transaction::{PROTOCOL, TransactionError},
};

use super::error::{LakeError, UnsupportedTable};

/// The newest reader version of the protocol that Headwater knows.
const READER: i64 = 3;
/// The newest writer version of the protocol that Headwater knows.
const WRITER: i64 = 7;

/// Returns an error if a table requires a reader version or reader features that aren't supported here.
pub(super) fn readable(place: &str, protocol: &Protocol) -> Result<(), LakeError> {
    // delta-rs checks the features alone.
    let version = version(protocol, "minReaderVersion");
    if version > READER {
        return Err(LakeError::Protocol { place: place.to_owned(), version, known: READER });
    }
    let Err(TransactionError::UnsupportedTableFeatures(unknown)) = PROTOCOL.can_read_from_protocol(protocol)
    else {
        return Ok(());
    };
    let mut features: Vec<String> = unknown
        .into_iter()
        .map(|feature| feature.to_string())
        // It is supported, though only by delta-rs's scan.
        .filter(|feature| feature != "columnMapping")
        .collect();
    features.sort();
    if features.is_empty() { Ok(()) } else { Err(LakeError::Features { place: place.to_owned(), features }) }
}

/// Returns the reason if a table requires a newer writer version.
pub(super) fn too_new(protocol: &Protocol) -> Option<UnsupportedTable> {
    let version = version(protocol, "minWriterVersion");
    (version > WRITER).then_some(UnsupportedTable::Protocol { version, known: WRITER })
}

/// Returns a version by its name in the log; delta-rs keeps the fields private.
fn version(protocol: &Protocol, name: &str) -> i64 {
    let value = serde_json::to_value(protocol).unwrap_or_default();
    value[name].as_i64().unwrap_or_default()
}
