//! Edges of the dependency graph: the nodes that templates refer to.

use super::resolver::{NodeEdges, Resolver};
use crate::{
    diag::Diagnostic,
    graph::{Cycle, Graph},
    jinja::Captures,
    name::NodeId,
};

impl Resolver<'_> {
    /// Returns the edges from the nodes that models read.
    pub(super) fn edges(&mut self, models: &[(NodeId, &Captures)]) -> NodeEdges {
        let mut edges = Vec::new();
        for (child, captures) in models {
            edges.extend(self.parents(captures).into_iter().map(|parent| (parent, child.clone())));
        }
        edges
    }

    /// The nodes that a template refers to.
    pub(super) fn parents(&mut self, captures: &Captures) -> Vec<NodeId> {
        let mut parents = Vec::new();
        for call in &captures.refs {
            match self.lookup.model(call.package.as_deref(), &call.name) {
                Ok((parent, _)) => parents.push(parent.clone()),
                Err(unknown) => self.findings.push(unknown.diagnostic("unknown-ref", &call.span)),
            }
        }
        for call in &captures.sources {
            match self.lookup.source(&call.source, &call.table) {
                Ok((parent, _)) => parents.push(parent.clone()),
                // The source exists, and its own error is already reported.
                Err(_) if self.faulty.contains(&self.lookup.source_key(&call.source, &call.table)) => {}
                Err(unknown) => self.findings.push(unknown.diagnostic("unknown-source", &call.span)),
            }
        }
        parents
    }

    /// Builds the graph. Returns a diagnostic if the edges form a dependency cycle.
    pub(super) fn graph(&self, edges: NodeEdges) -> Result<Graph, Diagnostic> {
        Graph::build(self.nodes.keys().cloned(), edges).map_err(|cycle| self.cycle(&cycle))
    }

    fn cycle(&self, cycle: &Cycle) -> Diagnostic {
        let names: Vec<&str> = cycle.path.iter().map(NodeId::name).collect();
        let (message, place) = match names[..] {
            [one] => (format!("`{one}` reads itself"), "this model"),
            _ => ("dependency cycle".into(), "one of them"),
        };
        let circle: Vec<&str> = names.iter().chain(names.first()).copied().collect();
        let found = Diagnostic::error("cycle", message).note(format!("cycle: {}", circle.join(" → ")));
        match cycle.path.first() {
            Some(first) => found.at(self.places[first].clone(), place),
            None => found,
        }
    }
}
