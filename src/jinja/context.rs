//! Template inputs: everything is passed in by value, and the caller resolves names.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::name::Relation;

/// The inputs shared by all templates of an invocation.
#[derive(Debug, Clone)]
pub struct Globals {
    /// The project's name.
    pub project_name: String,
    /// The project's variables, overridden by those of the command line.
    pub vars: Map<String, Value>,
    /// The value of `target`: name, schema, threads, type and so on.
    pub target: Value,
    /// The environment variables that `env_var` reads.
    pub env: BTreeMap<String, String>,
    /// The invocation's start time.
    pub run_started_at: DateTime<Utc>,
    /// The invocation's id.
    pub invocation_id: String,
    /// The value of `flags`.
    pub flags: Value,
    /// The texts of the documentation blocks, which `doc` returns.
    pub docs: BTreeMap<String, String>,
}

/// The inputs specific to the node whose template is rendered.
#[derive(Debug, Clone, Default)]
pub struct NodeContext {
    /// The node's name.
    pub name: String,
    /// The node's unique id.
    pub unique_id: String,
    /// The value of `this`, or `None` for nodes without a table.
    pub this: Option<Relation>,
    /// The result of `is_incremental()`.
    pub is_incremental: bool,
    /// The settings that `config.get` reads.
    pub config: Map<String, Value>,
    /// Whether the node is being compiled (`execute`), rather than only parsed for references.
    pub executing: bool,
    /// A unit test's overrides of the project's own values.
    pub overrides: Arc<Overrides>,
}

/// Values that a unit test substitutes for the project's own.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Return values of macros, by name; `package.name` for a package's macro.
    pub macros: Map<String, Value>,
    /// Variables.
    pub vars: Map<String, Value>,
    /// Environment variables.
    pub env_vars: BTreeMap<String, String>,
}

/// Resolver for `ref` and `source`: returns placeholders while parsing, and tables while compiling.
pub trait NameResolver: Send + Sync {
    /// Returns the relation that `ref` denotes, or an error message.
    fn reference(&self, package: Option<&str>, name: &str) -> Result<Relation, String>;
    /// Returns the relation that `source` denotes, or an error message.
    fn source(&self, source: &str, table: &str) -> Result<Relation, String>;
}
