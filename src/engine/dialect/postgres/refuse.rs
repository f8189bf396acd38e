//! Errors for unsupported constructs: what, where, and what to write instead.

use datafusion::{
    common::{Diagnostic, Span},
    error::DataFusionError,
    sql::sqlparser::tokenizer,
};

use crate::engine::function::postgres::unresolved::Unresolved;

/// A construct that can't be planned with PostgreSQL's meaning.
#[derive(Debug)]
pub(super) struct PostgresRefusal {
    message: String,
    help: String,
    span: Option<Span>,
}

impl PostgresRefusal {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>, span: tokenizer::Span) -> Self {
        let span = Span::try_from_sqlparser_span(span);
        Self { message: message.into(), help: help.into(), span }
    }

    /// Creates the error for a construct that isn't on the allow list.
    pub(super) fn unlisted(what: &str, help: impl Into<String>, span: tokenizer::Span) -> Self {
        Self::new(format!("{what} is not supported with `dialect: postgresql`"), help, span)
    }
}

impl From<PostgresRefusal> for DataFusionError {
    fn from(refused: PostgresRefusal) -> Self {
        let mut diagnostic = Diagnostic::new_error(&refused.message, refused.span);
        diagnostic.add_help(refused.help, None);
        Self::NotImplemented(refused.message).with_diagnostic(diagnostic)
    }
}

/// Returns a type-check error at a location.
pub(super) fn at(
    place: Option<Span>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> DataFusionError {
    let message = message.into();
    let mut diagnostic = Diagnostic::new_error(&message, place);
    diagnostic.add_help(help.into(), None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}

/// Returns the error for an unresolved call at a location.
pub(super) fn unresolved(place: Option<Span>, error: Unresolved) -> DataFusionError {
    at(place, error.message, error.help)
}
