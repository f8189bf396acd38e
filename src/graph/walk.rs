//! Graph traversal: breadth first, so that the depth is the length of the shortest path.

use std::collections::BTreeSet;

use petgraph::{
    Direction,
    graph::NodeIndex,
    visit::{VisitMap, Visitable},
};

use super::Graph;
use crate::name::NodeId;

impl Graph {
    /// Returns every node upstream of this one, at most `depth` steps away, without the node itself.
    #[must_use]
    pub fn ancestors(&self, id: &NodeId, depth: Option<usize>) -> BTreeSet<NodeId> {
        let mut found = self.upstream([id], depth);
        found.remove(id);
        found
    }

    /// Returns these nodes and their ancestors, at most `depth` steps away. One pass, however many nodes are
    /// given.
    pub fn upstream<'a>(
        &self,
        of: impl IntoIterator<Item = &'a NodeId>,
        depth: Option<usize>,
    ) -> BTreeSet<NodeId> {
        self.walk(of, Direction::Incoming, depth)
    }

    /// Returns these nodes and their descendants, at most `depth` steps away. One pass, however many nodes
    /// are given.
    pub fn downstream<'a>(
        &self,
        of: impl IntoIterator<Item = &'a NodeId>,
        depth: Option<usize>,
    ) -> BTreeSet<NodeId> {
        self.walk(of, Direction::Outgoing, depth)
    }

    fn walk<'a>(
        &self,
        from: impl IntoIterator<Item = &'a NodeId>,
        direction: Direction,
        depth: Option<usize>,
    ) -> BTreeSet<NodeId> {
        let mut seen = self.inner.visit_map();
        let mut found: Vec<NodeIndex> =
            from.into_iter().filter_map(|id| self.index(id)).filter(|node| seen.visit(*node)).collect();
        let mut level = 0..found.len();
        let mut steps = 0;
        while !level.is_empty() && depth.is_none_or(|depth| steps < depth) {
            for at in level.clone() {
                let next = self.inner.neighbors_directed(found[at], direction);
                found.extend(next.filter(|node| seen.visit(*node)));
            }
            level = level.end..found.len();
            steps += 1;
        }
        found.into_iter().map(|node| self.inner[node].clone()).collect()
    }
}
