//! `graph_summary.json`: numbered nodes and their successors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{manifest::Manifest, name::NodeId};

/// Returns the graph with nodes numbered in the order of their ids. As in dbt, a node without successors has
/// no `succ`.
#[must_use]
pub fn graph_summary(manifest: &Manifest, invocation_id: &str) -> Value {
    let numbers: BTreeMap<&NodeId, usize> =
        manifest.nodes.keys().enumerate().map(|(at, id)| (id, at)).collect();
    let linked = manifest.nodes.iter().map(|(id, node)| {
        let mut entry = json!({ "name": id, "type": node.resource_type() });
        let successors: Vec<usize> =
            manifest.graph.children(id).into_iter().filter_map(|child| numbers.get(child).copied()).collect();
        if !successors.is_empty() {
            entry["succ"] = json!(successors);
        }
        (numbers[id].to_string(), entry)
    });
    json!({ "_invocation_id": invocation_id, "linked": linked.collect::<Map<_, _>>() })
}
