//! What templates ask of their surroundings: the inputs of a rendering that are in no file.

use std::collections::BTreeSet;

/// What the templates of an invocation asked for, all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The environment variables, set or not.
    pub env_vars: BTreeSet<String>,
    /// Whether any asked for the time or the invocation's id.
    pub volatile: bool,
}
