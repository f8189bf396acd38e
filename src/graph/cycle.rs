//! Dependency cycles: finds one as a path to report.

use std::{collections::VecDeque, fmt};

use petgraph::{
    algo::kosaraju_scc,
    graph::{DiGraph, NodeIndex},
};

use crate::name::NodeId;

/// A dependency cycle: a shortest one through the smallest ID that is on any cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// Each node once, starting at the smallest ID; each is a parent of the next, and the last of the first.
    pub path: Vec<NodeId>,
}

impl Cycle {
    pub(super) fn find(graph: &DiGraph<NodeId, ()>) -> Option<Self> {
        // Kosaraju's algorithm, because petgraph's Tarjan is recursive, and a project can be a chain of any
        // length.
        let start = kosaraju_scc(graph)
            .into_iter()
            .filter(|ring| ring.len() > 1 || graph.contains_edge(ring[0], ring[0]))
            .flatten()
            .min()?;
        let path = shortest_way_back(graph, start).into_iter().map(|node| graph[node].clone()).collect();
        Some(Self { path })
    }
}

/// Returns the nodes of a shortest cycle through `start`, which must be on one.
fn shortest_way_back(graph: &DiGraph<NodeId, ()>, start: NodeIndex) -> Vec<NodeIndex> {
    let mut came_from = vec![None; graph.node_count()];
    let mut queue = VecDeque::from([start]);
    'search: while let Some(node) = queue.pop_front() {
        let mut children: Vec<NodeIndex> = graph.neighbors(node).collect();
        children.sort_unstable();
        for child in children {
            if came_from[child.index()].is_none() {
                came_from[child.index()] = Some(node);
                queue.push_back(child);
            }
            if child == start {
                break 'search;
            }
        }
    }
    let mut path = vec![start];
    let mut at = start;
    while let Some(before) = came_from[at.index()].filter(|before| *before != start) {
        path.push(before);
        at = before;
    }
    path[1..].reverse();
    path
}

/// Formats the cycle as `a → b → a`.
impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.path {
            write!(f, "{node} → ")?;
        }
        self.path.first().map_or(Ok(()), |first| write!(f, "{first}"))
    }
}

impl std::error::Error for Cycle {}
