//! Some of the nodes, in an order that still respects the whole.

use std::{collections::BTreeSet, rc::Rc};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

use super::Graph;
use crate::name::NodeId;

impl Graph {
    /// The kept nodes; where a way from one to another leads through dropped nodes only, an edge stands for it: if
    /// `a → x → b` and `x` is dropped, `b` stays behind `a`. Ids that are not in this graph are left out.
    #[must_use]
    pub fn subgraph(&self, kept: &BTreeSet<NodeId>) -> Self {
        let mut inner = DiGraph::with_capacity(kept.len(), 0);
        let mut index_of = vec![None; self.inner.node_count()];
        for id in kept {
            if let Some(node) = self.index(id) {
                index_of[node.index()] = Some(inner.add_node(id.clone()));
            }
        }
        // Parents come first in the order, so what is nearest above each parent is known when a child asks for it.
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

    /// What is nearest above the node: all that is nearest at its parents, each once. Shared with the parent where
    /// there is but one, so that long chains of dropped nodes cost nothing.
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
