//! Lineage as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::LineageQuery;
use crate::{
    lineage::{ColumnId, ColumnUse},
    name::NodeId,
};

/// Returns the requested columns with everything upstream or downstream of them as requested, the edges
/// between them, and the columns that decide their values and rows.
pub(super) fn lineage(query: &LineageQuery<'_>) -> Value {
    let slice = query.slice();
    let columns: Vec<Value> = slice.columns.iter().map(|id| described(query, id)).collect();
    let edges: Vec<Value> = slice
        .edges
        .iter()
        .map(|edge| json!({ "from": column(&edge.from), "to": column(&edge.to), "how": edge.how.word() }))
        .collect();
    let nodes: BTreeSet<&NodeId> = slice.columns.iter().map(|column| &column.node).collect();
    let of_rows = nodes.iter().filter_map(|id| Some((*id, query.lineage.nodes.get(*id)?))).flat_map(|(id, node)| {
        node.rows.iter().map(move |(from, kinds)| json!({ "from": column(from), "to": { "node": id }, "used_for": used(kinds) }))
    });
    let of_values = slice.columns.iter().filter_map(|id| Some((id, query.lineage.column(id)?))).flat_map(|(id, of)| {
        of.uses.iter().map(move |(from, kinds)| json!({ "from": column(from), "to": column(id), "used_for": used(kinds) }))
    });
    let subject: Vec<Value> = query.subject.columns(query.lineage).iter().map(column).collect();
    json!({
        "subject": subject,
        "columns": columns,
        "edges": edges,
        "uses": of_values.chain(of_rows).collect::<Vec<_>>(),
    })
}

/// `{"node": …, "column": …}`
pub(super) fn column(id: &ColumnId) -> Value {
    json!({ "node": id.node, "column": id.column })
}

pub(super) fn used(kinds: &BTreeSet<ColumnUse>) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.word()).collect()
}

fn described(query: &LineageQuery<'_>, id: &ColumnId) -> Value {
    let data_type = query.lineage.column(id).map(|column| column.data_type.as_str());
    json!({ "node": id.node, "name": query.name(&id.node), "column": id.column, "data_type": data_type })
}
