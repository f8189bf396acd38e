//! Refusals: errors for syntax that the dialect doesn't support.

use datafusion::{
    common::{self, Diagnostic},
    error::DataFusionError,
    sql::sqlparser::tokenizer::Span,
};

/// A construct that can't be planned with DuckDB's meaning.
#[derive(Debug)]
pub(super) struct SyntaxRefusal {
    /// The error message.
    pub(super) message: String,
    /// A suggestion of what to write instead.
    pub(super) help: Option<String>,
    /// The span of the construct.
    pub(super) span: Span,
}

impl SyntaxRefusal {
    pub(super) fn new(message: impl Into<String>, help: Option<&str>, span: Span) -> Self {
        Self { message: message.into(), help: help.map(Into::into), span }
    }
}

/// Converts a refusal to an error with a diagnostic.
pub(super) fn refused(refused: SyntaxRefusal) -> DataFusionError {
    let mut diagnostic = Diagnostic::new_error(&refused.message, span(refused.span));
    if let Some(help) = &refused.help {
        diagnostic.add_help(help, None);
    }
    DataFusionError::NotImplemented(refused.message).with_diagnostic(diagnostic)
}

/// Converts a span of the parser to one of a diagnostic.
pub(super) fn span(span: Span) -> Option<common::Span> {
    common::Span::try_from_sqlparser_span(span)
}
