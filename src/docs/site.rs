//! Data model of the page. Nodes are referred to by their index in [`Site::nodes`], and columns by their
//! index in their node.
//!
//! An [`SiteNode`] has what lists and graphs need of a node and is loaded at once. A [`SiteDetail`] has what
//! only the node's own page needs; it is in a part that is unpacked on demand.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// The number of nodes whose details are packed into one part.
pub const PART: usize = 100;

/// A project, as its documentation shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// The project's name.
    pub project: String,
    /// The time at which the page was generated, as RFC 3339.
    pub generated_at: String,
    /// Headwater's version.
    pub tool_version: &'static str,
    /// The target whose tables are shown.
    pub target: String,
    /// The project's overview in Markdown; empty if there is none.
    pub overview: String,
    /// The variables and their values.
    pub vars: Map<String, Value>,
    /// The last run whose results are shown.
    pub last_run: Option<SiteLastRun>,
    pub nodes: Vec<SiteNode>,
    /// The project's macros.
    pub macros: Vec<SiteMacro>,
    pub groups: Vec<SiteGroup>,
    /// The words of selectors.
    pub selection: SiteSelection,
    /// The number of nodes whose details are in one part.
    pub part: usize,
    /// The details, in node order.
    #[serde(skip)]
    pub details: Vec<SiteDetail>,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct SiteLastRun {
    /// The time at which the run ended, as RFC 3339.
    pub at: Option<String>,
    /// The command, such as `build`.
    pub command: Option<String>,
}

/// The part of a node that lists, search and the graph need.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SiteNode {
    /// The node's unique id.
    pub id: String,
    /// dbt's resource type.
    pub kind: SiteKind,
    /// The display name.
    pub name: String,
    /// The path of the file that declares the node.
    pub path: String,
    /// The fully qualified name: project, folders, name.
    pub fqn: Vec<String>,
    /// The table's schema in the lake, which reflects the model's layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The table's name in that schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The materialization of a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub materialized: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The group that the node belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The description in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The settings, for `config.…:` selectors.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// The columns, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<SiteColumn>,
    /// The columns that determine which rows the node has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<SiteUse>,
    /// The indices of the upstream nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<usize>,
    /// The size of the table, if it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<SiteTableStatistics>,
    /// The outcome in the last run; for a test, its latest verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<SiteResult>,
    /// The test-specific part, for tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<SiteTest>,
    /// The source-specific part, for sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SiteSource>,
    /// The exposure-specific part, for exposures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<SiteExposure>,
}

/// A column: its name, type, description and lineage.
#[derive(Debug, Clone, Serialize)]
pub struct SiteColumn {
    /// The column's name.
    pub name: String,
    /// The type, as written in SQL.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The description in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The columns that its values derive from: node, column and kind, such as `copied`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(usize, usize, SiteDerivation)>,
    /// The columns that determine which value it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<SiteUse>,
}

/// A column and how it is used: node, column and uses, such as `join`.
pub type SiteUse = (usize, usize, Vec<SiteColumnUse>);

/// dbt's resource type of a node.
pub type SiteKind = &'static str;
/// The way in which a column's values derive from another's.
pub type SiteDerivation = &'static str;
/// A use of a column other than for its values.
pub type SiteColumnUse = &'static str;
/// The kind of a test.
pub type SiteTestKind = &'static str;
/// The severity of a test's failures.
pub type SiteSeverity = &'static str;
/// The name of a selection method.
pub type SiteMethod = &'static str;

/// The words of selectors, which the page understands as the command line does.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SiteSelection {
    /// The methods.
    pub methods: Vec<SiteMethod>,
    /// Other methods of dbt, and those that only the command line has.
    pub other_methods: Vec<&'static str>,
    /// dbt's resource types, including those that no project has here.
    pub resource_types: Vec<&'static str>,
    /// The values of `test_type:`, each with the kinds of tests that it selects.
    pub test_types: BTreeMap<&'static str, Vec<SiteTestKind>>,
    /// The extensions by which a value without a method is taken for a file.
    pub file_extensions: Vec<&'static str>,
}

/// The newest version of a table.
#[derive(Debug, Clone, Serialize)]
pub struct SiteTableStatistics {
    /// The version number.
    pub version: u64,
    /// The number of rows, if the log records it.
    pub rows: Option<u64>,
    /// The number of data files.
    pub files: usize,
    /// The size of the data files in bytes.
    pub bytes: u64,
    /// The partition columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<String>,
    /// The commit time, as RFC 3339.
    pub at: Option<String>,
}

