//! Which tests come along with the nodes they test: dbt's indirect selection.
//!
//! A set of chosen nodes is carried as two: those that are chosen, and the tests that will be if the rest of what they
//! test turns out to be chosen as well. Both go through the set operations apart; the end decides.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use crate::{graph::Graph, name::NodeId};

/// Which tests come along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Indirect {
    /// Those of which any node is chosen.
    #[default]
    Eager,
    /// Those of which all nodes are chosen.
    Cautious,
    /// Those of which all nodes are chosen, or above what is, or sources.
    Buildable,
    /// None.
    Empty,
}

/// Nodes on their way through the set operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Those that are chosen.
    pub(super) nodes: BTreeSet<NodeId>,
    /// Tests that are, once all they test is.
    pub(super) waiting: BTreeSet<NodeId>,
}

/// What is known of tests.
pub(super) struct Tests<'a> {
    mode: Indirect,
    graph: &'a Graph,
    /// Each test and the nodes it tests.
    parents: BTreeMap<&'a NodeId, Vec<&'a NodeId>>,
    sources: BTreeSet<&'a NodeId>,
}

impl<'a> Tests<'a> {
    pub(super) fn new(candidates: &'a [Candidate], graph: &'a Graph, mode: Indirect) -> Self {
        let tests = candidates.iter().filter(|candidate| candidate.test.is_some());
        let sources = candidates.iter().filter(|candidate| candidate.source_name.is_some());
        Self {
            mode,
            graph,
            parents: tests.map(|test| (&test.id, graph.parents(&test.id))).collect(),
            sources: sources.map(|source| &source.id).collect(),
        }
    }

    /// The nodes, and the tests that come along or may yet.
    pub(super) fn expand(&self, nodes: BTreeSet<NodeId>) -> Chosen {
        if self.mode == Indirect::Empty || self.parents.is_empty() {
            return Chosen { nodes, waiting: BTreeSet::new() };
        }
        let buildable = self.buildable(&nodes);
        let adjacent: BTreeSet<&NodeId> = nodes
            .iter()
            .flat_map(|id| self.graph.children(id))
            .filter(|child| self.parents.contains_key(child) && !nodes.contains(*child))
            .collect();
        let (mut along, mut waiting) = (BTreeSet::new(), BTreeSet::new());
        for test in adjacent {
            let comes = self.mode == Indirect::Eager || self.all_chosen(test, &nodes, &buildable);
            if comes {
                along.insert(test.clone())
            } else {
                waiting.insert(test.clone())
            };
        }
        let mut nodes = nodes;
        nodes.append(&mut along);
        Chosen { nodes, waiting }
    }

    /// What is chosen in the end: with the tests of which by now all is chosen.
    pub(super) fn settle(&self, chosen: Chosen) -> BTreeSet<NodeId> {
        let Chosen { mut nodes, waiting } = chosen;
        let buildable = self.buildable(&nodes);
        let along: Vec<NodeId> =
            waiting.into_iter().filter(|test| self.all_chosen(test, &nodes, &buildable)).collect();
        nodes.extend(along);
        nodes
    }

    fn all_chosen(&self, test: &NodeId, nodes: &BTreeSet<NodeId>, buildable: &BTreeSet<NodeId>) -> bool {
        let tested = self.parents.get(test).map(Vec::as_slice).unwrap_or_default();
        tested.iter().all(|node| {
            nodes.contains(*node)
                || (self.mode == Indirect::Buildable
                    && (buildable.contains(*node) || self.sources.contains(node)))
        })
    }

    /// What is built already if these are to be built: all above them.
    fn buildable(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        if self.mode == Indirect::Buildable { self.graph.upstream(nodes, None) } else { BTreeSet::new() }
    }
}
