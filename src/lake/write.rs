//! Writes: describe the next version of a table, except for its rows.

use std::{collections::BTreeSet, num::NonZeroU64, sync::Arc};

use deltalake::kernel::EagerSnapshot;

use super::{constraint::Constraints, error::UnsupportedTable, provenance::Provenance};
use crate::engine::SchemaRef;

/// A table's next version, except for its rows.
pub struct Write {
    /// The rows that the new rows replace.
    pub replaces: Replaces,
    /// The table's columns; the streams have them by name.
    pub schema: SchemaRef,
    /// The partition columns. Streams should not share partition values.
    pub partition_by: Vec<String>,
    /// The provenance of the version. The number of rows is filled in, and the digest if all rows are
    /// rewritten.
    pub provenance: Provenance,
    /// The table's description, for users of other tools.
    pub description: Option<String>,
    /// The constraints for every writer of the table.
    pub constraints: Constraints,
    /// The target size of files in bytes; 100 MB by default.
    pub target_file_size: Option<NonZeroU64>,
    /// The application id and transaction version that the commit records.
    pub transaction: Option<(String, u64)>,
    /// The progress callback: receives the number of rows written so far by all streams.
    pub on_rows: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Write {
    /// Returns the reason if the rows can't be combined with the rows of the base that stay.
    pub(super) fn unfit(&self, base: &EagerSnapshot) -> Option<UnsupportedTable> {
        let is = base.metadata().partition_columns();
        (self.replaces.of().is_some() && *is != self.partition_by).then(|| {
            let list = |columns: &[String]| match columns {
                [] => "nothing".to_owned(),
                columns => columns.join(", "),
            };
            UnsupportedTable::Partitions { table: list(is), model: list(&self.partition_by) }
        })
    }
}

/// The part of a table that a write replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Replaces {
    /// All current rows, whatever the current version is.
    #[default]
    Everything,
    /// Nothing: the rows are appended to version `of`.
    Nothing {
        /// The version the rows were built for.
        of: u64,
    },
    /// These files of version `of`.
    Files {
        /// The version the rows were built from.
        of: u64,
        /// The files, as [`Base::rows_with_files`](super::base::Base::rows_with_files) names them.
        files: BTreeSet<String>,
    },
    /// All files of version `of` that share their partition values with any of the new rows.
    Partitions {
        /// The version the rows were built for.
        of: u64,
    },
}

impl Replaces {
    /// Returns the version that the rows were built for, or `None` if they fit any.
    #[must_use]
    pub fn of(&self) -> Option<u64> {
        match self {
            Self::Everything => None,
            Self::Nothing { of } | Self::Files { of, .. } | Self::Partitions { of } => Some(*of),
        }
    }
}
