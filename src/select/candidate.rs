//! Selection candidates: the properties of a node that the selection language can use.

use std::collections::BTreeSet;

use super::{comparison::Comparison, version_stage::VersionStage};
use crate::name::NodeId;

/// A node that can be selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The node's ID.
    pub id: NodeId,
    /// The node's name; for a source table, the table's name.
    pub name: String,
    /// The qualified name: project, folders, name.
    pub fqn: Vec<String>,
    /// Whether it belongs to an installed package rather than to the project itself.
    pub is_installed: bool,
    /// The declaring file, relative to its package, with `/`.
    pub path: String,
    pub tags: BTreeSet<String>,
    /// For a source table, the source that it belongs to.
    pub source_name: Option<String>,
    /// The resolved configuration, an object.
    pub config: serde_json::Value,
    /// The properties of a test, if the node is one.
    pub test: Option<TestTraits>,
    /// The stage of its version, if it is a version of a model.
    pub version: Option<VersionStage>,
    /// The comparison with an earlier state, filled in only if criteria ask for it.
    pub comparison: Comparison,
}

/// The properties of a test. A test reads the nodes it tests, and nothing reads a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTraits {
    /// The generic test's name (`not_null`), or the test's own.
    pub test_name: String,
    /// The kind of the test.
    pub kind: TestKind,
}

/// dbt's kinds of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKind {
    /// A generic test applied to a node or column.
    Generic,
    /// A SQL file.
    Singular,
    /// A unit test with fixture rows.
    Unit,
}

impl TestKind {
    /// All kinds.
    pub(crate) const ALL: [Self; 3] = [Self::Generic, Self::Singular, Self::Unit];

    /// Returns dbt's name for the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Singular => "singular",
            Self::Unit => "unit",
        }
    }
}

impl Candidate {
    /// Returns the name of the declaring file.
    pub(super) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Returns the source and the table if the node is a source table.
    pub(super) fn source_table(&self) -> Option<(&str, &str)> {
        self.source_name.as_deref().map(|source| (source, self.name.as_str()))
    }
}
