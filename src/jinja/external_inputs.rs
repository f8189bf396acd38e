//! External inputs of templates: the inputs of a rendering that aren't in any file.

use std::collections::BTreeSet;

/// The external inputs that all templates of an invocation used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalInputs {
    /// The environment variables, set or not.
    pub env_vars: BTreeSet<String>,
    /// Whether any template used the time or the invocation's id.
    pub volatile: bool,
}
