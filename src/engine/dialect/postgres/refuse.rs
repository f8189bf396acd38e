//! Refusals: what isn't supported, where it is written, and what to write instead.

use datafusion::{
    common::{Diagnostic, Span},
    error::DataFusionError,
    sql::sqlparser::tokenizer,
};

use crate::engine::function::postgres::resolve::Unresolved;

/// A construct that can't be planned as PostgreSQL means it.
#[derive(Debug)]
pub(super) struct Refused {
    message: String,
    help: String,
    span: Option<Span>,
}

impl Refused {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>, span: tokenizer::Span) -> Self {
        let span = Span::try_from_sqlparser_span(span);
        Self { message: message.into(), help: help.into(), span }
    }

    /// Something that isn't on the list.
    pub(super) fn unlisted(what: &str, help: impl Into<String>, span: tokenizer::Span) -> Self {
        Self::new(format!("{what} is not supported with `dialect: postgresql`"), help, span)
    }
}

impl From<Refused> for DataFusionError {
    fn from(refused: Refused) -> Self {
        let mut diagnostic = Diagnostic::new_error(&refused.message, refused.span);
        diagnostic.add_help(refused.help, None);
        Self::NotImplemented(refused.message).with_diagnostic(diagnostic)
    }
}

/// An error of the type check, at a place.
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

/// An unresolved call, at a place.
pub(super) fn unresolved(place: Option<Span>, error: Unresolved) -> DataFusionError {
    at(place, error.message, error.help)
}
