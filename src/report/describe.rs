//! A node as `headwater describe` shows it: definition, columns, tests, neighbours and versions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    last_run,
    line::{Line, Tone},
    width::{columns, pad, printable},
    wording::rows_of,
};
use crate::{
    artifact::timestamp,
    lake::{PastVersion, RejectNote, TableStatistics},
    lineage::NodeLineage,
    manifest::{DataTest, Manifest, Node},
    name::NodeId,
    run::version_history::VersionCause,
};

/// The width, in terminal columns, at which text is wrapped.
const WIDTH: usize = 100;

/// Everything `headwater describe` shows about a node.
pub struct Description<'a> {
    /// The project.
    pub manifest: &'a Manifest,
    pub node: &'a Node,
    /// The node's columns, if it has any.
    pub columns: Option<&'a NodeLineage>,
    /// The size of its table, or `None` if there is no table.
    pub facts: Option<&'a TableStatistics>,
    /// Its newest versions, newest first, each with its cause.
    pub versions: &'a [(PastVersion, VersionCause)],
    /// The test statuses of the last run, by test id.
    pub verdicts: &'a BTreeMap<NodeId, String>,
}

impl Description<'_> {
    /// Returns the description as text for people.
    #[must_use]
    pub fn text(&self, colour: bool) -> String {
        let mut lines = self.head();
        for (title, part) in [
            ("columns", self.columns()),
            ("tests", self.tests()),
            ("reads", self.neighbours(self.manifest.graph.parents(self.node.id()))),
            ("read by", self.neighbours(self.manifest.graph.children(self.node.id()))),
            ("in the lake", self.size()),
            ("set aside", self.rejects()),
            ("versions", self.versions()),
        ] {
            if !part.is_empty() {
                lines.extend([Line::default(), Line::new(Tone::Faint, title)]);
                lines.extend(part.into_iter().map(|line| line.indented(2)));
            }
        }
        lines.into_iter().map(|line| if colour { line.coloured() } else { line.text() } + "\n").collect()
    }

    /// Returns the description as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let columns = self.columns.into_iter().flat_map(|node| &node.columns).map(|column| {
            let name = &column.name;
            json!({ "name": name, "data_type": column.data_type, "description": self.description_of(name) })
        });
        let tests = self
            .manifest
            .tests_of(self.node.id())
            .map(|test| json!({ "unique_id": test.id, "name": test.name, "status": self.verdict(&test.id) }));
        let versions = self.versions.iter().map(|(past, cause)| {
            let made = past.provenance.as_ref();
            json!({
                "version": past.version,
                "at": past.at.map(timestamp),
                "run_id": made.map(|made| &made.run_id),
                "rows": made.map(|made| made.rows),
                "why": cause.to_string(),
            })
        });
        json!({
            "unique_id": self.node.id(),
            "resource_type": self.node.resource_type(),
            "path": self.node.path(),
            "relation": self.node.relation().map(ToString::to_string),
            "description": self.node.documentation().map(|documentation| documentation.description.text.trim()),
            "columns": columns.collect::<Vec<_>>(),
            "tests": tests.collect::<Vec<_>>(),
            "parents": self.manifest.graph.parents(self.node.id()),
            "children": self.manifest.graph.children(self.node.id()),
            "rows": self.facts.and_then(|facts| facts.rows),
            "bytes": self.facts.map(|facts| facts.bytes),
            "files": self.facts.map(|facts| facts.files),
            "rejected": self.rejected(),
            "versions": versions.collect::<Vec<_>>(),
        })
    }

    fn head(&self) -> Vec<Line> {
        let kind = match self.node {
            Node::Model(model) => format!("{} model", model.config.materialized.name()),
            other => other.resource_type().replace('_', " "),
        };
        let place = self.node.relation().map(|relation| format!("  {relation}")).unwrap_or_default();
        let mut lines = vec![
            Line::plain(printable(&self.node.display_name())).and(Tone::Faint, format!("  {kind}{place}")),
            Line::new(Tone::Faint, printable(self.node.path())),
        ];
        let description = self
            .node
            .documentation()
            .map(|documentation| documentation.description.text.trim())
            .unwrap_or_default();
        if !description.is_empty() {
            lines.push(Line::default());
            lines.extend(broken(&printable(description), WIDTH).into_iter().map(Line::plain));
        }
        lines
    }

    fn description_of(&self, column: &str) -> &str {
        let description = self.node.documentation().and_then(|documentation| documentation.column(column));
        description.map(|description| description.text.trim()).unwrap_or_default()
    }

    fn columns(&self) -> Vec<Line> {
        let all: Vec<_> = self.columns.into_iter().flat_map(|node| &node.columns).collect();
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or_default();
        let names = width(&mut all.iter().map(|column| columns(&printable(&column.name))));
        let types = width(&mut all.iter().map(|column| columns(&printable(&column.data_type))));
        let mut lines = Vec::new();
        for column in all {
            let head = Line::plain(pad(&printable(&column.name), names, " "))
                .and(Tone::Faint, format!("  {}  ", pad(&printable(&column.data_type), types, " ")));
            let beside = names + types + 6;
            let description = printable(self.description_of(&column.name));
            let mut text = broken(&description, WIDTH.saturating_sub(beside).max(20)).into_iter();
            match text.next() {
                Some(first) => lines.push(head.and(Tone::Plain, first)),
                None => lines.push(Line::plain(head.text().trim_end().to_owned())),
            }
            lines.extend(text.map(|more| Line::plain(more).indented(beside - 2)));
        }
        lines
    }

    /// Returns a test's latest verdict.
    fn verdict(&self, test: &NodeId) -> Option<&str> {
        let newest = self.versions.first().and_then(|(past, _)| past.provenance.as_ref());
        last_run::verdict(test, self.verdicts, newest)
    }

    /// The tests, each with its latest verdict.
    fn tests(&self) -> Vec<Line> {
        let verdict = |id: &NodeId| match self.verdict(id) {
            Some("pass") => (Tone::Good, "PASS "),
            Some("warn") => (Tone::Caution, "WARN "),
            Some("fail") => (Tone::Bad, "FAIL "),
            Some("error" | "runtime error") => (Tone::Bad, "ERROR"),
            _ => (Tone::Faint, "     "),
        };
        let line = |id: &NodeId, name: &str| {
            let (tone, word) = verdict(id);
            Line::new(tone, word).and(Tone::Plain, format!("  {}", printable(name)))
        };
        let data = self.manifest.tests_of(self.node.id()).map(|test: &DataTest| line(&test.id, &test.name));
        let children = self.manifest.graph.children(self.node.id()).into_iter();
        let unit = children
            .filter_map(|id| self.manifest.unit_test(id))
            .map(|test| line(&test.id, &test.display_name()));
        data.chain(unit).collect()
    }

    fn neighbours(&self, ids: Vec<&NodeId>) -> Vec<Line> {
        let nodes = ids.into_iter().filter_map(|id| self.manifest.nodes.get(id));
        let nodes = nodes.filter(|node| !matches!(node, Node::Test(_) | Node::UnitTest(_)));
        nodes
            .map(|node| {
                let line = Line::plain(printable(&node.display_name()));
                match node {
                    Node::Model(_) => line,
                    other => line.and(Tone::Faint, format!("  {}", other.resource_type())),
                }
            })
            .collect()
    }

    fn size(&self) -> Vec<Line> {
        let Some(facts) = self.facts else { return Vec::new() };
        let mut parts: Vec<String> = facts.rows.map(rows_of).into_iter().collect();
        let files = if facts.files == 1 { "1 file".to_owned() } else { format!("{} files", facts.files) };
        parts.extend([files, indicatif::HumanBytes(facts.bytes).to_string()]);
        if !facts.partition_by.is_empty() {
            parts.push(format!("partitioned by {}", facts.partition_by.join(", ")));
        }
        vec![Line::plain(printable(&parts.join(", ")))]
    }

    /// The rows and files that ingestion had rejected as of the newest version.
    fn rejected(&self) -> Option<&RejectNote> {
        self.versions.first()?.0.provenance.as_ref()?.rejected.as_ref()
    }

    fn rejects(&self) -> Vec<Line> {
        let (Some(note), Some(relation)) = (self.rejected(), self.node.relation()) else { return Vec::new() };
        let extent = |rows: u64, files: u64| {
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            match rows {
                0 => files,
                _ if note.files == 0 => rows_of(rows),
                _ => format!("{} and {files}", rows_of(rows)),
            }
        };
        let sources: Vec<&str> = note.sources.iter().map(String::as_str).collect();
        let all =
            format!("{} of {} in {}", extent(note.rows, note.files), sources.join(", "), relation.rejected());
        let open = (note.rows - note.accepted_rows, note.files - note.accepted_files);
        let tone = if open == (0, 0) { Tone::Faint } else { Tone::Caution };
        let mut lines = vec![Line::new(tone, printable(&all))];
        lines.extend(note.sample.iter().map(|line| Line::new(Tone::Faint, printable(line)).indented(2)));
        if let Some(by) = &note.accepted_by {
            let at = note.accepted_at.map(moment).unwrap_or_default();
            let accepted = extent(note.accepted_rows, note.accepted_files);
            lines.push(Line::plain(printable(&format!("{accepted} accepted by {by} at {at}"))));
        }
        lines
    }

    fn versions(&self) -> Vec<Line> {
        let numbers = self.versions.iter().map(|(past, _)| past.version.to_string().len()).max();
        let rows: Vec<String> = self
            .versions
            .iter()
            .map(|(past, _)| past.provenance.as_ref().map(|made| rows_of(made.rows)).unwrap_or_default())
            .collect();
        let width = rows.iter().map(|rows| columns(rows)).max().unwrap_or_default();
        let line = |((past, cause), rows): (&(PastVersion, VersionCause), &String)| {
            let number = format!("{:>1$}", past.version, numbers.unwrap_or_default());
            Line::plain(number)
                .and(Tone::Faint, format!("  {}", past.at.map_or_else(|| " ".repeat(20), moment)))
                .and(Tone::Plain, format!("  {}", pad(rows, width, " ")))
                .and(Tone::Faint, format!("  {cause}"))
        };
        self.versions.iter().zip(&rows).map(line).collect()
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Wraps text between words at `width` columns and keeps its own line breaks.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words() {
        assert_eq!(
            broken("a bb ccc dddd\n\nlonger than that", 6),
            ["a bb", "ccc", "dddd", "", "longer", "than", "that"]
        );
        assert_eq!(broken("", 6), [""; 0]);
    }
}
