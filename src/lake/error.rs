//! Errors of the lake, classified so that people know what to do and a run knows whether to retry.

use std::{error::Error, io};

use deltalake::{
    DeltaTableError,
    kernel::{
        Protocol,
        transaction::{PROTOCOL, TransactionError},
    },
};

use super::{misfit::Misfit, mount::unmounted, root_problem::RootProblem};
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
        source: Misfit,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// A requirement of a table for its writers that Headwater doesn't support.
#[derive(Debug, thiserror::Error)]
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

/// Returns the message of delta-rs without its internal prefixes: it reports a failed Parquet write as a
/// failure to parse Parquet.
fn plain(source: &BoxError) -> String {
    let text = source.to_string();
    let prefixes = [
        "Failed to parse parquet: ",
        "Parquet error: ",
        "External: ",
        "Kernel error: ",
        "Generic delta kernel error: ",
    ];
    let mut text = text.as_str();
    while let Some(rest) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    unmounted(text)
}

/// A cause of any type.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

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

    /// Returns true if the table exists but can't be read, now or later: its log is damaged, or it requires
    /// unsupported reader features.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Features { .. })
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

/// Returns an error if a table requires reader features that aren't supported here.
pub(super) fn readable(place: &str, protocol: &Protocol) -> Result<(), LakeError> {
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
    fn a_refusal_is_told_from_a_failure() {
        let refused = store(io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(refused.to_string().split(':').next(), Some("no permission to write to here"));
        assert!(!refused.is_transient());
    }
}
