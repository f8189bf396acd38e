//! The one order in which nodes are listed and started: Kahn's algorithm, the least ready id first.

use std::{cmp::Reverse, collections::BinaryHeap};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
};

/// Every node after all of its parents, ties by index. The graph must have no cycle: nodes on one, and below one,
/// would be left out.
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
