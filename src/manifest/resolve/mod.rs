//! Resolution: builds the [`Manifest`] from a project and the calls captured from its templates. Collects all
//! errors, and marks the nodes that have one.
//!
//! - here: the order in which nodes are added
//! - `resolver`: the state of a resolution
//! - `source`, `external`, `freshness`: sources, their locations and their freshness limits
//! - `model`, `seed`, `snapshot`: nodes that build tables
//! - `data_test`, `unit_test`: tests
//! - `exposure`: exposures
//! - `config`: layers of configuration
//! - `relation`, `folder`: tables, and names that are used as directories
//! - `compiled_file`: files of compiled SQL
//! - `access`: groups, and references to private models
//! - `edges`: the dependency graph
//! - `documentation`: descriptions of all nodes
//! - `unknown_properties`: entries in properties files for nodes that don't exist

mod access;
mod compiled_file;
mod config;
mod data_test;
mod documentation;
mod edges;
mod exposure;
mod external;
pub(super) mod folder;
mod freshness;
mod model;
mod relation;
mod resolver;
mod seed;
mod snapshot;
mod source;
mod unit_test;
mod unknown_properties;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use self::resolver::{NodeEdges, Resolver};
use super::Manifest;
use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja},
    name::{NodeId, PackageName},
    parse::{DocBlock, Parsed, ParsedSnapshot},
    project::{ModelProperties, Project},
};

impl Manifest {
    /// Resolves a project and its packages with parsed templates; `target_schema` is the
    /// schema of the target, if it has one.
    /// Returns the nodes and all diagnostics; nodes with errors are in [`Manifest::broken`].
    #[must_use]
    pub fn resolve(
        project: &Project,
        parsed: &[Parsed],
        target_schema: Option<&str>,
        docs: BTreeMap<PackageName, DocBlock>,
        jinja: &Jinja,
    ) -> (Self, Vec<Diagnostic>) {
        let mut resolver = Resolver::new(project, target_schema, jinja);
        let packages: Vec<(&Project, &Parsed)> = project.with_packages().zip(parsed).collect();
        for (package, _) in &packages {
            resolver.enter(package);
            for source in &package.sources {
                resolver.source(source);
            }
        }
        let (mut models, mut snapshots) = (Vec::new(), Vec::new());
        for (package, parsed) in &packages {
            resolver.enter(package);
            models.extend(resolver.models(parsed));
            snapshots.extend(resolver.seeds_and_snapshots(parsed));
            resolver.unknown_properties(parsed);
        }
        let mut edges = resolver.shared_tables();
        edges.extend(resolver.edges(&models));
        edges.extend(resolver.snapshot_edges(&snapshots));
        for (package, parsed) in &packages {
            resolver.enter(package);
            edges.extend(resolver.tests(parsed));
        }
        resolver.companions();
        for (package, parsed) in &packages {
            resolver.enter(package);
            for exposure in &parsed.exposures {
                edges.extend(resolver.exposure(exposure));
            }
        }
        resolver.groups_and_access();
        let library = resolver.library(docs);
        let graph = resolver.graph(edges);
        let Resolver { mut nodes, disabled, lookup, findings, broken, faults, .. } = resolver;
        compiled_file::give_each_its_own(&mut nodes);
        let lookup = Arc::new(lookup);
        let static_analysis = project.settings.static_analysis;
        let project = project.name().to_owned();
        let manifest =
            Self { project, nodes, disabled, graph, library, broken, faults, static_analysis, lookup };
        (manifest, findings)
    }
}

impl Resolver<'_> {
    /// Adds the models of the current package.
    fn models<'p>(&mut self, parsed: &'p Parsed) -> Vec<(NodeId, Cow<'p, Captures>)> {
        let project = self.project;
        let properties = by_name(&project.properties);
        let mut models = Vec::new();
        for (file, captures) in project.models.iter().zip(&parsed.models) {
            let is_invalid = captures.is_none();
            let captures = captures.as_ref().map_or_else(Cow::default, Cow::Borrowed);
            let described = properties.get(file.name.as_str()).copied();
            let added = self.watched(|resolver| resolver.model(file, described, &captures));
            self.broken.extend(added.clone().filter(|_| is_invalid));
            models.extend(added.map(|id| match self.hook_calls.remove(&id) {
                Some(hooks) => (id, Cow::Owned(captures.into_owned().and(hooks))),
                None => (id, captures),
            }));
        }
        models
    }

    /// Adds the seeds and the snapshots of the current package. Returns the snapshots.
    fn seeds_and_snapshots<'p>(&mut self, parsed: &'p Parsed) -> Vec<(NodeId, &'p ParsedSnapshot)> {
        let project = self.project;
        let properties = by_name(&project.seed_properties);
        for file in &project.seeds {
            let described = properties.get(file.name.as_str()).copied();
            self.watched(|resolver| resolver.seed(file, described));
        }
        let properties = by_name(&project.snapshot_properties);
        let mut snapshots = Vec::new();
        for snapshot in &parsed.snapshots {
            let described = properties.get(snapshot.name.as_str()).copied();
            let added = self.watched(|resolver| resolver.snapshot(snapshot, described));
            snapshots.extend(added.map(|id| (id, snapshot)));
        }
        snapshots
    }

    /// Adds the tests of the current package.
    fn tests(&mut self, parsed: &Parsed) -> NodeEdges {
        let mut edges = NodeEdges::new();
        for test in &parsed.tests {
            let before = self.findings.len();
            edges.extend(self.data_test(test));
            self.mark(Some(&test.id), before);
        }
        for test in &parsed.unit_tests {
            let before = self.findings.len();
            edges.extend(self.unit_test(test));
            self.mark(Some(&test.id), before);
        }
        edges
    }
}

fn by_name(properties: &[ModelProperties]) -> BTreeMap<&str, &ModelProperties> {
    properties.iter().map(|properties| (properties.file_name(), properties)).collect()
}
