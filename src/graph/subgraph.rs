//! Subgraphs: some of the nodes, in an order that respects the whole graph.

use std::{collections::BTreeSet, rc::Rc};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

use super::Graph;
use crate::name::NodeId;

impl Graph {
    /// Returns the graph of the kept nodes. A path through dropped nodes becomes an edge: if `a → x → b` and
    /// `x` is dropped, `b` still comes after `a`. Ignores unknown IDs.
    #[must_use]
    pub fn subgraph(&self, kept: &BTreeSet<NodeId>) -> Self {
        let mut inner = DiGraph::with_capacity(kept.len(), 0);
        let mut index_of = vec![None; self.inner.node_count()];
        for id in kept {
            if let Some(node) = self.index(id) {
                index_of[node.index()] = Some(inner.add_node(id.clone()));
            }
        }
        // In topological order, the nearest kept nodes of each parent are known before those of its children.
        let mut nearest: Vec<Rc<[NodeIndex]>> = vec![Rc::from([]); self.inner.node_count()];
        for node in self.sorted.iter().filter_map(|id| self.index(id)) {
            let above = self.merge(node, &nearest);
            nearest[node.index()] = match index_of[node.index()] {
                Some(child) => {
                    for parent in above.iter() {
                        inner.add_edge(*parent, child, ());
                    }
                    Rc::from([child])
                }
                None => above,
            };
        }
        Self::from_acyclic(inner)
    }

    /// Returns the nearest kept nodes upstream: the union over all parents. Shared with a single parent, so
    /// that long chains of dropped nodes are cheap.
    fn merge(&self, node: NodeIndex, nearest: &[Rc<[NodeIndex]>]) -> Rc<[NodeIndex]> {
        let mut parents = self
            .inner
            .neighbors_directed(node, Direction::Incoming)
            .map(|parent| &nearest[parent.index()])
            .filter(|above| !above.is_empty());
        match (parents.next(), parents.next()) {
            (None, _) => Rc::from([]),
            (Some(only), None) => Rc::clone(only),
            (Some(first), Some(second)) => {
                let all: BTreeSet<NodeIndex> = [first, second]
                    .into_iter()
                    .chain(parents)
                    .flat_map(|above| above.iter().copied())
                    .collect();
                all.into_iter().collect()
            }
        }
    }
}
