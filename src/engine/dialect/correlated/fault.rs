//! Errors for steps of subqueries that can't be computed for many rows at once.

use datafusion::{common::Diagnostic, error::DataFusionError};

/// Returns an error for an unsupported construct, with a help text.
pub(super) fn refused(message: &str, help: &str) -> DataFusionError {
    let diagnostic = Diagnostic::new_error(message, None).with_help(help, None);
    DataFusionError::NotImplemented(message.to_owned()).with_diagnostic(diagnostic)
}
