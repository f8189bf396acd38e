//! Column lineage as `headwater lineage` prints it.
//!
//! - [`text`]: trees and tables for people
//! - [`impact`]: the impact of a change
//! - [`diagram`]: Mermaid and Graphviz
//! - [`json`]: for programs

mod diagram;
mod impact;
mod json;
mod text;

use std::collections::BTreeSet;

use crate::{
    lineage::{ColumnId, ColumnUse, Impact, Lineage, LineageDirection, LineageSubject, Slice},
    manifest::Manifest,
    name::NodeId,
    text::json_escaped,
};

pub struct LineageQuery<'a> {
    /// The manifest, which knows the nodes by name.
    pub manifest: &'a Manifest,
    /// The project's lineage.
    pub lineage: &'a Lineage,
    /// The node or column to report on.
    pub subject: &'a LineageSubject,
    /// The direction to follow. `None` means one step upstream for a node, and both directions for a column.
    pub direction: Option<LineageDirection>,
}

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineageFormat {
    /// Trees and tables.
    Tree {
        /// Whether to colour the output.
        colour: bool,
    },
    /// One JSON document.
    Json,
    /// A Mermaid flowchart.
    Mermaid,
    /// A Graphviz graph.
    Dot,
}

impl LineageQuery<'_> {
    /// Renders the lineage, with a final line break.
    #[must_use]
    pub fn lineage(&self, format: LineageFormat) -> String {
        match format {
            LineageFormat::Tree { colour } => text::lineage(self, colour),
            LineageFormat::Json => json_escaped(format!("{:#}\n", json::lineage(self))),
            LineageFormat::Mermaid => diagram::mermaid(self),
            LineageFormat::Dot => diagram::dot(self),
        }
    }

    /// Renders the impact of a change for people, with a final line break.
    #[must_use]
    pub fn impact_text(&self, colour: bool) -> String {
        impact::text(self, &self.impact(), colour)
    }

    /// Renders the impact of a change as JSON, with a final line break.
    #[must_use]
    pub fn impact_json(&self) -> String {
        json_escaped(format!("{:#}\n", impact::json(self, &self.impact())))
    }

    fn impact(&self) -> Impact {
        self.lineage.impact(&self.subject.columns(self.lineage), self.manifest)
    }

    fn directions(&self) -> Vec<LineageDirection> {
        match self.direction {
            Some(direction) => vec![direction],
            None => vec![LineageDirection::Upstream, LineageDirection::Downstream],
        }
    }

    fn slice(&self) -> Slice {
        self.lineage.slice(&self.subject.columns(self.lineage), &self.directions())
    }

    /// Returns a node's display name.
    fn name(&self, id: &NodeId) -> String {
        self.manifest.nodes.get(id).map_or_else(|| id.to_string(), crate::manifest::Node::display_name)
    }

    /// Returns a column's display name.
    fn column(&self, id: &ColumnId) -> String {
        format!("{}.{}", self.name(&id.node), id.column)
    }
}

/// `filter, join`
fn words(kinds: &BTreeSet<ColumnUse>) -> String {
    kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}
