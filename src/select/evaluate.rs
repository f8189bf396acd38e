//! Evaluation of expressions to nodes.

use std::collections::BTreeSet;

use super::{
    candidate::Candidate,
    criterion::GraphOperators,
    expr::Expr,
    indirect::{Chosen, Indirect, IndirectTests},
    resolve::ResolvedCriterion,
    unmatched,
};
use crate::{diag::Diagnostic, graph::Graph, name::NodeId};

/// The candidates to evaluate over, and the warnings so far.
pub(super) struct Evaluation<'a> {
    candidates: &'a [Candidate],
    ids: BTreeSet<&'a NodeId>,
    graph: &'a Graph,
    tests: IndirectTests<'a>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(candidates: &'a [Candidate], graph: &'a Graph, indirect: Indirect) -> Self {
        let ids = candidates.iter().map(|candidate| &candidate.id).collect();
        let tests = IndirectTests::new(candidates, graph, indirect);
        Self { candidates, ids, graph, tests, warnings: Vec::new() }
    }

    /// Returns warnings for criteria that matched nothing, in evaluation order.
    pub(super) fn into_warnings(self) -> Vec<Diagnostic> {
        self.warnings
    }

    /// Returns the candidates that the expression selects, including indirectly selected tests.
    pub(super) fn nodes(&mut self, expr: &Expr<ResolvedCriterion>) -> BTreeSet<NodeId> {
        self.chosen(expr).nodes
    }

    /// Like dbt, reconsiders the waiting tests after each operation.
    fn chosen(&mut self, expr: &Expr<ResolvedCriterion>) -> Chosen {
        let chosen = self.combined(expr);
        let waiting = chosen.waiting.clone();
        Chosen { nodes: self.tests.settle(chosen), waiting }
    }

    fn combined(&mut self, expr: &Expr<ResolvedCriterion>) -> Chosen {
        match expr {
            Expr::Everything => {
                Chosen { nodes: self.ids.iter().copied().cloned().collect(), waiting: BTreeSet::new() }
            }
            Expr::Criterion(target) => {
                let nodes = self.target(target);
                self.tests.expand(nodes, target.indirect)
            }
            Expr::Union(parts) => {
                parts.iter().map(|part| self.chosen(part)).fold(Chosen::default(), |mut all, one| {
                    all.nodes.extend(one.nodes);
                    all.waiting.extend(one.waiting);
                    all
                })
            }
            Expr::Intersection(parts) => {
                let sets = parts.iter().map(|part| self.chosen(part));
                sets.reduce(|mut all, one| {
                    all.nodes.retain(|id| one.nodes.contains(id));
                    all.waiting.retain(|id| one.waiting.contains(id));
                    all
                })
                .unwrap_or_default()
            }
            Expr::Difference(sides) => {
                let [from, less] = sides.as_ref();
                let mut left = self.chosen(from);
                let less = self.chosen(less);
                left.nodes.retain(|id| !less.nodes.contains(id));
                left.waiting.retain(|id| !less.waiting.contains(id) && !less.nodes.contains(id));
                left
            }
        }
    }

    fn target(&mut self, target: &ResolvedCriterion) -> BTreeSet<NodeId> {
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
        // The graph may contain nodes that aren't candidates.
        reached.retain(|id| self.ids.contains(id));
        reached.extend(matched);
        reached
    }

    fn relatives(&self, of: &BTreeSet<NodeId>, reach: GraphOperators) -> BTreeSet<NodeId> {
        match reach {
            GraphOperators::Around => self.graph.upstream(&self.graph.downstream(of, None), None),
            GraphOperators::Lines { parents, children } => {
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
