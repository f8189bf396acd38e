//! The manifest: all nodes with their names resolved, and the dependency graph.
//!
//! - [`node`]: a node of any kind
//! - [`model`][]: models
//! - [`source`][]: sources
//! - [`seed`][]: seeds
//! - [`snapshot`][]: snapshots
//! - [`data_test`], [`unit_test`]: tests
//! - [`exposure`][]: exposures
//! - [`documentation`]: descriptions of all of them
//! - [`config`]: the settings of models, seeds, snapshots and tests, merged from all layers
//! - [`resolve`]: Project + parsed templates → [`Manifest`]
//! - [`lookup`]: the resolution of `ref()` and `source()`
//! - [`fingerprint`]: the detection of changes that affect a model's table
//!
//! Must not render templates or touch tables. Start at [`Manifest::resolve`].

mod claims;
pub mod config;
pub mod data_test;
pub mod documentation;
pub mod exposure;
pub mod fingerprint;
pub mod lookup;
pub mod model;
pub mod node;
pub mod resolve;
pub mod seed;
pub mod snapshot;
pub mod source;
#[cfg(test)]
pub(crate) mod tests;
pub mod unit_test;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use self::{
    config::{
        Condition, FilePolicy, Follow, HardDeletes, Hook, Incremental, IncrementalStrategy, Materialized,
        Microbatch, OnChange, OnDelete, OnSchemaChange, OnViolation, SeedConfig, SnapshotConfig,
        SnapshotStrategy, TestConfig, TestSeverity, Updates,
    },
    data_test::DataTest,
    documentation::{Library, Macro},
    exposure::Exposure,
    model::Model,
    node::Node,
    seed::Seed,
    snapshot::Snapshot,
    source::{SourceFreshness, SourceTable},
    unit_test::UnitTest,
};
use crate::{
    diag::Diagnostic,
    graph::Graph,
    name::{NodeId, Relation},
    project::{AnalysisSettings, StaticAnalysis},
    select::Candidate,
};

/// All nodes of a project in an ordered map, and their dependency graph. All names are resolved.
#[derive(Debug)]
pub struct Manifest {
    /// The project's name.
    pub project: String,
    /// All enabled nodes.
    pub nodes: BTreeMap<NodeId, Node>,
    /// The disabled nodes, which artifacts list and nothing else sees.
    pub disabled: BTreeMap<NodeId, Vec<Node>>,
    /// The dependency graph, with edges from upstream to downstream nodes.
    pub graph: Graph,
    /// Doc blocks, groups and macros.
    pub library: Library,
    /// The nodes that have errors. Neither they nor anything downstream of them can be compiled.
    pub broken: BTreeSet<NodeId>,
    /// The errors in the settings of nodes that fail alone; these nodes are broken as well.
    pub faults: BTreeMap<NodeId, Vec<Diagnostic>>,
    /// The mode of static analysis.
    pub static_analysis: AnalysisSettings,
    pub(crate) lookup: Arc<lookup::NameLookup>,
}

impl Manifest {
    /// Returns whether an error in a node stops the run. Otherwise the node fails alone.
    #[must_use]
    pub fn is_strict(&self, id: &NodeId) -> bool {
        let own = self.nodes.get(id).and_then(Node::static_analysis);
        self.static_analysis.of(own) == StaticAnalysis::Strict
    }

    /// Returns the model with this id.
    #[must_use]
    pub fn model(&self, id: &NodeId) -> Option<&Model> {
        match self.nodes.get(id) {
            Some(Node::Model(model)) => Some(model),
            _ => None,
        }
    }

    /// Iterates over the models, seeds and snapshots (dbt calls them refable), each as the model that builds
    /// its table, in dependency order.
    pub fn refables(&self) -> impl Iterator<Item = &Model> {
        self.graph.sorted().iter().filter_map(|id| self.refable(id))
    }

