//! `manifest.json`, version 12: every node, macro, documentation block and group in dbt's format.
//!
//! - this file: the whole manifest, and parent and child maps
//! - `node`: the parts common to all nodes
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

use super::{ArtifactOrigin, renewal};
use crate::{
    compile::Compiled,
    manifest::{Manifest, Node},
    name::{NodeId, PackageName},
    project::Project,
    text::Span,
};

/// The artifact's schema.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/manifest/v12.json";

/// The inputs of the manifest.
pub struct Contents<'a> {
    /// The project with its packages.
    pub project: &'a Project,
    /// The resolved project.
    pub manifest: &'a Manifest,
    /// The compiled nodes; others have no SQL in the manifest.
    pub compiled: &'a Compiled,
    /// The target path as shown to people.
    pub target_path: &'a Path,
    /// The name used as dbt's database: the lake, under the target's name.
    pub database: &'a str,
    /// The invocation that writes it.
    pub origin: ArtifactOrigin<'a>,
}

impl Contents<'_> {
    /// Builds the manifest.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let (mut nodes, mut sources, mut exposures, mut unit_tests) =
            (Map::new(), Map::new(), Map::new(), Map::new());
        for (id, node) in &self.manifest.nodes {
            let entries = match node {
                Node::UnitTest(_) => &mut unit_tests,
                Node::Source(_) => &mut sources,
                Node::Exposure(_) => &mut exposures,
                Node::Model(_) | Node::Seed(_) | Node::Snapshot(_) | Node::Test(_) => &mut nodes,
            };
            entries.insert(id.to_string(), self.entry(node));
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
            "disabled": self.disabled(),
            "parent_map": self.map(|id| self.manifest.graph.parents(id).into_iter().collect()),
            "child_map": self.map(|id| self.manifest.graph.children(id).into_iter().collect()),
            "saved_queries": {},
            "semantic_models": {},
            "unit_tests": unit_tests,
            "functions": {},
        })
    }

    /// Returns the entry of a node.
    #[must_use]
    pub fn entry(&self, node: &Node) -> Value {
        match node {
            Node::Model(model) => self.model(model),
            Node::Seed(seed) => self.seed(seed),
            Node::Snapshot(snapshot) => self.snapshot(snapshot),
            Node::Test(test) => self.data_test(test),
            Node::UnitTest(test) => self.unit_test(test),
            Node::Source(source) => self.source(source),
            Node::Exposure(exposure) => self.exposure(exposure),
        }
    }

    /// Returns the entries of the disabled nodes. Each has a list, since an id may be disabled several times.
    fn disabled(&self) -> Value {
        let entries = |nodes: &[Node]| {
            let entries = nodes.iter().map(|node| {
                let mut entry = self.entry(node);
                entry["config"]["enabled"] = false.into();
                entry
            });
            entries.collect::<Vec<_>>()
        };
        let disabled = self.manifest.disabled.iter();
        disabled.map(|(id, nodes)| (id.to_string(), json!(entries(nodes)))).collect::<Map<_, _>>().into()
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
            "run_started_at": renewal::local_timestamp(&self.origin),
        });
        if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), more) {
            metadata.extend(more);
        }
        metadata
    }

    /// The adapter type, from which readers infer the SQL dialect: dbt's adapter name for the project's
    /// dialect.
    fn adapter_type(&self) -> &str {
        match self.project.settings.dialect.as_str() {
            "postgresql" => "postgres",
            "mssql" => "sqlserver",
            "ansi" | "generic" => "duckdb",
            other => other,
        }
    }

    /// Maps each node's id to a sorted list of ids, in order of id as in dbt.
    fn map<'n>(&'n self, of: impl Fn(&NodeId) -> Vec<&'n NodeId>) -> Value {
        let entry = |id: &NodeId| {
            let mut ids = of(id);
            ids.sort();
            (id.to_string(), json!(ids))
        };
        self.manifest.nodes.keys().map(entry).collect::<Map<_, _>>().into()
    }

    /// Maps each group's name to its nodes.
    fn group_map(&self, nodes: &Map<String, Value>) -> Value {
        let of = |group: &str| -> Vec<&String> {
            nodes.iter().filter(|(_, node)| node["group"] == group).map(|(id, _)| id).collect()
        };
        self.manifest
            .library
            .groups
            .keys()
            .map(|group| (group.name.clone(), json!(of(&group.name))))
            .collect::<Map<_, _>>()
            .into()
    }

    /// Strips the search path from a path in a package: `models/staging/x.sql` becomes `staging/x.sql`.
    fn inside<'p>(&self, package: &str, path: &'p str) -> &'p str {
        let paths = &self.package(package).settings.paths;
        let folders =
            [&paths.models, &paths.seeds, &paths.snapshots, &paths.tests, &paths.macros, &paths.docs];
        let mut folders = folders.into_iter().flatten();
        folders.find_map(|folder| path.strip_prefix(folder.as_str())?.strip_prefix('/')).unwrap_or(path)
    }

    /// Returns the project or package of this name.
    fn package(&self, name: &str) -> &Project {
        self.project.with_packages().find(|project| project.name() == name).unwrap_or(self.project)
    }

    /// Seconds since 1970.
    fn created_at(&self) -> f64 {
        self.origin.started.timestamp_micros() as f64 / 1e6
    }
}

/// `package://models/schema.yml`
fn patch_path(package: &str, declared: Option<&Span>) -> Value {
    declared.map(|span| format!("{package}://{}", span.source.package_path())).into()
}

/// The ids of the macros that a template calls.
fn macro_ids<'m>(names: impl IntoIterator<Item = &'m PackageName>) -> Vec<String> {
    names.into_iter().map(|name| format!("macro.{name}")).collect()
}

/// The ids of documentation blocks.
fn doc_ids(names: &[PackageName]) -> Vec<String> {
    names.iter().map(|name| format!("doc.{name}")).collect()
}

/// Formats bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
