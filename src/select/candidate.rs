//! What the selection language can know of a node.

use std::collections::BTreeSet;

use crate::name::NodeId;

/// A node that can be selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which node.
    pub id: NodeId,
    /// dbt's name of its kind: `model`, `source`, …
    pub resource_type: &'static str,
    /// Its own name; a source table's is the table's.
    pub name: String,
    /// The project that declares it.
    pub package: String,
    /// Its qualified name: the project, the folders, the name.
    pub fqn: Vec<String>,
    /// The file that declares it, relative to the project, with `/`.
    pub path: String,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// For a source table, the source that it belongs to.
    pub source_name: Option<String>,
    /// Its resolved configuration, an object.
    pub config: serde_json::Value,
    /// What it is as a test, if it is one.
    pub test: Option<TestTraits>,
}

/// What the language can know of a test. A test reads the nodes it tests, and nothing reads a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTraits {
    /// A generic test's name (`not_null`), or the test's own.
    pub test_name: String,
    /// Which kind of test.
    pub kind: TestKind,
}

/// dbt's kinds of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// A use of a generic test.
    Generic,
    /// A file.
    Singular,
    /// Rows by hand.
    Unit,
}

impl Candidate {
    /// The last part of the declaring file's path.
    pub(super) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether only a method of its own selects it by name: a source or an exposure.
    pub(super) fn is_named_by_method(&self) -> bool {
        self.source_name.is_some() || self.resource_type == "exposure"
    }

    /// The source and the table in it, if this is one.
    pub(super) fn source_table(&self) -> Option<(&str, &str)> {
        self.source_name.as_deref().map(|source| (source, self.name.as_str()))
    }
}
