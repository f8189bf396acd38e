//! Failures of a workspace.

use std::io;

use crate::{diag::Diagnostic, engine::EngineError, lake::LakeError};

/// The reason why a workspace couldn't do what was requested.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Errors in the user's files, among other diagnostics.
    #[error("{}", first_error(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// The lake can't be used.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Any other failure.
    #[error("{message}")]
    Other {
        message: String,
        /// The way out, if there is one.
        hint: Option<String>,
    },
}

impl WorkspaceError {
    pub(super) fn message(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: None }
    }

    pub(super) fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: Some(hint.into()) }
    }
}

impl From<Vec<Diagnostic>> for WorkspaceError {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Diagnostics(diagnostics)
    }
}

fn first_error(diagnostics: &[Diagnostic]) -> &str {
    let first = diagnostics.iter().find(|found| found.is_error());
    first.or(diagnostics.first()).map_or("the project has errors", |found| found.message.as_str())
}
