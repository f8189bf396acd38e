//! Errors of the lake, classified so that people know what to do and a run knows whether to retry.

use std::io;

use deltalake::{DeltaTableError, kernel::transaction::TransactionError};

use super::{
    error_cause::{causes, is_denied, is_file, is_full, is_irregular, is_passing, is_too_long},
    error_text::{BoxError, plain},
    guarded_store::EmptyEntry,
    misfit::Misfit,
    mount::unmounted,
    operation::LakeOperation,
    root_problem::RootProblem,
};
use crate::{
    engine::{EngineError, message},
    name::Relation,
};

/// An operation on the lake failed. Locations are shown without secrets.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The configured root is unusable.
    #[error("the lake's root {root} can't be used: {reason}")]
    Root {
        /// The root as configured, without secrets.
        root: String,
        #[source]
        reason: RootProblem,
    },
    /// The table's location contains something else.
    #[error(
        "{place} is taken by files that are not a Delta table; move them away, or choose another schema or name"
    )]
    NotATable {
        /// The table's location.
        place: String,
    },
    /// The system or the store denied access.
    #[error("no permission to {operation} {place}: {}", plain(source))]
    Denied {
        /// The attempted operation.
        operation: LakeOperation,
        /// The location.
        place: String,
        /// The cause.
        source: BoxError,
    },
    /// The table exists but its log is invalid.
    #[error("the Delta log of {place} can't be read: {}", plain(source))]
    Corrupt {
        /// The table's location.
        place: String,
        /// The cause.
        source: BoxError,
    },
    /// The table exists but requires reader features that Headwater doesn't support.
    #[error(
        "{place} can't be read: it uses the table feature {}, which Headwater doesn't know; drop the feature with the \
         writer that added it, in Spark by `ALTER TABLE … DROP FEATURE`, or copy the rows to a table without it",
        features.join(", ")
    )]
    Features {
        /// The table's location.
        place: String,
        /// The features, as the Delta protocol names them.
        features: Vec<String>,
    },
    /// The table exists but requires readers of a newer protocol version.
    #[error(
        "{place} can't be read: it requires Delta's reader version {version}, and Headwater knows {known}"
    )]
    Protocol {
        /// The table's location.
        place: String,
        /// The required version.
        version: i64,
        /// The newest known version.
        known: i64,
    },
    /// A disk, network or store failure.
    #[error("can't {operation} {place}: {}", plain(source))]
    Storage {
        /// The attempted operation.
        operation: LakeOperation,
        /// The location.
        place: String,
        /// The cause.
        source: BoxError,
    },
    /// The table has requirements for writers that Headwater doesn't support.
    #[error("{place} can't be overwritten: {reason}")]
    Unsupported {
        /// The table's location.
        place: String,
        /// The unsupported requirement.
        #[source]
        reason: UnsupportedTable,
    },
    /// Another writer committed first; nothing was published.
    #[error(
        "another writer committed version {version} of {relation} while this one was being prepared; nothing was published, run again"
    )]
    Conflict {
        /// The table.
        relation: Relation,
        /// The version that this run tried to commit.
        version: u64,
    },
    /// This run lost its lease and another run removed its staged files; nothing was published.
    #[error(
        "run {run} lost its lease: it sent no heartbeat in time, so another run removed its staged files; nothing was published, run again"
    )]
    LeaseLost {
        /// This run's id.
        run: String,
    },
    /// The query's columns don't fit a Delta table.
    #[error("{relation} can't be stored: {}", problems.join("; "))]
    Schema {
        /// The table.
        relation: Relation,
        problems: Vec<String>,
    },
    /// NOT NULL columns contain NULLs.
    #[error("{relation} can't be published: {}", nulls(violations))]
    NotNull {
        /// The table.
        relation: Relation,
        /// Each such column with its number of NULLs.
        violations: Vec<(String, u64)>,
    },
    /// The query failed while its rows were being written.
    #[error("{}", unmounted(&message(.0)))]
    Query(#[from] EngineError),
    /// A value doesn't fit its column.
    #[error("{relation} can't be stored: {source}")]
    Value {
        /// The table.
        relation: Relation,
        /// The value and the reason.
        source: Box<Misfit>,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A damage of a log that deltalake doesn't find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LogDamage {
    /// The first commits are missing, and no checkpoint stands in for them.
    #[error("commits are missing from it")]
    MissingCommits,
    /// Something else is in its place.
    #[error("its `_delta_log` is not a folder")]
    NoFolder,
    /// A folder keeps the next entry from being written.
    #[error("a folder is in the place of its entry {0:020}.json: remove the folder")]
    FolderAtEntry(u64),
    /// An entry lacks the commit's metadata.
    #[error("the entry that was prepared has no commitInfo")]
    NoCommitInfo,
}

/// A requirement of a table for its writers that Headwater doesn't support.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UnsupportedTable {
    /// The table has other partition columns than the model.
    #[error("it is partitioned by {table}, the model by {model}; build it from scratch: --full-refresh")]
    Partitions {
        /// The table's partition columns.
        table: String,
        /// The model's partition columns.
        model: String,
    },
    /// Another writer added this constraint.
    #[error("it has constraints of its own ({0})")]
    ForeignConstraint(String),
    /// The table requires writers of a newer protocol version.
    #[error(
        "it requires Delta's writer version {version}, and Headwater knows {known}; build it from scratch: --full-refresh"
    )]
    Protocol {
        /// The required version.
        version: i64,
        /// The newest known version.
        known: i64,
    },
    /// The table requires writer features that Headwater doesn't support.
    #[error(
        "it uses the table feature {0}, which Headwater can't write; build it from scratch: --full-refresh"
    )]
    Features(String),
    /// Another writer demands something of the values of a column.
    #[error(
        "its column {column} has {property}, which Headwater doesn't keep to; build it from scratch: --full-refresh"
    )]
    Column {
        column: String,
        /// The key in its metadata.
        property: String,
    },
    /// The table maps column names.
    #[error("it maps column names ({property} is {mode}); build it from scratch: --full-refresh")]
    ColumnMapping {
        /// The table property.
        property: String,
        /// Its value.
        mode: String,
    },
    /// Existing rows can't be removed.
    #[error("it only takes appended rows: remove its property delta.appendOnly, or append to it")]
    AppendOnly,
}

