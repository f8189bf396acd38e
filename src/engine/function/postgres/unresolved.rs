//! Errors of calls that can't be resolved.

/// Why a call can't be resolved: a message, and what to write instead.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Unresolved {
    pub(in crate::engine) message: String,
    pub(in crate::engine) help: String,
}

impl Unresolved {
    pub(in crate::engine) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}
