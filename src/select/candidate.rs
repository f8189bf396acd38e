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
}

impl Candidate {
    /// The last part of the declaring file's path.
    pub(super) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The source and the table in it, if this is one.
    pub(super) fn source_table(&self) -> Option<(&str, &str)> {
        self.source_name.as_deref().map(|source| (source, self.name.as_str()))
    }
}
