//! Step errors: why a step ended without a result.

use std::sync::Arc;

use super::tables::LedgerError;
use crate::{
    engine::{EngineError, SqlError, arrow::error::ArrowError, exec::streams::is_disk_full, message},
    lake::LakeError,
    name::Relation,
    source::UnreadableSource,
};

/// The error that ended a step.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error("{}", message(.0))]
    Engine(#[from] EngineError),
    #[error("{0} is not in the lake: build it first, or select it too with `+`")]
    MissingInput(Relation),
    #[error("{0} is not in the lake: load it first with `headwater seed`")]
    MissingSeed(Relation),
    #[error("{0} is not in the lake: take it first with `headwater snapshot`, or select it too with `+`")]
    MissingSnapshot(Relation),
    #[error("{0}")]
    UnreadableSource(String),
    /// The error of a table that several tests read.
    #[error(transparent)]
    Shared(Arc<StepError>),
    #[error("{}", .0.message)]
    Sql(SqlError),
    #[error(transparent)]
    Rows(#[from] ArrowError),
    #[error(transparent)]
    Ledger(LedgerError),
    #[error("{0}")]
    Other(String),
}

impl StepError {
    /// Returns the error itself, if it is the error of a shared table.
    pub(super) fn root(&self) -> &Self {
        match self {
            Self::Shared(error) => error.root(),
            own => own,
        }
    }

    /// Returns what to do about a failure whose cause is outside of the project: a disk, a store, a source.
    pub(super) fn cure(&self) -> Option<&'static str> {
        match self.root() {
            Self::UnreadableSource(_) => Some(READ_AGAIN),
            Self::Lake(error) if error.is_disk_full() => Some("free space on the lake's disk"),
            Self::Lake(error) if error.is_too_long() => {
                Some("partition by fewer or shorter columns, or move the lake to a shorter path")
            }
            Self::Lake(LakeError::Denied { .. }) => Some("grant the permission"),
            Self::Lake(LakeError::Storage { .. }) => Some("make sure that the lake can be reached"),
            Self::Engine(error) | Self::Lake(LakeError::Query(error)) if is_disk_full(error) => {
                Some("free space there, or choose another place with `temp_dir`")
            }
            Self::Engine(error) | Self::Lake(LakeError::Query(error))
                if UnreadableSource::is_cause_of(error) =>
            {
                Some(READ_AGAIN)
            }
            _ => None,
        }
    }
}

/// The cure for a source that can't be read.
const READ_AGAIN: &str = "make sure that the source can be read";

impl From<LedgerError> for StepError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lake(error) => error.into(),
            LedgerError::Engine(error) => error.into(),
            form @ LedgerError::Form(..) => Self::Ledger(form),
        }
    }
}
