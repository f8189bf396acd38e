//! Lineage for people: upstream and downstream trees for a column, or a table of columns for a node.

use std::collections::BTreeSet;

use super::{LineageQuery, words};
use crate::{
    lineage::{ColumnId, ColumnUses, Derivation, LineageDirection, LineageSubject, NodeLineage},
    report::{
        line::{Line, Tone},
        width::{columns, pad, printable},
    },
};

pub(super) fn lineage(query: &LineageQuery<'_>, colour: bool) -> String {
    let lines = match (query.subject, query.direction) {
        (LineageSubject::Column(column), _) => of_column(query, column),
        (LineageSubject::Node(id), None) => match query.lineage.nodes.get(id) {
            Some(node) => table(query, &query.name(id), node),
            None => Vec::new(),
        },
        (LineageSubject::Node(_), Some(direction)) => {
            let columns = query.subject.columns(query.lineage);
            columns.iter().flat_map(|column| tree(query, column, direction)).collect()
        }
    };
    painted(lines, colour)
}

/// Renders the lines, each with its line break.
pub(super) fn painted(lines: Vec<Line>, colour: bool) -> String {
    lines.into_iter().map(|line| if colour { line.coloured() } else { line.text() } + "\n").collect()
}

fn of_column(query: &LineageQuery<'_>, id: &ColumnId) -> Vec<Line> {
    let data_type = query.lineage.column(id).map(|column| column.data_type.clone()).unwrap_or_default();
    let mut lines = vec![
        Line::plain(printable(&query.column(id))).and(Tone::Faint, format!("  {}", printable(&data_type))),
    ];
    for direction in query.directions() {
        let (title, none) = match direction {
            LineageDirection::Upstream => ("made of", "nothing: no column has a part in it"),
            LineageDirection::Downstream => ("read by", "nothing: no column is made of it"),
        };
        lines.extend([Line::default(), Line::new(Tone::Faint, title)]);
        let branches = branches(query, id, direction, &mut BTreeSet::from([id.clone()]));
        if branches.is_empty() {
            lines.push(Line::plain(none).indented(2));
        }
        lines.extend(branches);
        if direction == LineageDirection::Upstream {
            lines.extend(decided_by(query, id));
        }
    }
    lines
}

/// Lists the columns that decide which value a column takes and which rows its node has.
fn decided_by(query: &LineageQuery<'_>, id: &ColumnId) -> Vec<Line> {
    let value = query.lineage.column(id).map(|column| &column.uses);
    let rows = query.lineage.nodes.get(&id.node).map(|node| &node.rows);
    let mut lines = Vec::new();
    for (title, uses) in [("its value is decided by", value), ("its rows are decided by", rows)] {
        let Some(uses) = uses.filter(|uses| !uses.is_empty()) else { continue };
        lines.extend([Line::default(), Line::new(Tone::Faint, title)]);
        lines.extend(used(query, uses).into_iter().map(|line| line.indented(2)));
    }
    lines
}

/// Lists columns and their uses, aligned.
fn used(query: &LineageQuery<'_>, uses: &ColumnUses) -> Vec<Line> {
    let names: Vec<String> = uses.keys().map(|column| printable(&query.column(column))).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or_default();
    let line = |(name, kinds): (String, &BTreeSet<_>)| {
        Line::plain(pad(&name, width, " ")).and(Tone::Faint, format!("  {}", words(kinds)))
    };
    names.into_iter().zip(uses.values()).map(line).collect()
}

/// Renders a column with everything in one direction of it.
fn tree(query: &LineageQuery<'_>, id: &ColumnId, direction: LineageDirection) -> Vec<Line> {
    let mut lines = vec![Line::plain(printable(&query.column(id)))];
    lines.extend(branches(query, id, direction, &mut BTreeSet::from([id.clone()])));
    lines
}

/// Renders everything beyond a column as branches of a tree. Each column is expanded only once.
fn branches(
    query: &LineageQuery<'_>,
    id: &ColumnId,
    direction: LineageDirection,
    shown: &mut BTreeSet<ColumnId>,
) -> Vec<Line> {
    let next = query.lineage.next(id, direction);
    let last = next.len().saturating_sub(1);
    let mut lines = Vec::new();
    for (at, (column, how)) in next.into_iter().enumerate() {
        let (fork, trunk) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let line = Line::new(Tone::Faint, fork)
            .and(Tone::Plain, printable(&query.column(column)))
            .and(Tone::Faint, format!("  {}", how.word()));
        if !shown.insert(column.clone()) {
            let has_more = !query.lineage.next(column, direction).is_empty();
            lines.push(if has_more { line.and(Tone::Faint, "  (see above)") } else { line });
            continue;
        }
        lines.push(line);
        let beyond = branches(query, column, direction, shown);
        lines.extend(beyond.into_iter().map(|line| line.after(Tone::Faint, trunk)));
    }
    lines
}

/// Renders a node's columns, each with its type and its direct upstream columns.
fn table(query: &LineageQuery<'_>, name: &str, node: &NodeLineage) -> Vec<Line> {
    let names: Vec<String> = node.columns.iter().map(|column| printable(&column.name)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or_default();
    let types: Vec<String> = node.columns.iter().map(|column| printable(&column.data_type)).collect();
    let type_width = types.iter().map(|name| columns(name)).max().unwrap_or_default();
    let origin = |(from, how): (&ColumnId, &Derivation)| {
        Line::plain(printable(&query.column(from))).and(Tone::Faint, format!("  {}", how.word()))
    };
    let mut lines = vec![Line::plain(printable(name)), Line::default()];
    for (at, column) in node.columns.iter().enumerate() {
        let head = Line::plain(pad(&names[at], width, " "))
            .and(Tone::Faint, format!("  {}", pad(&types[at], type_width, " ")));
        let mut from = column.values.iter().map(origin).chain(used(query, &column.uses));
        match from.next() {
            Some(first) => lines.push(head.and(Tone::Plain, "  ").then(first)),
            None => lines.push(Line::plain(head.text().trim_end().to_owned())),
        }
        lines.extend(from.map(|line| line.indented(width + type_width + 4)));
    }
    if !node.rows.is_empty() {
        lines.extend([Line::default(), Line::new(Tone::Faint, "its rows are decided by")]);
        lines.extend(used(query, &node.rows).into_iter().map(|line| line.indented(2)));
    }
    lines
}
