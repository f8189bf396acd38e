//! Indirect selection: selects tests along with the nodes they test, as dbt does.
//!
//! A selection consists of two sets: the selected nodes, and the tests to select if the rest of their nodes
//! is selected too. Set operations apply to both separately, and the final step decides.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use crate::{graph::Graph, name::NodeId};

/// The mode of indirect selection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Indirect {
    /// Tests with any selected node.
    #[default]
    Eager,
    /// Tests whose nodes are all selected.
    Cautious,
    /// Tests whose nodes are all selected, upstream of a selected node, or sources.
    Buildable,
    /// No tests.
    Empty,
}

/// A selection during the set operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The selected nodes.
    pub(super) nodes: BTreeSet<NodeId>,
    /// Tests to select once all of their nodes are selected.
    pub(super) waiting: BTreeSet<NodeId>,
}

/// The tests and their nodes.
pub(super) struct IndirectTests<'a> {
    mode: Indirect,
    graph: &'a Graph,
    /// The nodes of each test.
    parents: BTreeMap<&'a NodeId, Vec<&'a NodeId>>,
    sources: BTreeSet<&'a NodeId>,
}

impl<'a> IndirectTests<'a> {
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

    /// Adds the tests to select along with the nodes, now or later.
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

    /// Returns the final selection, including waiting tests whose nodes are all selected by now.
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

    /// Returns the nodes upstream of these, which must have been built before them.
    fn buildable(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        if self.mode == Indirect::Buildable { self.graph.upstream(nodes, None) } else { BTreeSet::new() }
    }
}
