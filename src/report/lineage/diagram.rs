//! Lineage in diagram languages: Mermaid flowcharts and Graphviz graphs.

use std::{collections::BTreeMap, fmt::Write as _};

use super::LineageQuery;
use crate::{
    lineage::{ColumnId, Derivation, Edge, Slice},
    name::NodeId,
};

/// The nodes of a slice, numbered in order, each with its columns.
struct Numbered<'a> {
    nodes: BTreeMap<&'a NodeId, (usize, Vec<&'a ColumnId>)>,
}

impl<'a> Numbered<'a> {
    fn new(slice: &'a Slice) -> Self {
        let mut nodes: BTreeMap<&NodeId, (usize, Vec<&ColumnId>)> = BTreeMap::new();
        for column in &slice.columns {
            nodes.entry(&column.node).or_default().1.push(column);
        }
        for (number, node) in nodes.values_mut().enumerate() {
            node.0 = number;
        }
        Self { nodes }
    }

    /// Returns the number of a column's node and the column's number within it.
    fn of(&self, column: &ColumnId) -> Option<(usize, usize)> {
        let (number, columns) = self.nodes.get(&column.node)?;
        Some((*number, columns.iter().position(|known| *known == column)?))
    }

    fn ends(&self, edge: &Edge) -> Option<[(usize, usize); 2]> {
        Some([self.of(&edge.from)?, self.of(&edge.to)?])
    }
}

/// Renders a Mermaid flowchart with one box per node that contains its columns. Edges of plain copies have no
/// label.
pub(super) fn mermaid(query: &LineageQuery<'_>) -> String {
    let slice = query.slice();
    let numbered = Numbered::new(&slice);
    let mut text = String::from("flowchart LR\n");
    // Writing to a string can't fail.
    for (id, (number, columns)) in &numbered.nodes {
        let _ = writeln!(text, "  subgraph n{number}[\"{}\"]", entity(&query.name(id)));
        for (at, column) in columns.iter().enumerate() {
            let _ = writeln!(text, "    n{number}c{at}[\"{}\"]", entity(&column.column));
        }
        text.push_str("  end\n");
    }
    for edge in &slice.edges {
        let Some([(from, from_at), (to, to_at)]) = numbered.ends(edge) else { continue };
        let word = word(edge.how).map(|word| format!("|{word}|")).unwrap_or_default();
        let _ = writeln!(text, "  n{from}c{from_at} -->{word} n{to}c{to_at}");
    }
    text
}

/// Renders a Graphviz graph with one record per node and one port per column.
pub(super) fn dot(query: &LineageQuery<'_>) -> String {
    let slice = query.slice();
    let numbered = Numbered::new(&slice);
    let mut text =
        String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=record, fontname=\"sans-serif\"];\n");
    for (id, (number, columns)) in &numbered.nodes {
        let mut label = escaped(&query.name(id));
        for (at, column) in columns.iter().enumerate() {
            let _ = write!(label, "|<c{at}> {}", escaped(&column.column));
        }
        let _ = writeln!(text, "  n{number} [label=\"{label}\"];");
    }
    for edge in &slice.edges {
        let Some([(from, from_at), (to, to_at)]) = numbered.ends(edge) else { continue };
        let word = word(edge.how).map(|word| format!(" [label=\"{word}\"]")).unwrap_or_default();
        let _ = writeln!(text, "  n{from}:c{from_at} -> n{to}:c{to_at}{word};");
    }
    text + "}\n"
}

fn word(how: Derivation) -> Option<&'static str> {
    (how > Derivation::Copied).then(|| how.word())
}

/// Escapes a name for a quoted Mermaid label.
fn entity(name: &str) -> String {
    name.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes a name for a record label.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        if matches!(character, '\\' | '"' | '{' | '}' | '|' | '<' | '>') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
