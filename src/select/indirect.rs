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

impl Indirect {
    /// Returns the mode's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eager => "eager",
            Self::Cautious => "cautious",
            Self::Buildable => "buildable",
            Self::Empty => "empty",
        }
    }

    /// Returns the mode with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Eager, Self::Cautious, Self::Buildable, Self::Empty];
        all.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(name))
    }
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
    pub(super) fn expand(&self, nodes: BTreeSet<NodeId>, mode: Option<Indirect>) -> Chosen {
        let mode = mode.unwrap_or(self.mode);
        if mode == Indirect::Empty || self.parents.is_empty() {
            return Chosen { nodes, waiting: BTreeSet::new() };
        }
        let buildable = self.buildable(&nodes, mode);
        let adjacent: BTreeSet<&NodeId> = nodes
            .iter()
            .flat_map(|id| self.graph.children(id))
            .filter(|child| self.parents.contains_key(child) && !nodes.contains(*child))
            .collect();
        let (mut along, mut waiting) = (BTreeSet::new(), BTreeSet::new());
        for test in adjacent {
            let comes = mode == Indirect::Eager || self.all_chosen(test, &nodes, &buildable, mode);
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
        let buildable = self.buildable(&nodes, self.mode);
        let along: Vec<NodeId> =
            waiting.into_iter().filter(|test| self.all_chosen(test, &nodes, &buildable, self.mode)).collect();
        nodes.extend(along);
        nodes
    }

    fn all_chosen(
        &self,
        test: &NodeId,
        nodes: &BTreeSet<NodeId>,
        buildable: &BTreeSet<NodeId>,
        mode: Indirect,
    ) -> bool {
        let tested = self.parents.get(test).map(Vec::as_slice).unwrap_or_default();
        tested.iter().all(|node| {
            nodes.contains(*node)
                || (mode == Indirect::Buildable && (buildable.contains(*node) || self.sources.contains(node)))
        })
    }

    /// Returns the nodes upstream of these, which must have been built before them.
    fn buildable(&self, nodes: &BTreeSet<NodeId>, mode: Indirect) -> BTreeSet<NodeId> {
        if mode == Indirect::Buildable { self.graph.upstream(nodes, None) } else { BTreeSet::new() }
    }
}
