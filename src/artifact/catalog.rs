//! `catalog.json`: the columns and statistics of tables, as stored in the lake or, before the first build, as
//! compiled.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ArtifactOrigin, timestamp};
use crate::{
    engine::{SchemaRef, types::type_name},
    lake::TableStatistics,
    manifest::{Manifest, Materialized, Node},
    name::NodeId,
};

/// The artifact's schema.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/catalog/v1.json";

/// Builds the catalog of all nodes with known columns, with statistics for those stored in the lake.
/// `database` is the name that the manifest uses.
#[must_use]
pub fn catalog(
    manifest: &Manifest,
    columns: &BTreeMap<NodeId, SchemaRef>,
    facts: &BTreeMap<NodeId, TableStatistics>,
    database: &str,
    origin: &ArtifactOrigin<'_>,
) -> Value {
    let (mut nodes, mut sources) = (Map::new(), Map::new());
    for (id, schema) in columns {
        let Some(node) = manifest.nodes.get(id) else { continue };
        let Some(entry) = entry(node, schema, facts.get(id), database) else { continue };
        let into = if matches!(node, Node::Source(_)) { &mut sources } else { &mut nodes };
        into.insert(id.to_string(), entry);
    }
    json!({ "metadata": origin.metadata(SCHEMA), "nodes": nodes, "sources": sources, "errors": null })
}

/// Returns a node's entry, or `None` for an ephemeral model.
fn entry(node: &Node, schema: &SchemaRef, facts: Option<&TableStatistics>, database: &str) -> Option<Value> {
    let kind = match node {
        Node::Model(model) => match model.config.materialized {
            Materialized::Ephemeral => return None,
            Materialized::View => "VIEW",
            Materialized::Table | Materialized::Incremental => "BASE TABLE",
        },
        Node::Source(source) if !source.is_delta() => "EXTERNAL",
        _ => "BASE TABLE",
    };
    let relation = node.relation()?;
    let comments = node.documentation();
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let name = field.name();
        let comment = comments
            .and_then(|comments| comments.column(name))
            .map(|documentation| documentation.text.as_str());
        let column = json!({
            "type": type_name(field.data_type()),
            "index": at + 1,
            "name": name,
            "comment": comment.filter(|text| !text.is_empty()),
        });
        (name.clone(), column)
    });
    let comment = node.documentation().map(|documentation| documentation.description.text.as_str());
    Some(json!({
        "metadata": {
            "type": kind,
            "schema": relation.schema,
            "name": relation.name,
            "database": database,
            "comment": comment.filter(|text| !text.is_empty()),
            "owner": null,
        },
        "columns": columns.collect::<Map<_, _>>(),
        "stats": stats(facts),
        "unique_id": node.id(),
    }))
}

/// Returns the table statistics that dbt's documentation shows.
fn stats(facts: Option<&TableStatistics>) -> Value {
    let mut stats = Map::new();
    let mut add = |id: &str, label: &str, value: Value, description: &str| {
        let stat = json!({
            "id": id, "label": label, "value": value, "include": true, "description": description,
        });
        stats.insert(id.to_owned(), stat);
    };
    if let Some(facts) = facts {
        if let Some(rows) = facts.rows {
            add("num_rows", "# Rows", rows.into(), "How many rows the newest version has");
        }
        add("bytes", "Approximate Size", facts.bytes.into(), "The bytes of the newest version's data files");
        add("num_files", "# Files", facts.files.into(), "The newest version's data files");
        add("version", "Table Version", facts.version.into(), "The newest version of the Delta table");
        if let Some(at) = facts.at {
            add(
                "last_modified",
                "Last Modified",
                timestamp(at).into(),
                "When the newest version was committed",
            );
        }
        if !facts.partition_by.is_empty() {
            let columns = facts.partition_by.join(", ");
            add("partitioned_by", "Partitioned by", columns.into(), "The columns whose values are folders");
        }
    }
    let known = !stats.is_empty();
    let has_stats = json!({
        "id": "has_stats",
        "label": "Has Stats?",
        "value": known,
        "include": false,
        "description": "Indicates whether there are statistics for this table",
    });
    let mut all = Map::from_iter([("has_stats".to_owned(), has_stats)]);
    all.append(&mut stats);
    all.into()
}
