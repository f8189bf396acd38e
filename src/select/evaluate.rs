//! From expressions to nodes.

use std::collections::BTreeSet;

use super::{candidate::Candidate, criterion::Reach, expr::Expr, resolve::Target, unmatched};
use crate::{diag::Diagnostic, graph::Graph, name::NodeId};

/// The candidates that expressions are evaluated over, and what was noticed meanwhile.
pub(super) struct Evaluation<'a> {
    candidates: &'a [Candidate],
    ids: BTreeSet<&'a NodeId>,
    graph: &'a Graph,
    warnings: Vec<Diagnostic>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(candidates: &'a [Candidate], graph: &'a Graph) -> Self {
        let ids = candidates.iter().map(|candidate| &candidate.id).collect();
        Self { candidates, ids, graph, warnings: Vec::new() }
    }

    /// The criteria that matched nothing, in the order of evaluation.
    pub(super) fn into_warnings(self) -> Vec<Diagnostic> {
        self.warnings
    }

    /// The candidates that the expression stands for.
    pub(super) fn nodes(&mut self, expr: &Expr<Target>) -> BTreeSet<NodeId> {
        match expr {
            Expr::Everything => self.ids.iter().copied().cloned().collect(),
            Expr::Criterion(target) => self.target(target),
            Expr::Union(parts) => parts.iter().flat_map(|part| self.nodes(part)).collect(),
            Expr::Intersection(parts) => {
                let sets = parts.iter().map(|part| self.nodes(part));
                sets.reduce(|mut all, one| {
                    all.retain(|id| one.contains(id));
                    all
                })
                .unwrap_or_default()
            }
            Expr::Difference(sides) => {
                let [from, less] = sides.as_ref();
                let mut left = self.nodes(from);
                let less = self.nodes(less);
                left.retain(|id| !less.contains(id));
                left
            }
        }
    }

    fn target(&mut self, target: &Target) -> BTreeSet<NodeId> {
        let matched: BTreeSet<NodeId> = self
            .candidates
            .iter()
            .filter(|candidate| target.matcher.matches(candidate))
            .map(|candidate| candidate.id.clone())
            .collect();
        if matched.is_empty() {
            self.warnings.push(unmatched::warning(target, self.candidates));
            return matched;
        }
        let mut reached = self.relatives(&matched, target.reach);
        // The graph may know nodes that are no candidates.
        reached.retain(|id| self.ids.contains(id));
        reached.extend(matched);
        reached
    }

    fn relatives(&self, of: &BTreeSet<NodeId>, reach: Reach) -> BTreeSet<NodeId> {
        match reach {
            Reach::Around => self.graph.upstream(&self.graph.downstream(of, None), None),
            Reach::Lines { parents, children } => {
                let mut found =
                    parents.map_or_else(BTreeSet::new, |depth| self.graph.upstream(of, depth.limit()));
                if let Some(depth) = children {
                    found.append(&mut self.graph.downstream(of, depth.limit()));
                }
                found
            }
        }
    }
}
