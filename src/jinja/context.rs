//! Template inputs: everything is passed in by value, and the caller resolves names.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::message::MessageListener;
use crate::name::{PackageName, Relation};

/// The version of dbt whose language and artifacts these are.
pub const DBT_VERSION: &str = "1.12.0";

/// The inputs shared by all templates of an invocation.
#[derive(Debug, Clone)]
pub struct Globals {
    /// The project's name.
    pub project_name: String,
    /// The project's variables, overridden by those of the command line.
    pub vars: Map<String, Value>,
    /// The variables of each installed package, overridden by the project's and those of the command line.
    pub package_vars: BTreeMap<String, Map<String, Value>>,
    /// The packages that `adapter.dispatch` searches, by the namespace that it asks for.
    pub dispatch: BTreeMap<String, Vec<String>>,
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
    /// The receiver of what templates print and log.
    pub messages: MessageListener,
    /// The texts of the documentation blocks, which `doc` returns.
    pub docs: BTreeMap<PackageName, String>,
}

impl Globals {
    /// Returns the variables of a package, or those of the project itself.
    pub(super) fn vars_of(&self, package: &str) -> &Map<String, Value> {
        self.package_vars.get(package).unwrap_or(&self.vars)
    }
}

/// The nodes of a project, for templates that look at them while they are compiled.
#[derive(Debug, Clone, Default)]
pub struct GraphContext {
    /// The value of `graph`: dbt's `nodes`, `sources`, `exposures` and so on, by unique id.
    pub graph: Map<String, Value>,
    /// The value of `selected_resources`: the unique ids of the selected nodes.
    pub selected: Vec<String>,
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
    /// Whether the template is a hook, in which the adapter's methods that drop tables may be called.
    pub is_hook: bool,
    /// A unit test's overrides of the project's own values.
    pub overrides: Arc<Overrides>,
    /// Other names with their values.
    pub values: Map<String, Value>,
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

/// Resolver for `ref` and `source`: returns placeholders while parsing, and tables while compiling. `from` is
/// the package of the template that asks.
pub trait NameResolver: Send + Sync {
    /// Returns the relation that `ref` denotes, or an error message.
    fn reference(&self, from: &str, package: Option<&str>, name: &str) -> Result<Relation, String>;
    /// Returns the relation that `source` denotes, or an error message.
    fn source(&self, from: &str, source: &str, table: &str) -> Result<Relation, String>;
}
