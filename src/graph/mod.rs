//! The dependency graph: build order, upstream and downstream nodes, and dependency cycles.
//!
//! - [`Graph`]: built once by [`Graph::build`], then immutable
//! - `walk`: upstream and downstream nodes
//! - `subgraph`: the graph of some of the nodes
//! - [`Cycle`]: a dependency cycle
//!
//! Pure: knows only IDs and edges, not what a node is. Every result depends on the IDs and edges alone, not
//! on the order in which they were given.

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

/// An acyclic graph of nodes, with edges from a parent to the children that read it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Nodes are in the order of their IDs, so indices sort like IDs.
    inner: DiGraph<NodeId, ()>,
    sorted: Vec<NodeId>,
}

impl Graph {
    /// Builds the graph of these nodes and `(parent, child)` edges. Adds the ends of edges as nodes, and
    /// ignores duplicate edges.
    ///
    /// # Errors
    /// If the edges form a dependency cycle.
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

    /// Returns the nodes in topological order; ties are broken by ID.
    #[must_use]
    pub fn sorted(&self) -> &[NodeId] {
        &self.sorted
    }

    /// Returns whether the node is in the graph.
    #[must_use]
    pub fn contains(&self, id: &NodeId) -> bool {
        self.index(id).is_some()
    }

    /// Returns the nodes that this one reads directly, sorted by ID; empty for an unknown node.
    #[must_use]
    pub fn parents(&self, id: &NodeId) -> Vec<&NodeId> {
        self.neighbours(id, Direction::Incoming)
    }

    /// Returns the nodes that read this one directly, sorted by ID; empty for an unknown node.
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
