//! The manifest: every node with its names resolved, and the graph between them.
//!
//! - [`node`]: what a node is
//! - [`seed`]: what a seed is
//! - [`snapshot`]: what a snapshot is
//! - [`data_test`], [`unit_test`]: what a test is
//! - [`exposure`]: what is done with tables
//! - [`documentation`]: what is said of all of them
//! - [`config`]: the settings of models, seeds, snapshots and tests, from all the layers that may make them
//! - [`resolve`]: Project + what was parsed → [`Manifest`]
//! - [`lookup`]: what `ref()` and `source()` mean
//! - [`fingerprint`]: what would make a model's table another one
//!
//! Must not render templates or touch tables. Start at [`Manifest::resolve`].

pub mod config;
pub mod data_test;
pub mod documentation;
pub mod exposure;
pub mod fingerprint;
pub mod lookup;
pub mod node;
pub mod resolve;
pub mod seed;
pub mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
pub mod unit_test;

use std::{collections::BTreeMap, sync::Arc};

pub use self::{
    config::{
        Condition, FilePolicy, Follow, HardDeletes, Incremental, Materialized, MetaColumns, Microbatch,
        ModelConfig, OnChange, OnDelete, OnSchemaChange, OnViolation, SeedConfig, SnapshotConfig,
        SnapshotStrategy, Strategy, TestConfig, TestSeverity, Updates,
    },
    data_test::DataTest,
    documentation::{Documentation, Group, Library, Macro},
    exposure::Exposure,
    node::{Model, Node, SourceFreshness, SourceTable},
    seed::Seed,
    snapshot::Snapshot,
    unit_test::UnitTest,
};
use crate::{
    graph::Graph,
    name::{NodeId, Relation},
    select::Candidate,
};

/// All nodes of a project in one ordered map, and the graph of who reads whom. No name in it is unresolved.
#[derive(Debug)]
pub struct Manifest {
    /// The project's name.
    pub project: String,
    /// Every enabled node.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Edges from what is read to who reads it.
    pub graph: Graph,
    /// Documentation blocks, groups and macros.
    pub library: Library,
    pub(crate) lookup: Arc<lookup::Lookup>,
}

impl Manifest {
    /// The models in an order in which each stands after what it reads.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.graph.sorted().iter().filter_map(|id| self.model(id))
    }

    /// The model of this id.
    #[must_use]
    pub fn model(&self, id: &NodeId) -> Option<&Model> {
        match self.nodes.get(id) {
            Some(Node::Model(model)) => Some(model),
            _ => None,
        }
    }

    /// What makes the table of a model, a seed or a snapshot (dbt calls them refable), in an order in which each stands after what
    /// it reads.
    pub fn refables(&self) -> impl Iterator<Item = &Model> {
        self.graph.sorted().iter().filter_map(|id| self.refable(id))
    }

    /// What makes the table of the model, the seed or the snapshot of this id.
    #[must_use]
    pub fn refable(&self, id: &NodeId) -> Option<&Model> {
        match self.nodes.get(id) {
            Some(Node::Model(model)) => Some(model),
            Some(Node::Seed(seed)) => Some(&seed.model),
            Some(Node::Snapshot(snapshot)) => Some(&snapshot.model),
            _ => None,
        }
    }

    /// The snapshot of this id.
    #[must_use]
    pub fn snapshot(&self, id: &NodeId) -> Option<&Snapshot> {
        match self.nodes.get(id) {
            Some(Node::Snapshot(snapshot)) => Some(snapshot),
            _ => None,
        }
    }

    /// The data test of this id.
    #[must_use]
    pub fn test(&self, id: &NodeId) -> Option<&DataTest> {
        match self.nodes.get(id) {
            Some(Node::Test(test)) => Some(test),
            _ => None,
        }
    }

    /// The unit test of this id.
    #[must_use]
    pub fn unit_test(&self, id: &NodeId) -> Option<&UnitTest> {
        match self.nodes.get(id) {
            Some(Node::UnitTest(test)) => Some(test),
            _ => None,
        }
    }

    /// The exposure of this id.
    #[must_use]
    pub fn exposure(&self, id: &NodeId) -> Option<&Exposure> {
        match self.nodes.get(id) {
            Some(Node::Exposure(exposure)) => Some(exposure),
            _ => None,
        }
    }

    /// The source table of this id.
    #[must_use]
    pub fn source(&self, id: &NodeId) -> Option<&SourceTable> {
        match self.nodes.get(id) {
            Some(Node::Source(source)) => Some(source),
            _ => None,
        }
    }

    /// The data tests that judge a node, alone or with others.
    pub fn tests_of(&self, id: &NodeId) -> impl Iterator<Item = &DataTest> {
        self.graph.children(id).into_iter().filter_map(|child| self.test(child))
    }

    /// The relations that a node's SQL may name: its own, and those of what it reads.
    pub fn named_by<'a>(&'a self, id: &'a NodeId) -> impl Iterator<Item = &'a Relation> {
        let ids = [id].into_iter().chain(self.graph.parents(id));
        ids.filter_map(|id| self.nodes.get(id)?.relation())
    }

    /// The node at this place in the lake.
    #[must_use]
    pub fn at(&self, relation: &Relation) -> Option<&Node> {
        self.lookup.relations.get(relation).and_then(|id| self.nodes.get(id))
    }

    /// Whether this place is a source's whose rows are read from files or a database, and may be set aside.
    #[must_use]
    pub fn is_file_source(&self, relation: &Relation) -> bool {
        matches!(self.at(relation), Some(Node::Source(source)) if !source.is_delta())
    }

    /// Whether this place is no Delta table: what stands there is read from files or a database, a seed's file included.
    #[must_use]
    pub fn is_file(&self, relation: &Relation) -> bool {
        match self.at(relation) {
            Some(Node::Seed(seed)) => seed.file == *relation,
            _ => self.is_file_source(relation),
        }
    }

    /// What SQL calls the files or the database that a node's rows are read from.
    #[must_use]
    pub fn read_from(&self, id: &NodeId) -> Option<&Relation> {
        match self.nodes.get(id)? {
            Node::Seed(seed) => Some(&seed.file),
            node => node.relation(),
        }
    }

    /// How many nodes of each kind there are.
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

    /// The nodes as the selection language sees them.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        self.nodes.values().map(|node| node.candidate(&self.project)).collect()
    }
}
