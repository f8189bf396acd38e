//! What a template is given: everything comes in by value, and names are resolved by the caller.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::name::Relation;

/// What is the same for all templates of an invocation.
#[derive(Debug, Clone)]
pub struct Globals {
    /// The project's name.
    pub project_name: String,
    /// The project's variables, with the command line's already laid over them.
    pub vars: Map<String, Value>,
    /// What `target` is: name, schema, threads, type, ….
    pub target: Value,
    /// The environment, as `env_var` sees it.
    pub env: BTreeMap<String, String>,
    /// When the invocation started.
    pub run_started_at: DateTime<Utc>,
    /// The invocation's id.
    pub invocation_id: String,
    /// What `flags` is.
    pub flags: Value,
    /// The texts of the documentation blocks, which `doc` gives.
    pub docs: BTreeMap<String, String>,
}

/// What is particular to the node whose template is rendered.
#[derive(Debug, Clone, Default)]
pub struct NodeContext {
    /// The node's name.
    pub name: String,
    /// The node's unique id.
    pub unique_id: String,
    /// What `this` is; nodes without a table have none.
    pub this: Option<Relation>,
    /// What `is_incremental()` answers.
    pub is_incremental: bool,
    /// What `config.get` sees.
    pub config: Map<String, Value>,
    /// Whether the node is being compiled (`execute`) or only read for its references.
    pub executing: bool,
    /// What templates see instead of the project's own.
    pub overrides: Arc<Overrides>,
}

/// What a unit test puts in the place of the project's own.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// What macros give, by their names; `package.name` for those of a package.
    pub macros: Map<String, Value>,
    /// Variables.
    pub vars: Map<String, Value>,
    /// Environment variables.
    pub env_vars: BTreeMap<String, String>,
}

/// How `ref` and `source` are resolved: while parsing, to a placeholder; while compiling, to tables.
pub trait Names: Send + Sync {
    /// The relation `ref` means, or what to say if there is none.
    fn reference(&self, package: Option<&str>, name: &str) -> Result<Relation, String>;
    /// The relation `source` means, or what to say if there is none.
    fn source(&self, source: &str, table: &str) -> Result<Relation, String>;
}
