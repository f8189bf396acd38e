//! Step errors: why a step ended without a result.

use super::tables::LedgerError;
use crate::{
    engine::{EngineError, message},
    lake::LakeError,
    name::Relation,
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
    #[error("the plan and the project disagree about {0}, which is a bug in Headwater")]
    Lost(String),
    #[error("{0}")]
    UnreadableSource(String),
    #[error("{0}")]
    Other(String),
}

impl StepError {
    /// Returns the error of the engine that it comes from.
    pub(super) fn engine(&self) -> Option<&EngineError> {
        match self {
            Self::Engine(error) | Self::Lake(LakeError::Query(error)) => Some(error),
            _ => None,
        }
    }
}

impl From<LedgerError> for StepError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Lake(error) => error.into(),
            LedgerError::Engine(error) => error.into(),
            form @ LedgerError::Form(..) => Self::Other(form.to_string()),
        }
    }
}