    /// Returns the model, seed or snapshot with this id, as the model that builds its table.
    #[must_use]
    pub fn refable(&self, id: &NodeId) -> Option<&Model> {
        match self.nodes.get(id) {
            Some(Node::Model(model)) => Some(model),
            Some(Node::Seed(seed)) => Some(&seed.model),
            Some(Node::Snapshot(snapshot)) => Some(&snapshot.model),
            _ => None,
        }
    }

    /// Returns the snapshot with this id.
    #[must_use]
    pub fn snapshot(&self, id: &NodeId) -> Option<&Snapshot> {
        match self.nodes.get(id) {
            Some(Node::Snapshot(snapshot)) => Some(snapshot),
            _ => None,
        }
    }

    /// Returns the data test with this id.
    #[must_use]
    pub fn test(&self, id: &NodeId) -> Option<&DataTest> {
        match self.nodes.get(id) {
            Some(Node::Test(test)) => Some(test),
            _ => None,
        }
    }

    /// Returns the unit test with this id.
    #[must_use]
    pub fn unit_test(&self, id: &NodeId) -> Option<&UnitTest> {
        match self.nodes.get(id) {
            Some(Node::UnitTest(test)) => Some(test),
            _ => None,
        }
    }

    /// Returns the exposure with this id.
    #[must_use]
    pub fn exposure(&self, id: &NodeId) -> Option<&Exposure> {
        match self.nodes.get(id) {
            Some(Node::Exposure(exposure)) => Some(exposure),
            _ => None,
        }
    }

    /// Returns the source table with this id.
    #[must_use]
    pub fn source(&self, id: &NodeId) -> Option<&SourceTable> {
        match self.nodes.get(id) {
            Some(Node::Source(source)) => Some(source),
            _ => None,
        }
    }

    /// Iterates over the data tests that depend on a node, alone or with others.
    pub fn tests_of(&self, id: &NodeId) -> impl Iterator<Item = &DataTest> {
        self.graph.children(id).into_iter().filter_map(|child| self.test(child))
    }

    /// Iterates over the relations that a node's SQL may name: its own, and those of its inputs.
    pub fn named_by<'a>(&'a self, id: &'a NodeId) -> impl Iterator<Item = &'a Relation> {
        let ids = [id].into_iter().chain(self.graph.parents(id));
        ids.filter_map(|id| self.nodes.get(id)?.relation())
    }

    /// Returns the node with this relation.
    #[must_use]
    pub fn at(&self, relation: &Relation) -> Option<&Node> {
        self.lookup.relations.get(relation).and_then(|id| self.nodes.get(id))
    }

    /// Returns whether this is the relation of a source read from files or a database, whose rows may be
    /// rejected.
    #[must_use]
    pub fn is_file_source(&self, relation: &Relation) -> bool {
        matches!(self.at(relation), Some(Node::Source(source)) if !source.is_delta())
    }

    /// Returns whether this relation is read from files or a database, including a seed's file, rather than
    /// from a Delta table.
    #[must_use]
    pub fn is_file(&self, relation: &Relation) -> bool {
        match self.at(relation) {
            Some(Node::Seed(seed)) => seed.file == *relation,
            _ => self.is_file_source(relation),
        }
    }

    /// Returns the relation of the files or the database from which a node's rows are read.
    #[must_use]
    pub fn read_from(&self, id: &NodeId) -> Option<&Relation> {
        match self.nodes.get(id)? {
            Node::Seed(seed) => Some(&seed.file),
            node => node.relation(),
        }
    }

    /// Returns the number of nodes of each kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for node in self.nodes.values() {
            let kind = match node {
                Node::Test(_) => "data test",
                Node::UnitTest(_) => "unit test",
                other => other.resource_type(),
            };
            *counts.entry(kind).or_default() += 1;
        }
        counts
    }

    /// Returns the nodes as candidates for selection.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.nodes.values().map(|node| node.candidate(&self.project)).collect()
    }
}