fn nulls(violations: &[(String, u64)]) -> String {
    let one = |(column, rows): &(String, u64)| {
        let plural = if *rows == 1 { "" } else { "s" };
        format!("column {column} is NULL in {rows} row{plural}, which its constraint forbids")
    };
    violations.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl LakeError {
    /// Returns true if a retry may succeed: the store was overloaded or a connection dropped.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Storage { source, .. } => causes(source.as_ref()).any(is_passing),
            Self::Query(error) => causes(error).any(is_passing),
            _ => false,
        }
    }

    /// Returns true if the table exists but can't be read, now or later: its log is damaged or too new.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.damaged_place().is_some()
    }

    /// Returns the location of the table that [can't be read](Self::is_damage), or `None` for other errors.
    #[must_use]
    pub fn damaged_place(&self) -> Option<&str> {
        match self {
            Self::Corrupt { place, .. } | Self::Features { place, .. } | Self::Protocol { place, .. } => {
                Some(place)
            }
            _ => None,
        }
    }

    /// Returns true if a disk is full.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Storage { source, .. } => causes(source.as_ref()).any(is_full),
            _ => false,
        }
    }

    /// Returns true if a path is longer than the system allows.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        match self {
            Self::Storage { source, .. } => causes(source.as_ref()).any(is_too_long),
            _ => false,
        }
    }

    /// Returns true if the operation should start over from the current version: after a transient failure,
    /// or because another writer committed first.
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        self.is_transient() || matches!(self, Self::Conflict { .. })
    }

    /// Converts an error of deltalake.
    pub(super) fn of(operation: LakeOperation, place: &str, error: DeltaTableError) -> Self {
        let storage = matches!(
            error,
            DeltaTableError::ObjectStore { .. }
                | DeltaTableError::Io { .. }
                | DeltaTableError::Parquet { .. }
        );
        let store = causes(&error).any(|cause| cause.is::<object_store::Error>() || cause.is::<io::Error>());
        let place = place.to_owned();
        if let Some(empty) = causes(&error).find_map(|cause| cause.downcast_ref::<EmptyEntry>()) {
            return Self::Corrupt { place, source: Box::new(empty.clone()) };
        }
        if operation == LakeOperation::Read && causes(&error).any(is_file) {
            return Self::NotATable { place };
        }
        let is_irregular_file = operation == LakeOperation::Read && causes(&error).any(is_irregular);
        if causes(&error).any(is_denied) {
            Self::Denied { operation, place, source: Box::new(error) }
        } else if !is_irregular_file && (storage || store || operation != LakeOperation::Read) {
            Self::Storage { operation, place, source: Box::new(error) }
        } else {
            Self::Corrupt { place, source: Box::new(error) }
        }
    }

    /// Converts an error of the object store.
    pub(super) fn of_store(operation: LakeOperation, place: &str, error: object_store::Error) -> Self {
        Self::of(operation, place, error.into())
    }
}

/// Returns true if a commit was rejected because its version already exists.
pub(super) fn is_conflict(error: &DeltaTableError) -> bool {
    matches!(
        error,
        DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source: TransactionError::MaxCommitAttempts(_) | TransactionError::CommitConflict(_)
            }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(source: impl Into<BoxError>) -> LakeError {
        LakeError::of_store(
            LakeOperation::Write,
            "here",
            object_store::Error::Generic { store: "S3", source: source.into() },
        )
    }

    #[test]
    fn overload_and_dropped_lines_are_transient() {
        let answer = |status| {
            store(format!(
                "Error performing GET https://s3/429/503 in 3s - Server returned non-2xx status code: {status}: "
            ))
        };
        assert!(answer("503 Service Unavailable").is_transient());
        assert!(answer("429 Too Many Requests").is_transient());
        assert!(!answer("404 Not Found").is_transient());
        assert!(store("Server returned error response: <Code>SlowDown</Code>").is_transient());
        assert!(store(io::Error::from(io::ErrorKind::TimedOut)).is_transient());
        assert!(!store("404 Not Found").is_transient());
        assert!(!store(io::Error::from(io::ErrorKind::StorageFull)).is_transient());
    }

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let full = store(io::Error::from(io::ErrorKind::StorageFull));
        assert!(full.is_disk_full() && !store("404 Not Found").is_disk_full());
        let parquet =
            deltalake::parquet::errors::ParquetError::from(io::Error::from(io::ErrorKind::StorageFull));
        let full = LakeError::of(LakeOperation::Write, "here", parquet.into());
        assert!(full.is_disk_full(), "{full:?}");
    }

    #[test]
    fn a_refusal_is_told_from_a_failure() {
        let refused = store(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(refused.to_string().split(':').next(), Some("no permission to write to here"));
        assert!(!refused.is_transient());
        // The kernel keeps the text of a log entry's error alone.
        let text = "Kernel error: Error interacting with object store: Generic LocalFileSystem error: \
                    Unable to open file 0.json: Permission denied (os error 13)";
        let refused = LakeError::of(LakeOperation::Read, "here", DeltaTableError::Generic(text.to_owned()));
        assert!(matches!(refused, LakeError::Denied { .. }) && !refused.is_damage(), "{refused:?}");
    }
}
