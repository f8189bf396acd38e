//! Name lookup for `ref()` and `source()`.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    diag::{Diagnostic, near},
    jinja::NameResolver,
    name::{NodeId, NodeKind, PackageName, Relation},
    text::Span,
};

/// A source in a package, and its table.
pub(crate) type SourceKey = (PackageName, String);

/// The names available to templates.
#[derive(Debug)]
pub(crate) struct NameLookup {
    /// The project's own package, in which names without a package are looked up.
    project: Arc<str>,
    /// The targets of `ref()`: models, seeds and snapshots.
    models: BTreeMap<PackageName, (NodeId, Relation)>,
    /// The disabled targets of `ref()`, with the kind of node.
    disabled: BTreeMap<PackageName, NodeKind>,
    sources: BTreeMap<SourceKey, (NodeId, Relation)>,
    pub(crate) relations: BTreeMap<Relation, NodeId>,
}

/// An unknown name, as a message and possibly a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownName {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl NameLookup {
    pub(crate) fn new(project: &Arc<str>) -> Self {
        Self {
            project: Arc::clone(project),
            models: BTreeMap::new(),
            disabled: BTreeMap::new(),
            sources: BTreeMap::new(),
            relations: BTreeMap::new(),
        }
    }

    /// Returns the key of one of the project's sources.
    pub(crate) fn source_key(&self, source: &str, table: &str) -> SourceKey {
        (PackageName::new(&self.project, source), table.to_owned())
    }

    /// Adds a model, seed or snapshot of the project.
    pub(crate) fn add_model(&mut self, name: &str, id: NodeId, relation: Relation) {
        self.models.insert(PackageName::new(&self.project, name), (id, relation));
    }

    /// Adds a disabled model, seed or snapshot of the project, unless another one of this name is disabled.
    pub(crate) fn add_disabled(&mut self, name: &str, kind: NodeKind) {
        self.disabled.entry(PackageName::new(&self.project, name)).or_insert(kind);
    }

    /// Returns whether the project's model, seed or snapshot of this name is disabled.
    pub(crate) fn is_disabled(&self, name: &str) -> bool {
        self.disabled.contains_key(&PackageName::new(&self.project, name))
    }

    /// Adds a source's table of the project. Returns whether the name was free.
    pub(crate) fn add_source(&mut self, source: &str, table: &str, id: NodeId, relation: Relation) -> bool {
        self.sources.insert(self.source_key(source, table), (id, relation)).is_none()
    }

    /// Returns the project's model, seed or snapshot of this name.
    pub(crate) fn own_model(&self, name: &str) -> Option<&(NodeId, Relation)> {
        self.models.get(&PackageName::new(&self.project, name))
    }

    /// Resolves `ref(package, name)` to a model, seed or snapshot.
    pub(crate) fn model(
        &self,
        package: Option<&str>,
        name: &str,
    ) -> Result<&(NodeId, Relation), UnknownName> {
        if let Some(package) = package
            && *package != *self.project
        {
            let message = format!("there is no package `{package}`");
            return Err(UnknownName { message, hint: near::question(package, [self.project.as_ref()]) });
        }
        if let Some(found) = self.own_model(name) {
            return Ok(found);
        }
        if let Some(kind) = self.disabled.get(&PackageName::new(&self.project, name)) {
            let message = format!("the {kind} `{name}` is disabled");
            return Err(UnknownName { message, hint: Some("enable it with `+enabled: true`".into()) });
        }
        let hint = near::question(name, self.models.keys().map(|key| key.name.as_str())).or_else(|| {
            let table = self.sources.keys().find(|(_, table)| table == name)?;
            Some(format!("a source has a table of that name: source('{}', '{}')", table.0.name, table.1))
        });
        let has = |kind: NodeKind| self.models.values().any(|(id, _)| id.kind() == kind);
        let kinds = match (has(NodeKind::Seed), has(NodeKind::Snapshot)) {
            (false, false) => "model",
            (true, false) => "model or seed",
            (false, true) => "model or snapshot",
            (true, true) => "model, seed or snapshot",
        };
        Err(UnknownName { message: format!("no {kinds} is called `{name}`"), hint })
    }

    /// Returns the table of the project's source of this name.
    pub(crate) fn own_source(&self, source: &str, table: &str) -> Option<&(NodeId, Relation)> {
        self.sources.get(&self.source_key(source, table))
    }

    /// Resolves `source(source, table)` to a table.
    pub(crate) fn source(&self, source: &str, table: &str) -> Result<&(NodeId, Relation), UnknownName> {
        if let Some(found) = self.own_source(source, table) {
            return Ok(found);
        }
        let tables: Vec<&str> = self
            .sources
            .keys()
            .filter(|(declared, _)| declared.name == source)
            .map(|(_, table)| table.as_str())
            .collect();
        if tables.is_empty() {
            let message = format!("no source is called `{source}`");
            let names = self.sources.keys().map(|(declared, _)| declared.name.as_str());
            return Err(UnknownName { message, hint: near::question(source, names) });
        }
        let hint = near::question(table, tables.iter().copied())
            .or_else(|| Some(format!("its tables: {}", tables.join(", "))));
        Err(UnknownName { message: format!("the source `{source}` has no table `{table}`"), hint })
    }
}

impl UnknownName {
    pub(crate) fn diagnostic(self, code: &'static str, span: &Span) -> Diagnostic {
        let found = Diagnostic::error(code, self.message).at(span.clone(), "not found");
        match self.hint {
            Some(hint) => found.hint(hint),
            None => found,
        }
    }
}

impl NameResolver for NameLookup {
    fn reference(&self, package: Option<&str>, name: &str) -> Result<Relation, String> {
        self.model(package, name).map(|(_, relation)| relation.clone()).map_err(|unknown| unknown.message)
    }

    fn source(&self, source: &str, table: &str) -> Result<Relation, String> {
        Self::source(self, source, table)
            .map(|(_, relation)| relation.clone())
            .map_err(|unknown| unknown.message)
    }
}
