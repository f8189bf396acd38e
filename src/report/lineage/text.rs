//! Lineage for people: upstream and downstream trees for a column, or a table of columns for a node.

use std::collections::BTreeSet;

use super::{Asked, words};
use crate::{
    lineage::{ColumnId, ColumnUses, How, LineageDirection, LineageSubject, NodeLineage},
    report::{
        line::{Line, Tone},
        width::{columns, pad, printable},
    },
};

pub(super) fn lineage(asked: &Asked<'_>, colour: bool) -> String {
    let lines = match (asked.subject, asked.direction) {
        (LineageSubject::Column(column), _) => of_column(asked, column),
        (LineageSubject::Node(id), None) => match asked.lineage.nodes.get(id) {
            Some(node) => table(asked, &asked.name(id), node),
            None => Vec::new(),
        },
        (LineageSubject::Node(_), Some(direction)) => {
            let columns = asked.subject.columns(asked.lineage);
            columns.iter().flat_map(|column| tree(asked, column, direction)).collect()
        }
    };
    painted(lines, colour)
}

/// Renders the lines, each with its line break.
pub(super) fn painted(lines: Vec<Line>, colour: bool) -> String {
    lines.into_iter().map(|line| if colour { line.coloured() } else { line.text() } + "\n").collect()
}

fn of_column(asked: &Asked<'_>, id: &ColumnId) -> Vec<Line> {
    let data_type = asked.lineage.column(id).map(|column| column.data_type.clone()).unwrap_or_default();
    let mut lines = vec![
        Line::plain(printable(&asked.column(id))).and(Tone::Faint, format!("  {}", printable(&data_type))),
    ];
    for direction in asked.directions() {
        let (title, none) = match direction {
            LineageDirection::Upstream => ("made of", "nothing: no column has a part in it"),
            LineageDirection::Downstream => ("read by", "nothing: no column is made of it"),
        };
        lines.extend([Line::default(), Line::new(Tone::Faint, title)]);
        let branches = branches(asked, id, direction, &mut BTreeSet::from([id.clone()]));
        if branches.is_empty() {
            lines.push(Line::plain(none).indented(2));
        }
        lines.extend(branches);
        if direction == LineageDirection::Upstream {
            lines.extend(decided_by(asked, id));
        }
    }
    lines
}

/// Lists the columns that decide which value a column takes and which rows its node has.
fn decided_by(asked: &Asked<'_>, id: &ColumnId) -> Vec<Line> {
    let value = asked.lineage.column(id).map(|column| &column.uses);
    let rows = asked.lineage.nodes.get(&id.node).map(|node| &node.rows);
    let mut lines = Vec::new();
    for (title, uses) in [("its value is decided by", value), ("its rows are decided by", rows)] {
        let Some(uses) = uses.filter(|uses| !uses.is_empty()) else { continue };
        lines.extend([Line::default(), Line::new(Tone::Faint, title)]);
        lines.extend(used(asked, uses).into_iter().map(|line| line.indented(2)));
    }
    lines
}

/// Lists columns and their uses, aligned.
fn used(asked: &Asked<'_>, uses: &ColumnUses) -> Vec<Line> {
    let names: Vec<String> = uses.keys().map(|column| printable(&asked.column(column))).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or_default();
    let line = |(name, kinds): (String, &BTreeSet<_>)| {
        Line::plain(pad(&name, width, " ")).and(Tone::Faint, format!("  {}", words(kinds)))
    };
    names.into_iter().zip(uses.values()).map(line).collect()
}

/// Renders a column with everything in one direction of it.
fn tree(asked: &Asked<'_>, id: &ColumnId, direction: LineageDirection) -> Vec<Line> {
    let mut lines = vec![Line::plain(printable(&asked.column(id)))];
    lines.extend(branches(asked, id, direction, &mut BTreeSet::from([id.clone()])));
    lines
}

/// Renders everything beyond a column as branches of a tree. Each column is expanded only once.
fn branches(
    asked: &Asked<'_>,
    id: &ColumnId,
    direction: LineageDirection,
    shown: &mut BTreeSet<ColumnId>,
) -> Vec<Line> {
    let next = asked.lineage.next(id, direction);
    let last = next.len().saturating_sub(1);
    let mut lines = Vec::new();
    for (at, (column, how)) in next.into_iter().enumerate() {
        let (fork, trunk) = if at == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let line = Line::new(Tone::Faint, fork)
            .and(Tone::Plain, printable(&asked.column(column)))
            .and(Tone::Faint, format!("  {}", how.word()));
        if !shown.insert(column.clone()) {
            let has_more = !asked.lineage.next(column, direction).is_empty();
            lines.push(if has_more { line.and(Tone::Faint, "  (see above)") } else { line });
            continue;
        }
        lines.push(line);
        let beyond = branches(asked, column, direction, shown);
        lines.extend(beyond.into_iter().map(|line| line.after(Tone::Faint, trunk)));
    }
    lines
}

/// Renders a node's columns, each with its type and its direct upstream columns.
fn table(asked: &Asked<'_>, name: &str, node: &NodeLineage) -> Vec<Line> {
    let names: Vec<String> = node.columns.iter().map(|column| printable(&column.name)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or_default();
    let types: Vec<String> = node.columns.iter().map(|column| printable(&column.data_type)).collect();
    let type_width = types.iter().map(|name| columns(name)).max().unwrap_or_default();
    let origin = |(from, how): (&ColumnId, &How)| {
        Line::plain(printable(&asked.column(from))).and(Tone::Faint, format!("  {}", how.word()))
    };
    let mut lines = vec![Line::plain(printable(name)), Line::default()];
    for (at, column) in node.columns.iter().enumerate() {
        let head = Line::plain(pad(&names[at], width, " "))
            .and(Tone::Faint, format!("  {}", pad(&types[at], type_width, " ")));
        let mut from = column.values.iter().map(origin).chain(used(asked, &column.uses));
        match from.next() {
            Some(first) => lines.push(head.and(Tone::Plain, "  ").then(first)),
            None => lines.push(Line::plain(head.text().trim_end().to_owned())),
        }
        lines.extend(from.map(|line| line.indented(width + type_width + 4)));
    }
    if !node.rows.is_empty() {
        lines.extend([Line::default(), Line::new(Tone::Faint, "its rows are decided by")]);
        lines.extend(used(asked, &node.rows).into_iter().map(|line| line.indented(2)));
    }
    lines
}
