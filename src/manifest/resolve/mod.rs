//! Resolution: builds the [`Manifest`] from a project and the calls captured from its templates. Collects all
//! errors.
//!
//! - here: the order in which nodes are added
//! - `resolver`: the state of a resolution
//! - `source`, `external`, `freshness`: sources, their locations and their freshness limits
//! - `model`, `seed`, `snapshot`: nodes that build tables
//! - `data_test`, `unit_test`: tests
//! - `exposure`: exposures
//! - `config`: layers of configuration
//! - `relation`, `folder`: tables, and names that are used as directories
//! - `edges`: the dependency graph
//! - `documentation`: descriptions of all nodes
//! - `unknown_properties`: entries in properties files for nodes that don't exist

mod config;
mod data_test;
mod documentation;
mod edges;
mod exposure;
mod external;
mod folder;
mod freshness;
mod model;
mod relation;
mod resolver;
mod seed;
mod snapshot;
mod source;
mod unit_test;
mod unknown_properties;

use std::{collections::BTreeMap, sync::Arc};

use self::resolver::Resolver;
use super::Manifest;
use crate::{
    diag::{Diagnostic, Severity},
    jinja::Jinja,
    parse::{DocBlock, Parsed},
    project::{ModelProperties, Project},
};

impl Manifest {
    /// Resolves a project with parsed templates; `prefix` is prepended to every schema.
    pub fn resolve(
        project: &Project,
        parsed: &Parsed,
        prefix: Option<&str>,
        docs: BTreeMap<String, DocBlock>,
        jinja: &Jinja,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut resolver = Resolver::new(project, prefix, jinja);
        for source in &project.sources {
            resolver.source(source);
        }
        let properties = by_name(&project.properties);
        let mut models = Vec::new();
        for (file, captures) in project.models.iter().zip(&parsed.models) {
            if let Some(id) = resolver.model(file, properties.get(file.name.as_str()).copied(), captures) {
                models.push((id, captures));
            }
        }
        let properties = by_name(&project.seed_properties);
        for file in &project.seeds {
            resolver.seed(file, properties.get(file.name.as_str()).copied());
        }
        let properties = by_name(&project.snapshot_properties);
        let mut snapshots = Vec::new();
        for snapshot in &parsed.snapshots {
            let described = properties.get(snapshot.name.as_str()).copied();
            snapshots.extend(resolver.snapshot(snapshot, described).map(|id| (id, snapshot)));
        }
        resolver.unknown_properties(parsed);
        let mut edges = resolver.edges(&models);
        edges.extend(resolver.snapshot_edges(&snapshots));
        for test in &parsed.tests {
            edges.extend(resolver.data_test(test));
        }
        for test in &parsed.unit_tests {
            edges.extend(resolver.unit_test(test));
        }
        for exposure in &parsed.exposures {
            edges.extend(resolver.exposure(exposure));
        }
        let library = resolver.library(docs);
        let graph = match resolver.graph(edges) {
            Ok(graph) => graph,
            Err(found) => {
                resolver.findings.push(found);
                return Err(resolver.findings);
            }
        };
        if resolver.findings.iter().any(|found| found.severity == Severity::Error) {
            return Err(resolver.findings);
        }
        let Resolver { package, nodes, lookup, findings, .. } = resolver;
        let lookup = Arc::new(lookup);
        Ok((Self { project: package.to_string(), nodes, graph, library, lookup }, findings))
    }
}

fn by_name(properties: &[ModelProperties]) -> BTreeMap<&str, &ModelProperties> {
    properties.iter().map(|properties| (properties.name.value.as_str(), properties)).collect()
}
