//! Topological order, in which nodes are listed and started: Kahn's algorithm, smallest ready ID first.

use std::{cmp::Reverse, collections::BinaryHeap};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

/// Returns the nodes in topological order; ties are broken by index. The graph must be acyclic: nodes on or
/// below a cycle would be missing.
pub(super) fn topological<N>(graph: &DiGraph<N, ()>) -> Vec<NodeIndex> {
    let mut waiting_for: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.neighbors_directed(node, Direction::Incoming).count())
        .collect();
    let mut ready: BinaryHeap<Reverse<NodeIndex>> =
        graph.node_indices().filter(|node| waiting_for[node.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for child in graph.neighbors(node) {
            waiting_for[child.index()] -= 1;
            if waiting_for[child.index()] == 0 {
                ready.push(Reverse(child));
            }
        }
    }
    order
}
