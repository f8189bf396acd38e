//! Column lineage as `headwater lineage` prints it.
//!
//! - [`text`]: trees and tables for people
//! - [`impact`]: what a change would touch
//! - [`diagram`]: Mermaid and Graphviz
//! - [`json`]: for programs

mod diagram;
mod impact;
mod json;
mod text;

use std::collections::BTreeSet;

use crate::{
    lineage::{ColumnId, Direction, Impact, Lineage, Slice, Subject, Use},
    manifest::Manifest,
    name::NodeId,
    text::json_escaped,
};

/// What is asked of a project's lineage.
pub struct Asked<'a> {
    /// Where its nodes are known by name.
    pub manifest: &'a Manifest,
    /// The lineage.
    pub lineage: &'a Lineage,
    /// About what.
    pub subject: &'a Subject,
    /// In which directions; none means one step upstream of a node, and everything of a column.
    pub direction: Option<Direction>,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineageFormat {
    /// Trees and tables.
    Tree {
        /// Whether in colour.
        colour: bool,
    },
    /// One JSON document.
    Json,
    /// A Mermaid flowchart.
    Mermaid,
    /// A Graphviz graph.
    Dot,
}

impl Asked<'_> {
    /// The answer, with a line end.
    #[must_use]
    pub fn lineage(&self, format: LineageFormat) -> String {
        match format {
            LineageFormat::Tree { colour } => text::lineage(self, colour),
            LineageFormat::Json => json_escaped(format!("{:#}\n", json::lineage(self))),
            LineageFormat::Mermaid => diagram::mermaid(self),
            LineageFormat::Dot => diagram::dot(self),
        }
    }

    /// What a change would touch, for people; with a line end.
    #[must_use]
    pub fn impact_text(&self, colour: bool) -> String {
        impact::text(self, &self.impact(), colour)
    }

    /// What a change would touch, as JSON; with a line end.
    #[must_use]
    pub fn impact_json(&self) -> String {
        json_escaped(format!("{:#}\n", impact::json(self, &self.impact())))
    }

    fn impact(&self) -> Impact {
        self.lineage.impact(&self.subject.columns(self.lineage), self.manifest)
    }

    fn directions(&self) -> Vec<Direction> {
        match self.direction {
            Some(direction) => vec![direction],
            None => vec![Direction::Upstream, Direction::Downstream],
        }
    }

    fn slice(&self) -> Slice {
        self.lineage.slice(&self.subject.columns(self.lineage), &self.directions())
    }

    /// What people call a node.
    fn name(&self, id: &NodeId) -> String {
        self.manifest.nodes.get(id).map_or_else(|| id.to_string(), crate::manifest::Node::display_name)
    }

    /// What people call a column.
    fn column(&self, id: &ColumnId) -> String {
        format!("{}.{}", self.name(&id.node), id.column)
    }
}

/// `filter, join`
fn words(kinds: &BTreeSet<Use>) -> String {
    kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(", ")
}
