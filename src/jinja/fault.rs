//! Transport of our functions' diagnostics through `MiniJinja`.

use std::fmt;

use minijinja::{Error, ErrorKind};

use crate::diag::Diagnostic;

/// A diagnostic wrapped as an error; [`super::explain`] unwraps it and adds positions.
#[derive(Debug)]
pub(super) struct TemplateFault(pub(super) Diagnostic);

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for TemplateFault {}

/// Wraps a diagnostic as an error that a function can return.
pub(super) fn fault(finding: Diagnostic) -> Error {
    Error::new(ErrorKind::InvalidOperation, finding.message.clone()).with_source(TemplateFault(finding))
}