/// The outcome of a node.
#[derive(Debug, Clone, Serialize)]
pub struct SiteResult {
    /// dbt's status.
    pub status: String,
    /// The number of failing rows that a test found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// The execution time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The message, if the outcome isn't a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A test.
#[derive(Debug, Clone, Serialize)]
pub struct SiteTest {
    /// The generic test's name, such as `not_null`, or a singular test's own name.
    pub name: String,
    /// The kind of test.
    pub kind: SiteTestKind,
    /// The column that the test is declared on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The index of the node that the test is declared on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// The arguments, as in YAML.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
    /// The severity of its failures; unit tests have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<SiteSeverity>,
}

/// A source table.
#[derive(Debug, Clone, Serialize)]
pub struct SiteSource {
    /// The name of the source that contains the table.
    pub name: String,
    /// The description of that source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The tool or team that loads the source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub loader: String,
    /// The format: `json`, `sqlite`, `delta` and so on.
    pub format: String,
    /// The location, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The freshness limits, such as `warn after 12 hours`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// The age at the last freshness check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<SiteAge>,
}

/// The result of a freshness check.
#[derive(Debug, Clone, Serialize)]
pub struct SiteAge {
    /// `pass`, `warn`, `error` or `runtime error`.
    pub status: String,
    /// The time at which the newest row was loaded, as RFC 3339.
    pub max_loaded_at: Option<String>,
    /// The time of the check, as RFC 3339.
    pub asked_at: Option<String>,
    /// The age in seconds.
    pub seconds: Option<f64>,
}

/// An exposure.
#[derive(Debug, Clone, Serialize)]
pub struct SiteExposure {
    /// The type, such as `dashboard`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The display name.
    pub label: Option<String>,
    pub maturity: Option<String>,
    pub url: Option<String>,
    /// The owner's email addresses.
    pub email: Vec<String>,
}

/// A macro.
#[derive(Debug, Clone, Serialize)]
pub struct SiteMacro {
    /// The macro's name.
    pub name: String,
    /// The path of the macro's file.
    pub path: String,
    /// The description in Markdown.
    pub description: String,
    /// The arguments: name, type and description.
    pub arguments: Vec<(String, Option<String>, String)>,
    /// The names of the macros it calls.
    pub calls: Vec<String>,
    /// The indices of the nodes that call it.
    pub used_by: Vec<usize>,
    /// The complete source text.
    pub text: String,
}

/// A group.
#[derive(Debug, Clone, Serialize)]
pub struct SiteGroup {
    /// The group's name.
    pub name: String,
    /// The description in Markdown.
    pub description: String,
    pub owner: Option<String>,
}

/// The part of a node that only its own page shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SiteDetail {
    /// The SQL as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The compiled SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<String>,
    /// The newest versions, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<SiteVersion>,
    /// The files that the table was loaded from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<SiteLedger>,
    /// The rows and files rejected from its sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<SiteRejects>,
}

/// A version of a table.
#[derive(Debug, Clone, Serialize)]
pub struct SiteVersion {
    /// The version number.
    pub version: u64,
    /// The commit time, as RFC 3339.
    pub at: Option<String>,
    /// The id of the run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The number of rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The build time in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// The reason for the build.
    pub why: String,
}

/// The rows and files that were rejected from a table's sources.
#[derive(Debug, Clone, Serialize)]
pub struct SiteRejects {
    /// The companion table that holds them.
    pub table: String,
    /// The display names of the sources.
    pub sources: Vec<String>,
    /// The number of rows rejected individually.
    pub rows: u64,
    /// The number of files rejected as a whole.
    pub files: u64,
    /// The number of rejected rows that were acknowledged.
    pub accepted_rows: u64,
    /// The number of rejected files that were acknowledged.
    pub accepted_files: u64,
    /// The person who last acknowledged rejects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
    /// The time of that acknowledgement, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<String>,
    /// Sample rejects: `file:line: reason`.
    pub sample: Vec<String>,
}

/// The files that a table was loaded from.
#[derive(Debug, Clone, Serialize)]
pub struct SiteLedger {
    /// The index of the source that the files belong to.
    pub source: Option<usize>,
    /// The number of files per status.
    pub counts: BTreeMap<&'static str, usize>,
    /// The number of their rows in the table.
    pub rows: u64,
    /// The number of their rows that were rejected.
    pub rejected_rows: u64,
    /// The files: first those that need attention, then the newest. Long lists are truncated.
    pub files: Vec<SiteFile>,
}

/// A file of a ledger.
#[derive(Debug, Clone, Serialize)]
pub struct SiteFile {
    /// The file's name.
    pub file: String,
    /// The load status.
    pub status: &'static str,
    /// The number of its rows in the table.
    pub rows: u64,
    /// The number of its rows that were rejected.
    pub rejected: u64,
    /// The size in bytes.
    pub size: u64,
    /// The load time, as RFC 3339.
    pub at: Option<String>,
    /// The reason for its rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
