//! What the page reads. Nodes are named by their place in [`Site::nodes`], columns by their place in their node.
//!
//! What a list or a graph needs of a node is its [`Entry`], there from the start; what only the node's own page needs is
//! its [`Detail`], which lies in a part that is unpacked when somebody looks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// Nodes whose details are packed together.
pub const PART: usize = 100;

/// A project as its documentation shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// The project's name.
    pub project: String,
    /// When the page was made, as RFC 3339.
    pub generated_at: String,
    /// The version of Headwater.
    pub tool_version: &'static str,
    /// The target whose tables are shown.
    pub target: String,
    /// What the project says of itself, in Markdown; empty if it says nothing.
    pub overview: String,
    /// Variables and their values.
    pub vars: Map<String, Value>,
    /// The last run whose results are shown.
    pub last_run: Option<LastRun>,
    /// Every node.
    pub nodes: Vec<Entry>,
    /// Every macro of the project.
    pub macros: Vec<Macro>,
    /// Every group.
    pub groups: Vec<Group>,
    /// How many nodes' details are in a part.
    pub part: usize,
    /// The details, in the nodes' order.
    #[serde(skip)]
    pub details: Vec<Detail>,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct LastRun {
    /// When it ended, as RFC 3339.
    pub at: Option<String>,
    /// The command: `build`.
    pub command: Option<String>,
}

/// A node, as far as lists, search and the graph need it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Entry {
    /// Its unique id.
    pub id: String,
    /// dbt's name for its kind.
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// The file that declares it.
    pub path: String,
    /// Project, folders, name.
    pub fqn: Vec<String>,
    /// Its schema in the lake, by which models are layered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Its table's name in that schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// How a model is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub materialized: Option<&'static str>,
    /// Its tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The group it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it is, in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its settings, for `config.…:` selectors.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Its columns, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// The columns that decide which rows it has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Used>,
    /// The nodes it reads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<usize>,
    /// How large its table is, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// How it ended in the last run; of a test, how it judged last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What it is as a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Test>,
    /// What it is as a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What it is as an exposure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
}

/// A column: its name, its type, what is said of it, and what it is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as SQL writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What it is, in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The columns its values are made of, and how: node, column, `copied`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(usize, usize, &'static str)>,
    /// The columns that decide which value it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Used>,
}

/// A column that is used, and for what: node, column, `join`.
pub type Used = (usize, usize, Vec<&'static str>);

/// The newest version of a table.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// Its number.
    pub version: u64,
    /// Its rows, if its log tells.
    pub rows: Option<u64>,
    /// Its data files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The columns it is partitioned by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<String>,
    /// When it was committed, as RFC 3339.
    pub at: Option<String>,
}

/// How something ended.
#[derive(Debug, Clone, Serialize)]
pub struct Ended {
    /// dbt's word for it.
    pub status: String,
    /// How many rows a test found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// Seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What was said of it, if it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A test.
#[derive(Debug, Clone, Serialize)]
pub struct Test {
    /// `not_null`, or a singular test's own name.
    pub name: String,
    /// `generic`, `singular` or `unit`.
    pub kind: &'static str,
    /// The column it is declared on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The node it is declared on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// Its arguments, as YAML would say them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
    /// `error` or `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<&'static str>,
}

/// A source.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// The source it is a table of.
    pub name: String,
    /// What is said of that source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who loads it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub loader: String,
    /// What it is read from: `json`, `sqlite`, `delta`.
    pub format: String,
    /// Where that is, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// How old it may be: `warn after 12 hours`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// How old it was when last asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
}

/// How old a source was.
#[derive(Debug, Clone, Serialize)]
pub struct Age {
    /// `pass`, `warn`, `error` or `runtime error`.
    pub status: String,
    /// When its newest row came, as RFC 3339.
    pub max_loaded_at: Option<String>,
    /// When it was asked, as RFC 3339.
    pub asked_at: Option<String>,
    /// The seconds between.
    pub seconds: Option<f64>,
}

/// An exposure.
#[derive(Debug, Clone, Serialize)]
pub struct Exposure {
    /// `dashboard`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What people call it.
    pub label: Option<String>,
    /// How far it is to be relied on.
    pub maturity: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// How to write to its owner.
    pub email: Vec<String>,
}

/// A macro.
#[derive(Debug, Clone, Serialize)]
pub struct Macro {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: String,
    /// What it does, in Markdown.
    pub description: String,
    /// What it is called with: name, type, what for.
    pub arguments: Vec<(String, Option<String>, String)>,
    /// The macros it calls.
    pub calls: Vec<String>,
    /// The nodes that call it.
    pub used_by: Vec<usize>,
    /// All of it.
    pub text: String,
}

/// A group.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it is, in Markdown.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
}

/// What only a node's own page shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Detail {
    /// Its SQL as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// Its SQL as compiled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<String>,
    /// Its newest versions, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Version>,
    /// The files it was loaded from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
    /// What its sources have set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejected>,
}

/// A version of a table.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Its number.
    pub version: u64,
    /// When it was committed, as RFC 3339.
    pub at: Option<String>,
    /// The run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Its rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How long it took to make them, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Why it was made.
    pub why: String,
}

/// What the sources of a table have set aside.
#[derive(Debug, Clone, Serialize)]
pub struct Rejected {
    /// The table that holds it.
    pub table: String,
    /// The rest, as the table's newest commit says it.
    #[serde(flatten)]
    pub note: crate::lake::RejectNote,
}

/// The files of a table.
#[derive(Debug, Clone, Serialize)]
pub struct Ledger {
    /// The source that they are of.
    pub source: Option<usize>,
    /// How many files there are of each status.
    pub counts: BTreeMap<&'static str, usize>,
    /// The rows of them in the table.
    pub rows: u64,
    /// The rows of them that were set aside.
    pub rejected_rows: u64,
    /// The files: those with something to say first, then the newest. Not all, if there are many.
    pub files: Vec<File>,
}

/// A file.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// Its name.
    pub file: String,
    /// What became of it.
    pub status: &'static str,
    /// The rows of it in the table.
    pub rows: u64,
    /// The rows of it that were set aside.
    pub rejected: u64,
    /// Its bytes.
    pub size: u64,
    /// When it was loaded, as RFC 3339.
    pub at: Option<String>,
    /// Why it was set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
