//! The Delta protocol of a table: decides whether Headwater can read it and write to it.

use std::collections::HashMap;

use deltalake::kernel::{
    Protocol, StructType,
    transaction::{PROTOCOL, TransactionError},
};
use serde_json::Value;

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

/// The writer features that delta-rs supports or that a rewrite of rows satisfies.
const WRITABLE: [&str; 13] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "checkpointProtection",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "invariants",
    "timestampNanos",
    "timestampNtz",
    "v2Checkpoint",
    "variantType",
    "variantType-preview",
];

/// The prefixes of column metadata by which another writer demands something of every value.
const DEMANDS: [&str; 3] = ["delta.invariants", "delta.generationExpression", "delta.identity."];

/// Returns the reason if a table requires more of writers than Headwater can do, whatever it writes.
pub(super) fn unwritable(
    protocol: &Protocol,
    schema: &StructType,
    properties: &HashMap<String, String>,
) -> Option<UnsupportedTable> {
    let version = version(protocol, "minWriterVersion");
    if version > WRITER {
        return Some(UnsupportedTable::Protocol { version, known: WRITER });
    }
    let features = unknown_features(protocol, version);
    if !features.is_empty() {
        return Some(UnsupportedTable::Features(features.join(", ")));
    }
    if let Some((property, mode)) = properties.get_key_value("delta.columnMapping.mode")
        && mode != "none"
    {
        return Some(UnsupportedTable::ColumnMapping { property: property.clone(), mode: mode.clone() });
    }
    schema.fields().find_map(|field| {
        let demands = |key: &&String| DEMANDS.iter().any(|demand| key.starts_with(demand));
        let property = field.metadata().keys().find(demands)?;
        Some(UnsupportedTable::Column { column: field.name().clone(), property: property.clone() })
    })
}

/// Returns the features that a table requires of writers and that aren't supported here, sorted.
fn unknown_features(protocol: &Protocol, version: i64) -> Vec<String> {
    // Version 6 introduced identity columns, and 7 the list of features.
    if version == 6 {
        return vec!["identityColumns".to_owned()];
    }
    let value = serde_json::to_value(protocol).unwrap_or_default();
    let named = value["writerFeatures"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut unknown: Vec<String> =
        named.filter(|feature| !WRITABLE.contains(feature)).map(str::to_owned).collect();
    unknown.sort();
    unknown
}

/// Returns a version by its name in the log; delta-rs keeps the fields private.
fn version(protocol: &Protocol, name: &str) -> i64 {
    let value = serde_json::to_value(protocol).unwrap_or_default();
    value[name].as_i64().unwrap_or_default()
}
