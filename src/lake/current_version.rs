//! The current version of a table, without its rows.

use super::{error::UnsupportedTable, provenance::Provenance};
use crate::engine::arrow::datatypes::SchemaRef;

/// The newest version of a table.
#[derive(Debug, Clone)]
pub struct CurrentVersion {
    /// The version number.
    pub version: u64,
    /// The version that last changed rows, columns or settings; later ones only added metadata or compacted
    /// files.
    pub data_version: u64,
    /// The columns.
    pub schema: SchemaRef,
    /// The partition columns.
    pub partition_by: Vec<String>,
    /// The reason if Headwater can't write to it, by its protocol.
    pub unwritable: Option<UnsupportedTable>,
    /// The provenance, or `None` if another writer made the version.
    pub provenance: Option<Provenance>,
}
