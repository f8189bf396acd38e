//! The resolver: the state of a resolution, to which each kind of node adds its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    diag::Diagnostic,
    jinja::Jinja,
    manifest::{
        Node,
        lookup::{NameLookup, SourceKey},
    },
    name::NodeId,
    project::Project,
    text::Span,
};

/// Edges from upstream to downstream nodes.
pub(super) type NodeEdges = Vec<(NodeId, NodeId)>;

/// A resolution in progress.
pub(super) struct Resolver<'a> {
    pub(super) project: &'a Project,
    /// The project's own package.
    pub(super) package: Arc<str>,
    /// The beginning of every schema.
    pub(super) prefix: String,
    pub(super) jinja: &'a Jinja,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) places: BTreeMap<NodeId, Span>,
    /// The nodes by their schema and table name in lower case.
    pub(super) folded: BTreeMap<(String, String), NodeId>,
    pub(super) lookup: NameLookup,
    /// The source tables whose declaration has an error.
    pub(super) faulty: BTreeSet<SourceKey>,
    pub(super) findings: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    /// Creates a resolver without nodes; `prefix` is prepended to every schema.
    pub(super) fn new(project: &'a Project, prefix: Option<&str>, jinja: &'a Jinja) -> Self {
        let package: Arc<str> = project.settings.name.value.as_str().into();
        Self {
            project,
            package: Arc::clone(&package),
            prefix: prefix.map(|prefix| format!("{prefix}_")).unwrap_or_default(),
            jinja,
            nodes: BTreeMap::new(),
            places: BTreeMap::new(),
            folded: BTreeMap::new(),
            lookup: NameLookup::new(&package),
            faulty: BTreeSet::new(),
            findings: Vec::new(),
        }
    }
}
