//! The resolver: the state of a resolution, to which each kind of node adds its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja},
    manifest::{
        Node,
        lookup::{NameLookup, SourceKey},
    },
    name::NodeId,
    project::{Project, StaticAnalysis},
    text::Span,
};

/// Edges from upstream to downstream nodes.
pub(super) type NodeEdges = Vec<(NodeId, NodeId)>;

/// A resolution in progress.
pub(super) struct Resolver<'a> {
    /// The project itself.
    pub(super) root: &'a Project,
    /// The project or package whose nodes are being added.
    pub(super) project: &'a Project,
    /// Its name.
    pub(super) package: Arc<str>,
    /// The beginning of every schema.
    pub(super) target_schema: Option<String>,
    /// The template language as that package sees it.
    pub(super) jinja: Jinja,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The disabled nodes. Several may share an id: a name is free again when its node is disabled.
    pub(super) disabled: BTreeMap<NodeId, Vec<Node>>,
    pub(super) places: BTreeMap<NodeId, Span>,
    /// The nodes by their schema and table name in lower case.
    pub(super) folded: BTreeMap<(String, String), NodeId>,
    pub(super) lookup: NameLookup,
    /// The source tables whose declaration has an error.
    pub(super) faulty: BTreeSet<SourceKey>,
    /// The calls of models' hooks.
    pub(super) hook_calls: BTreeMap<NodeId, Captures>,
    /// The nodes that have errors.
    pub(super) broken: BTreeSet<NodeId>,
    /// The errors of nodes that fail alone.
    pub(super) faults: BTreeMap<NodeId, Vec<Diagnostic>>,
    pub(super) findings: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    /// Creates a resolver without nodes; `target_schema` is the schema of the target, if it has one.
    pub(super) fn new(project: &'a Project, target_schema: Option<&str>, jinja: &Jinja) -> Self {
        let package: Arc<str> = project.name().into();
        let packages = project.with_packages().map(|package| package.name().into()).collect();
        Self {
            root: project,
            project,
            package: Arc::clone(&package),
            target_schema: target_schema.map(str::to_owned),
            jinja: jinja.clone(),
            nodes: BTreeMap::new(),
            disabled: BTreeMap::new(),
            places: BTreeMap::new(),
            folded: BTreeMap::new(),
            lookup: NameLookup::new(&package, packages),
            faulty: BTreeSet::new(),
            hook_calls: BTreeMap::new(),
            broken: BTreeSet::new(),
            faults: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Switches to the project or package whose nodes are added next.
    pub(super) fn enter(&mut self, project: &'a Project) {
        self.project = project;
        self.package = project.name().into();
        self.jinja = self.jinja.in_package(project.name());
    }

    /// Returns whether the nodes being added are those of an installed package.
    pub(super) fn is_in_package(&self) -> bool {
        !self.project.folder.is_empty()
    }

    /// Adds a node, and marks it as broken if that reports an error. Returns its id, if it was added.
    pub(super) fn watched(&mut self, add: impl FnOnce(&mut Self) -> Option<NodeId>) -> Option<NodeId> {
        let before = self.findings.len();
        let added = add(self);
        self.mark(added.as_ref(), before);
        added
    }

    /// Keeps a disabled node for artifacts.
    pub(super) fn disable(&mut self, node: Node) {
        self.disabled.entry(node.id().clone()).or_default().push(node);
    }

    /// Calls `of`, and discards its diagnostics if its node is disabled.
    pub(super) fn reporting<T>(&mut self, is_enabled: bool, of: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.findings.len();
        let made = of(self);
        if !is_enabled {
            self.findings.truncate(before);
        }
        made
    }

    /// Reports what is wrong with the settings of an enabled node. The errors concern only the node if it may
    /// fail alone: dbt reads most settings when it runs the node.
    pub(super) fn config_findings(
        &mut self,
        id: &NodeId,
        own: Option<StaticAnalysis>,
        findings: impl IntoIterator<Item = Diagnostic>,
    ) {
        let is_strict = self.root.settings.static_analysis.of(own) == StaticAnalysis::Strict;
        let (errors, others): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|found| found.is_error() && !is_strict);
        self.findings.extend(others);
        if !errors.is_empty() {
            self.broken.insert(id.clone());
            self.faults.entry(id.clone()).or_default().extend(errors);
        }
    }

    /// Marks a node as broken if there is an error among the findings since the first `before`.
    pub(super) fn mark(&mut self, node: Option<&NodeId>, before: usize) {
        if self.findings[before..].iter().any(Diagnostic::is_error) {
            self.broken.extend(node.cloned());
        }
    }
}
