//! `graph_summary.json`: the nodes by number, and who reads whom.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{manifest::Manifest, name::NodeId};

/// The nodes in the order of their ids. A node that nobody reads has no `succ`, as in dbt.
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
