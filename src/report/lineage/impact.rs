//! The impact of a column change, for people and for programs.

use serde_json::{Map, Value, json};

use super::{LineageQuery, json::used, text::painted, words};
use crate::{
    lineage::{Impact, NodeImpact},
    name::NodeId,
    report::{
        line::{Line, Tone},
        node::count,
        width::{columns, pad, printable},
    },
};

/// Renders one line per affected column, grouped by node, followed by the tests and the exposures.
pub(super) fn text(query: &LineageQuery<'_>, impact: &Impact, colour: bool) -> String {
    let of = impact.nodes.values().map(NodeImpact::columns).sum();
    let subject = match query.subject {
        crate::lineage::LineageSubject::Node(id) => query.name(id),
        crate::lineage::LineageSubject::Column(column) => query.column(column),
    };
    if *impact == Impact::default() {
        return format!("Nothing depends on {}.\n", printable(&subject));
    }
    let mut lines = vec![Line::plain(format!(
        "A change of {} touches {} of {}, {} and {}.",
        printable(&subject),
        count(of, "column"),
        count(impact.nodes.len(), "node"),
        count(impact.tests.len(), "test"),
        count(impact.exposures.len(), "exposure"),
    ))];
    let in_order = query.manifest.graph.sorted().iter().filter_map(|id| Some((id, impact.nodes.get(id)?)));
    let all: Vec<(String, Vec<(String, String)>)> =
        in_order.map(|(id, effects)| (printable(&query.name(id)), entries(query, effects))).collect();
    let width =
        all.iter().flat_map(|(_, entries)| entries).map(|(name, _)| columns(name)).max().unwrap_or_default();
    for (name, entries) in all {
        lines.extend([Line::default(), Line::plain(name)]);
        lines.extend(entries.into_iter().map(|(name, why)| {
            Line::plain(format!("  {}", pad(&name, width, " "))).and(Tone::Faint, format!("  {why}"))
        }));
    }
    for (title, ids) in [("tests", &impact.tests), ("exposures", &impact.exposures)] {
        if ids.is_empty() {
            continue;
        }
        lines.extend([Line::default(), Line::plain(title)]);
        lines.extend(ids.iter().map(|id| {
            let path = query.manifest.nodes.get(id).map(|node| node.path().to_owned()).unwrap_or_default();
            Line::plain(format!("  {}", printable(&query.name(id))))
                .and(Tone::Faint, format!("  {}", printable(&path)))
        }));
    }
    painted(lines, colour)
}

/// Returns the affected columns of a node, and its rows if they are affected, each with the cause.
fn entries(query: &LineageQuery<'_>, effects: &NodeImpact) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> =
        effects.values.iter().map(|(name, how)| (printable(name), how.word().to_owned())).collect();
    let conditions = effects.conditions.iter().filter(|(name, _)| !effects.values.contains_key(*name));
    entries.extend(conditions.map(|(name, kinds)| (printable(name), words(kinds))));
    if effects.changes_rows() {
        let after: Vec<String> = effects.after.iter().map(|id| printable(&query.name(id))).collect();
        let why = match (effects.rows.is_empty(), after.is_empty()) {
            (false, _) => words(&effects.rows),
            (true, _) => format!("the rows of {}", after.join(", ")),
        };
        entries.push(("(which rows)".to_owned(), why));
    }
    entries
}

/// Returns the same report as JSON.
pub(super) fn json(query: &LineageQuery<'_>, impact: &Impact) -> Value {
    let node = |(id, effects): (&NodeId, &NodeImpact)| {
        let values: Map<String, Value> =
            effects.values.iter().map(|(name, how)| (name.clone(), how.word().into())).collect();
        let conditions: Map<String, Value> =
            effects.conditions.iter().map(|(name, kinds)| (name.clone(), used(kinds).into())).collect();
        json!({
            "node": id,
            "columns": values,
            "conditions": conditions,
            "rows": { "used_for": used(&effects.rows), "after": effects.after },
        })
    };
    let subject: Vec<Value> = query.subject.columns(query.lineage).iter().map(super::json::column).collect();
    json!({
        "changed": subject,
        "nodes": impact.nodes.iter().map(node).collect::<Vec<_>>(),
        "tests": impact.tests,
        "exposures": impact.exposures,
    })
}
