//! `manifest.json`, version 12: every node, macro, documentation block and group, as dbt describes them.
//!
//! - here: the whole, and who reads whom
//! - `node`: what all nodes have in common
//! - `model`: models, seeds and snapshots
//! - `test`: data tests and unit tests
//! - `source`: sources and exposures
//! - `config`: configurations with dbt's defaults
//! - `column`: columns and constraints
//! - `library`: macros, documentation blocks and groups

mod column;
mod config;
mod library;
mod model;
mod node;
mod source;
mod test;

use std::path::Path;

use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::{Origin, renew};
use crate::{
    compile::Compiled,
    manifest::{Manifest, Node},
    name::NodeId,
    project::Settings,
};

/// The schema the artifact follows.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/manifest/v12.json";

/// What the manifest is written of.
pub struct Contents<'a> {
    /// What the project file says.
    pub settings: &'a Settings,
    /// The project's folder.
    pub root: &'a Path,
    /// The project, resolved.
    pub manifest: &'a Manifest,
    /// What of it was compiled: the other nodes have no SQL in the manifest.
    pub compiled: &'a Compiled,
    /// The target path as people know it.
    pub target_path: &'a Path,
    /// What stands where dbt has a database: the lake, by the target's name.
    pub database: &'a str,
    /// Who writes it.
    pub origin: Origin<'a>,
}

impl Contents<'_> {
    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let (mut nodes, mut sources, mut exposures, mut unit_tests) =
            (Map::new(), Map::new(), Map::new(), Map::new());
        for (id, node) in &self.manifest.nodes {
            let id = id.to_string();
            match node {
                Node::Model(model) => nodes.insert(id, self.model(model)),
                Node::Seed(seed) => nodes.insert(id, self.seed(seed)),
                Node::Snapshot(snapshot) => nodes.insert(id, self.snapshot(snapshot)),
                Node::Test(test) => nodes.insert(id, self.data_test(test)),
                Node::UnitTest(test) => unit_tests.insert(id, self.unit_test(test)),
                Node::Source(source) => sources.insert(id, self.source(source)),
                Node::Exposure(exposure) => exposures.insert(id, self.exposure(exposure)),
            };
        }
        json!({
            "metadata": self.metadata(),
            "group_map": self.group_map(&nodes),
            "nodes": nodes,
            "sources": sources,
            "macros": self.macros(),
            "docs": self.docs(),
            "exposures": exposures,
            "metrics": {},
            "groups": self.groups(),
            "selectors": {},
            "disabled": {},
            "parent_map": self.map(|id| self.manifest.graph.parents(id).into_iter().collect()),
            "child_map": self.map(|id| self.manifest.graph.children(id).into_iter().collect()),
            "saved_queries": {},
            "semantic_models": {},
            "unit_tests": unit_tests,
            "functions": {},
        })
    }

    fn metadata(&self) -> Value {
        let mut metadata = self.origin.metadata(SCHEMA);
        let project = &self.manifest.project;
        let more = json!({
            "project_name": project,
            "project_id": hex(&Md5::digest(project.as_bytes())),
            "user_id": null,
            "send_anonymous_usage_stats": false,
            "adapter_type": self.adapter_type(),
            "quoting": { "database": true, "schema": true, "identifier": true, "column": null },
            "run_started_at": renew::local_timestamp(&self.origin),
        });
        if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), more) {
            metadata.extend(more);
        }
        metadata
    }

    /// What readers take for the dialect of the SQL: dbt's name of the adapter for the dialect that the project is
    /// written in.
    fn adapter_type(&self) -> &str {
        match self.settings.dialect.as_str() {
            "postgresql" => "postgres",
            "mssql" => "sqlserver",
            "ansi" | "generic" => "duckdb",
            other => other,
        }
    }

    /// Something of each node, in the order of dbt's maps: by id.
    fn map<'n>(&'n self, of: impl Fn(&NodeId) -> Vec<&'n NodeId>) -> Value {
        let entry = |id: &NodeId| {
            let mut ids = of(id);
            ids.sort();
            (id.to_string(), json!(ids))
        };
        self.manifest.nodes.keys().map(entry).collect::<Map<_, _>>().into()
    }

    /// The nodes of each group, by its name.
    fn group_map(&self, nodes: &Map<String, Value>) -> Value {
        let of = |group: &str| -> Vec<&String> {
            nodes.iter().filter(|(_, node)| node["group"] == group).map(|(id, _)| id).collect()
        };
        self.manifest
            .library
            .groups
            .keys()
            .map(|name| (name.clone(), json!(of(name))))
            .collect::<Map<_, _>>()
            .into()
    }

    /// A path without the folder it was searched under: `staging/x.sql` of `models/staging/x.sql`.
    fn inside<'p>(&self, path: &'p str) -> &'p str {
        let paths = &self.settings.paths;
        let folders =
            [&paths.models, &paths.seeds, &paths.snapshots, &paths.tests, &paths.macros, &paths.docs];
        let mut folders = folders.into_iter().flatten();
        folders.find_map(|folder| path.strip_prefix(folder.as_str())?.strip_prefix('/')).unwrap_or(path)
    }

    /// `project://models/schema.yml`
    fn patch_path(&self, declared: Option<&crate::text::Span>) -> Value {
        declared.map(|span| format!("{}://{}", self.manifest.project, span.source.path())).into()
    }

    /// The macros that a template calls, by their ids.
    fn macro_ids<'m>(&self, names: impl IntoIterator<Item = &'m String>) -> Vec<String> {
        names
            .into_iter()
            .filter_map(|name| self.manifest.library.macros.get(name))
            .map(|it| self.macro_id(it))
            .collect()
    }

    /// The documentation blocks by their ids.
    fn doc_ids(&self, names: &[String]) -> Vec<String> {
        names.iter().map(|name| format!("doc.{}.{name}", self.manifest.project)).collect()
    }

    /// Seconds since 1970.
    fn created_at(&self) -> f64 {
        self.origin.started.timestamp_micros() as f64 / 1e6
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
