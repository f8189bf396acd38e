//! Name lookup for `ref()` and `source()`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    diag::{Diagnostic, near},
    jinja::{NameResolver, missing_package},
    name::{NodeId, NodeKind, PackageName, Relation},
    text::Span,
};

/// A source in a package, and its table.
pub(crate) type SourceKey = (PackageName, String);

/// The names available to templates.
#[derive(Debug)]
pub(crate) struct NameLookup {
    /// The project itself, whose names are looked up first.
    project: Arc<str>,
    /// The project and its packages.
    packages: BTreeSet<Arc<str>>,
    /// The targets of `ref()`: models, seeds and snapshots.
    models: BTreeMap<PackageName, (NodeId, Relation)>,
    /// The disabled targets of `ref()`, with the kind of node.
    disabled: BTreeMap<PackageName, NodeKind>,
    /// The disabled tables of sources.
    disabled_sources: BTreeSet<SourceKey>,
    sources: BTreeMap<SourceKey, (NodeId, Relation)>,
    pub(crate) relations: BTreeMap<Relation, NodeId>,
}

/// An unknown name, as a message and possibly a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownName {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Whether a node of this name is there, and disabled.
    pub(crate) is_disabled: bool,
}

impl NameLookup {
    /// Creates a lookup without nodes, for a project and its packages.
    pub(crate) fn new(project: &Arc<str>, packages: BTreeSet<Arc<str>>) -> Self {
        Self {
            project: Arc::clone(project),
            packages,
            models: BTreeMap::new(),
            disabled: BTreeMap::new(),
            disabled_sources: BTreeSet::new(),
            sources: BTreeMap::new(),
            relations: BTreeMap::new(),
        }
    }

    /// Returns the packages in which a name without a package is looked up, as in dbt: the project, the
    /// package that asks, and then any other one.
    fn searched(&self, from: &str) -> impl Iterator<Item = &Arc<str>> + use<'_> {
        let first = [self.packages.get(&self.project), self.packages.get(from)];
        first.into_iter().flatten().chain(&self.packages)
    }

    /// Returns the key of a package's source.
    pub(crate) fn source_key(&self, package: &str, source: &str, table: &str) -> SourceKey {
        let package = self.packages.get(package).unwrap_or(&self.project);
        (PackageName::new(package, source), table.to_owned())
    }

    /// Adds a model, seed or snapshot of a package.
    pub(crate) fn add_model(&mut self, package: &Arc<str>, name: &str, id: NodeId, relation: Relation) {
        self.models.insert(PackageName::new(package, name), (id, relation));
    }

    /// Adds a disabled model, seed or snapshot of a package, unless another one of this name is disabled.
    pub(crate) fn add_disabled(&mut self, package: &Arc<str>, name: &str, kind: NodeKind) {
        self.disabled.entry(PackageName::new(package, name)).or_insert(kind);
    }

    /// Returns whether a package's model, seed or snapshot of this name is disabled.
    pub(crate) fn is_disabled(&self, package: &Arc<str>, name: &str) -> bool {
        self.disabled.contains_key(&PackageName::new(package, name))
    }

    /// Adds a source's table of a package. Returns whether the name was free.
    pub(crate) fn add_source(&mut self, key: SourceKey, id: NodeId, relation: Relation) -> bool {
        self.sources.insert(key, (id, relation)).is_none()
    }

    /// Adds a disabled table of a source.
    pub(crate) fn add_disabled_source(&mut self, key: SourceKey) {
        self.disabled_sources.insert(key);
    }

    /// Returns a package's own model, seed or snapshot of this name.
    pub(crate) fn own_model(&self, package: &Arc<str>, name: &str) -> Option<&(NodeId, Relation)> {
        self.models.get(&PackageName::new(package, name))
    }

    /// Resolves `ref(package, name)`, asked for by a template of the package `from`, to a model, seed or
    /// snapshot.
    pub(crate) fn model(
        &self,
        from: &str,
        package: Option<&str>,
        name: &str,
    ) -> Result<&(NodeId, Relation), UnknownName> {
        let searched: Vec<&Arc<str>> = match package {
            Some(package) => vec![self.packages.get(package).ok_or_else(|| self.unknown_package(package))?],
            None => self.searched(from).collect(),
        };
        let keys: Vec<PackageName> =
            searched.into_iter().map(|package| PackageName::new(package, name)).collect();
        if let Some(found) = keys.iter().find_map(|key| self.models.get(key)) {
            return Ok(found);
        }
        if let Some(kind) = keys.iter().find_map(|key| self.disabled.get(key)) {
            let message = format!("the {kind} `{name}` is disabled");
            let hint = Some("enable it with `+enabled: true`".into());
            return Err(UnknownName { message, hint, is_disabled: true });
        }
        let known = self.models.keys().filter(|key| package.is_none_or(|package| *package == *key.package));
        let hint = near::question(name, known.map(|key| key.name.as_str())).or_else(|| {
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
        let within = package.map(|package| format!(" in the package `{package}`")).unwrap_or_default();
        Err(UnknownName {
            message: format!("no {kinds}{within} is called `{name}`"),
            hint,
            is_disabled: false,
        })
    }

    fn unknown_package(&self, package: &str) -> UnknownName {
        let message = format!("there is no package `{package}`");
        let near = near::question(package, self.packages.iter().map(|name| &**name));
        let hint = near.or_else(|| Some(missing_package(package)));
        UnknownName { message, hint, is_disabled: false }
    }

    /// Returns the table of a package's own source of this name.
    pub(crate) fn own_source(&self, package: &str, source: &str, table: &str) -> Option<&(NodeId, Relation)> {
        self.sources.get(&self.source_key(package, source, table))
    }

    /// Resolves `source(source, table)`, asked for by a template of the package `from`, to a table.
    pub(crate) fn source(
        &self,
        from: &str,
        source: &str,
        table: &str,
    ) -> Result<&(NodeId, Relation), UnknownName> {
        let mut searched = self.searched(from);
        if let Some(found) = searched.find_map(|package| self.own_source(package, source, table)) {
            return Ok(found);
        }
        let is_disabled =
            |package: &Arc<str>| self.disabled_sources.contains(&self.source_key(package, source, table));
        if self.searched(from).any(is_disabled) {
            let message = format!("the source table `{source}.{table}` is disabled");
            let hint = Some("enable it with `enabled: true` under its `config`".into());
            return Err(UnknownName { message, hint, is_disabled: true });
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
            let hint = near::question(source, names);
            return Err(UnknownName { message, hint, is_disabled: false });
        }
        let hint = near::question(table, tables.iter().copied())
            .or_else(|| Some(format!("its tables: {}", tables.join(", "))));
        let message = format!("the source `{source}` has no table `{table}`");
        Err(UnknownName { message, hint, is_disabled: false })
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
    fn reference(&self, from: &str, package: Option<&str>, name: &str) -> Result<Relation, String> {
        self.model(from, package, name)
            .map(|(_, relation)| relation.clone())
            .map_err(|unknown| unknown.message)
    }

    fn source(&self, from: &str, source: &str, table: &str) -> Result<Relation, String> {
        Self::source(self, from, source, table)
            .map(|(_, relation)| relation.clone())
            .map_err(|unknown| unknown.message)
    }
}
