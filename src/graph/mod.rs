//! Which node reads which: the order to build in, what lies above and below a node, and the cycle if there is one.
//!
//! - [`Graph`]: built once by [`Graph::build`], never changed
//! - `walk`: what lies upstream and downstream
//! - `subgraph`: the order among some of the nodes
//! - [`Cycle`]: why a set of edges is no graph to run
//!
//! Pure: knows ids and edges, never what a node is. Every answer depends on the ids and edges alone, not on the
//! order in which they were given.

mod cycle;
mod order;
mod subgraph;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

pub use self::cycle::Cycle;
use crate::name::NodeId;

/// Nodes and the edges from a parent to the children that read it, without a cycle.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Nodes are added in the order of their ids, so that the order of indices is the order of ids.
    inner: DiGraph<NodeId, ()>,
    sorted: Vec<NodeId>,
}

impl Graph {
    /// The graph of these nodes and `(parent, child)` edges. The ends of an edge are nodes, named or not; an edge
    /// given twice counts once.
    pub fn build(
        nodes: impl IntoIterator<Item = NodeId>,
        edges: impl IntoIterator<Item = (NodeId, NodeId)>,
    ) -> Result<Self, Cycle> {
        let edges: BTreeSet<(NodeId, NodeId)> = edges.into_iter().collect();
        let mut ids: BTreeSet<NodeId> = nodes.into_iter().collect();
        for (parent, child) in &edges {
            ids.insert(parent.clone());
            ids.insert(child.clone());
        }
        let mut inner = DiGraph::with_capacity(ids.len(), edges.len());
        let index: BTreeMap<NodeId, NodeIndex> =
            ids.into_iter().map(|id| (id.clone(), inner.add_node(id))).collect();
        for (parent, child) in &edges {
            inner.add_edge(index[parent], index[child], ());
        }
        match Cycle::find(&inner) {
            Some(cycle) => Err(cycle),
            None => Ok(Self::from_acyclic(inner)),
        }
    }

    fn from_acyclic(inner: DiGraph<NodeId, ()>) -> Self {
        let sorted = order::topological(&inner).into_iter().map(|node| inner[node].clone()).collect();
        Self { inner, sorted }
    }

    /// Every node after all of its parents; where that leaves a choice, the least id comes first.
    #[must_use]
    pub fn sorted(&self) -> &[NodeId] {
        &self.sorted
    }

    /// Whether the node is in the graph.
    #[must_use]
    pub fn contains(&self, id: &NodeId) -> bool {
        self.index(id).is_some()
    }

    /// What the node reads directly, in the order of ids; nothing for an unknown node.
    #[must_use]
    pub fn parents(&self, id: &NodeId) -> Vec<&NodeId> {
        self.neighbours(id, Direction::Incoming)
    }

    /// What reads the node directly, in the order of ids; nothing for an unknown node.
    #[must_use]
    pub fn children(&self, id: &NodeId) -> Vec<&NodeId> {
        self.neighbours(id, Direction::Outgoing)
    }

    fn neighbours(&self, id: &NodeId, direction: Direction) -> Vec<&NodeId> {
        let Some(node) = self.index(id) else { return Vec::new() };
        let mut ids: Vec<&NodeId> =
            self.inner.neighbors_directed(node, direction).map(|other| &self.inner[other]).collect();
        ids.sort();
        ids
    }

    fn index(&self, id: &NodeId) -> Option<NodeIndex> {
        self.inner.raw_nodes().binary_search_by(|node| node.weight.cmp(id)).ok().map(NodeIndex::new)
    }
}

#[cfg(test)]
mod tests;
