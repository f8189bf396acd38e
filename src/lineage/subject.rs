//! Lineage subjects: resolves `stg_readings`, `stg_readings.interval_start` or
//! `files.readings.meterpoint_id`.

use super::project::{ColumnId, Lineage};
use crate::{
    diag::near,
    manifest::{Manifest, Node},
    name::NodeId,
};

/// A node or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineageSubject {
    /// All columns of a node.
    Node(NodeId),
    /// One column.
    Column(ColumnId),
}

/// An unknown name, with an error message and perhaps a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSubject {
    /// The error message.
    pub message: String,
    /// A suggestion, if there is one.
    pub hint: Option<String>,
}

impl LineageSubject {
    /// Finds a node or column by name: a model, seed or snapshot by its name, a source table by
    /// `source.table`, or any of them by unique ID. A column name may follow after a dot and is
    /// case-insensitive.
    ///
    /// # Errors
    /// If there is no such node or column.
    pub fn find(text: &str, manifest: &Manifest, lineage: &Lineage) -> Result<Self, UnknownSubject> {
        let (node, column) = Self::node_named(text, manifest)?;
        if column.is_empty() {
            return Ok(Self::Node(node.id().clone()));
        }
        let columns = lineage.nodes.get(node.id()).map(|node| node.columns.as_slice()).unwrap_or_default();
        let exact = columns.iter().find(|known| known.name == column);
        let found = exact.or_else(|| columns.iter().find(|known| known.name.eq_ignore_ascii_case(column)));
        if let Some(known) = found {
            return Ok(Self::Column(ColumnId { node: node.id().clone(), column: known.name.clone() }));
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let hint = near::question(column, names.iter().copied())
            .unwrap_or_else(|| format!("its columns: {}", names.join(", ")));
        let message = format!("`{}` has no column `{column}`", node.display_name());
        Err(UnknownSubject { message, hint: Some(hint) })
    }

    /// Finds the node whose name a text starts with. Returns it with the text after the following dot, which
    /// may be empty.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn node_named<'m, 't>(
        text: &'t str,
        manifest: &'m Manifest,
    ) -> Result<(&'m Node, &'t str), UnknownSubject> {
        let is_meant = |node: &&Node| {
            let name = node.display_name();
            [name.as_str(), node.id().as_str()].iter().any(|name| {
                text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let nodes = || manifest.nodes.values().filter(|node| node.relation().is_some());
        // The longest name wins, because a source can have the name of a model.
        let Some(node) = nodes().filter(is_meant).max_by_key(|node| matched(text, node)) else {
            let names: Vec<String> = nodes().map(Node::display_name).collect();
            let asked = text.split('.').next().unwrap_or(text);
            let hint = near::question(asked, names.iter().map(String::as_str))
                .or_else(|| near::question(text, names.iter().map(String::as_str)));
            let message = format!("no model, seed, snapshot or source is called `{text}`");
            return Err(UnknownSubject { message, hint });
        };
        Ok((node, text[matched(text, node)..].trim_start_matches('.')))
    }

    /// Returns the column, or all columns of the node.
    #[must_use]
    pub fn columns(&self, lineage: &Lineage) -> Vec<ColumnId> {
        match self {
            Self::Column(column) => vec![column.clone()],
            Self::Node(id) => {
                let node = lineage.nodes.get(id);
                let names = node.into_iter().flat_map(|node| &node.columns).map(|column| &column.name);
                names.map(|name| ColumnId { node: id.clone(), column: name.clone() }).collect()
            }
        }
    }
}

/// Returns the length of the node's name at the start of the text.
fn matched(text: &str, node: &Node) -> usize {
    let name = node.display_name();
    let lengths = [name.as_str(), node.id().as_str()].into_iter().filter(|name| text.starts_with(name));
    lengths.map(str::len).max().unwrap_or_default()
}
