//! Findings of our own functions on their way through `MiniJinja`.

use std::fmt;

use minijinja::{Error, ErrorKind};

use crate::diag::Diagnostic;

/// A finding as an error; [`super::explain`] takes it out again and adds the places.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Diagnostic);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

/// A finding as an error a function can give.
pub(super) fn fault(finding: Diagnostic) -> Error {
    Error::new(ErrorKind::InvalidOperation, finding.message.clone()).with_source(Fault(finding))
}
