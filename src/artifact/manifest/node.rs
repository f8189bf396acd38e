//! The parts common to all nodes.

use std::fmt::Display;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Contents, hex, macro_ids};
use crate::{artifact::in_database, manifest::model::Calls, name::NodeId};

/// Returns dbt's checksum of a file's text, ignoring differences in white space.
pub(super) fn checksum(text: &str) -> Value {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    json!({ "name": "sha256", "checksum": hex(&Sha256::digest(words.as_bytes())) })
}

impl Contents<'_> {
    /// Returns a template's references and the dependencies that result from them.
    pub(super) fn calls(&self, id: &NodeId, calls: &Calls) -> Value {
        let refs: Vec<Value> = calls
            .refs
            .iter()
            .map(|(package, name, version)| json!({ "name": name, "package": package, "version": version }))
            .collect();
        let sources: Vec<Value> =
            calls.sources.iter().map(|(source, table)| json!([source, table])).collect();
        json!({
            "language": "sql",
            "refs": refs,
            "sources": sources,
            "metrics": [],
            "functions": [],
            "depends_on": {
                "macros": macro_ids(&calls.macros),
                "nodes": self.manifest.graph.parents(id),
            },
        })
    }

    /// Returns the compiled SQL of a node, if the node was compiled.
    pub(super) fn compiled(&self, id: &NodeId, path: impl Display, sql: Option<&str>) -> Value {
        let path = self.target_path.join(path.to_string());
        let mut compiled = json!({ "compiled_path": null });
        if let Some(sql) = sql {
            compiled = json!({
                "compiled_path": path,
                "compiled": true,
                "compiled_code": in_database(sql, self.manifest.named_by(id), self.database),
                "extra_ctes_injected": true,
                "extra_ctes": [],
            });
        }
        compiled
    }
}

/// Merges the parts of a node in order.
pub(super) fn joined(parts: impl IntoIterator<Item = Value>) -> Value {
    let objects = parts.into_iter().filter_map(|part| match part {
        Value::Object(entries) => Some(entries),
        _ => None,
    });
    Value::Object(objects.flatten().collect())
}

/// `{enforced, alias_types, checksum}`, with a checksum only for enforced contracts.
pub(super) fn contract(enforced: bool, shape: &Value) -> Value {
    let checksum = enforced.then(|| hex(&Sha256::digest(shape.to_string().as_bytes())));
    json!({ "enforced": enforced, "alias_types": true, "checksum": checksum })
}
