//! Edges of the dependency graph: the nodes that templates refer to.

use std::{borrow::Cow, collections::BTreeSet};

use super::resolver::{NodeEdges, Resolver};
use crate::{
    diag::Diagnostic,
    graph::{Cycle, Graph},
    jinja::Captures,
    manifest::lookup::UnknownName,
    name::NodeId,
    text::Span,
};

/// A reference to a node that is missing or disabled.
pub(super) struct MissingParent {
    /// dbt's word for what is missing: `node` or `source`.
    kind: &'static str,
    name: String,
    span: Span,
    unknown: UnknownName,
}

impl MissingParent {
    fn code(&self) -> &'static str {
        if self.kind == "source" { "unknown-source" } else { "unknown-ref" }
    }

    /// Returns the error of a node that can't do without this parent.
    fn error(self) -> Diagnostic {
        let code = self.code();
        self.unknown.diagnostic(code, &self.span)
    }

    /// Returns dbt's warning for a test, which is disabled instead.
    pub(super) fn warning(self, test: &NodeId, path: &str) -> Diagnostic {
        let why = if self.unknown.is_disabled { "is disabled" } else { "was not found" };
        let (code, kind, name) = (self.code(), self.kind, &self.name);
        let message = format!("Test '{test}' ({path}) depends on a {kind} named '{name}' which {why}");
        let found = Diagnostic::warning(code, message).at(self.span, "").note("the test is disabled");
        match self.unknown.hint {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}

impl Resolver<'_> {
    /// Returns the edges from the nodes that models read.
    pub(super) fn edges(&mut self, models: &[(NodeId, Cow<'_, Captures>)]) -> NodeEdges {
        let mut edges = Vec::new();
        for (child, captures) in models {
            let parents = self.parents(child, captures);
            edges.extend(parents.into_iter().map(|parent| (parent, child.clone())));
        }
        edges
    }

    /// Returns the nodes that a node's template refers to. The node is broken if it refers to a missing one.
    pub(super) fn parents(&mut self, child: &NodeId, captures: &Captures) -> Vec<NodeId> {
        let before = self.findings.len();
        let (parents, missing) = self.known_parents(child, captures);
        self.findings.extend(missing.into_iter().map(MissingParent::error));
        let group = self.group_of(child).map(str::to_owned);
        self.private_refs(child, group.as_deref(), captures);
        self.mark(Some(child), before);
        parents
    }

    /// Returns the nodes that a node's template refers to, and its references to missing or disabled ones.
    pub(super) fn known_parents(
        &mut self,
        child: &NodeId,
        captures: &Captures,
    ) -> (Vec<NodeId>, Vec<MissingParent>) {
        let (mut parents, mut missing) = (Vec::new(), Vec::new());
        for call in &captures.refs {
            match self.lookup.model(child.package(), call.package.as_deref(), &call.target()) {
                Ok((parent, _)) => parents.push(parent.clone()),
                Err(unknown) => missing.push(MissingParent {
                    kind: "node",
                    name: call.name.clone(),
                    span: call.span.clone(),
                    unknown,
                }),
            }
        }
        for call in &captures.sources {
            match self.lookup.source(child.package(), &call.source, &call.table) {
                Ok((parent, _)) => parents.push(parent.clone()),
                // The source exists, and its own error is already reported.
                Err(_)
                    if self.faulty.contains(&self.lookup.source_key(
                        child.package(),
                        &call.source,
                        &call.table,
                    )) =>
                {
                    self.broken.insert(child.clone());
                }
                Err(unknown) => missing.push(MissingParent {
                    kind: "source",
                    name: format!("{}.{}", call.source, call.table),
                    span: call.span.clone(),
                    unknown,
                }),
            }
        }
        (parents, missing)
    }

    /// Builds the graph. If the edges form a dependency cycle, reports it and builds the graph without the
    /// edges to its nodes, which are broken.
    pub(super) fn graph(&mut self, mut edges: NodeEdges) -> Graph {
        let mut is_reported = false;
        loop {
            let cycle = match Graph::build(self.nodes.keys().cloned(), edges.iter().cloned()) {
                Ok(graph) => return graph,
                Err(cycle) => cycle,
            };
            // With one cycle cut, others often are no more.
            if !is_reported {
                self.findings.push(self.cycle(&cycle));
                is_reported = true;
            }
            let nodes: BTreeSet<NodeId> = cycle.path.into_iter().collect();
            edges.retain(|(_, child)| !nodes.contains(child));
            self.broken.extend(nodes);
        }
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
