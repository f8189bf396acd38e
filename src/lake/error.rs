//! Errors of the lake, classified so that people know what to do and a run knows whether to retry.

use std::{error::Error, io};

use deltalake::{DeltaTableError, kernel::transaction::TransactionError};

use super::{
    error_text::{BoxError, plain},
    guarded_logs::EmptyEntry,
    misfit::Misfit,
    mount::unmounted,
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
        /// The reason.
        #[source]
        reason: RootProblem,
    },
    /// The table's location contains something else.
    #[error("{place} has files but is not a Delta table; move them away, or choose another schema or name")]
    NotATable {
        /// The table's location.
        place: String,
    },
    /// The system or the store denied access.
    #[error("no permission to {doing} {place}: {}", plain(source))]
    Denied {
        /// The attempted operation.
        doing: &'static str,
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
    #[error("can't {doing} {place}: {}", plain(source))]
    Storage {
        /// The attempted operation.
        doing: &'static str,
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
        /// All problems.
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

/// A requirement of a table for its writers that Headwater doesn't support.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UnsupportedTable {
    /// The table has other partition columns than the model.
    #[error("it is partitioned by {table}, the model by {model}; build it from nothing: --full-refresh")]
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
    /// The table maps column names.
    #[error("it maps column names ({property} is {mode})")]
    ColumnMapping {
        /// The table property.
        property: String,
        /// Its value.
        mode: String,
    },
    /// Existing rows can't be removed, by this table property.
    #[error("it only takes appended rows ({0})")]
    AppendOnly(String),
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

    /// Returns true if the operation should start over from the current version: after a transient failure,
    /// or because another writer committed first.
    #[must_use]
    pub fn is_worth_another_try(&self) -> bool {
        self.is_transient() || matches!(self, Self::Conflict { .. })
    }

    /// Converts an error of deltalake.
    pub(super) fn of(doing: &'static str, place: &str, error: DeltaTableError) -> Self {
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
        if causes(&error).any(is_denied) {
            Self::Denied { doing, place, source: Box::new(error) }
        } else if storage || store || doing != READ {
            Self::Storage { doing, place, source: Box::new(error) }
        } else {
            Self::Corrupt { place, source: Box::new(error) }
        }
    }

    /// Converts an error of the object store.
    pub(super) fn of_store(doing: &'static str, place: &str, error: object_store::Error) -> Self {
        Self::of(doing, place, error.into())
    }
}

/// The operation while reading a log; only then can a log be corrupt.
pub(super) const READ: &str = "read";
/// The operation while writing files or committing.
pub(super) const WRITE: &str = "write to";

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

/// Iterates over an error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn is_full(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|io| matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

fn is_denied(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::PermissionDenied);
    let store = matches!(
        error.downcast_ref::<object_store::Error>(),
        Some(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. })
    );
    io || store
}

fn is_passing(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind as Kind;
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return matches!(
            io.kind(),
            Kind::TimedOut
                | Kind::ConnectionReset
                | Kind::ConnectionAborted
                | Kind::ConnectionRefused
                | Kind::BrokenPipe
                | Kind::Interrupted
                | Kind::UnexpectedEof
        );
    }
    // The store keeps the request error's type private, but its message contains the status.
    let Some(object_store::Error::Generic { source, .. }) = error.downcast_ref() else { return false };
    let text = source.to_string().to_lowercase();
    ["429", "500 internal", "502 ", "503 ", "504 ", "slowdown", "timed out", "timeout", "connection"]
        .iter()
        .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(source: impl Into<BoxError>) -> LakeError {
        LakeError::of_store(
            WRITE,
            "here",
            object_store::Error::Generic { store: "S3", source: source.into() },
        )
    }

    #[test]
    fn overload_and_dropped_lines_are_transient() {
        assert!(store("server returned 503 Service Unavailable").is_transient());
        assert!(store("429 Too Many Requests").is_transient());
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
        let full = LakeError::of(WRITE, "here", parquet.into());
        assert!(full.is_disk_full(), "{full:?}");
    }

    #[test]
    fn a_refusal_is_told_from_a_failure() {
        let refused = store(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(refused.to_string().split(':').next(), Some("no permission to write to here"));
        assert!(!refused.is_transient());
    }
}
