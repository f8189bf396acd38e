//! Name lookup for `ref()` and `source()`.

use std::collections::BTreeMap;

use crate::{
    diag::near,
    jinja::Names,
    name::{NodeId, Relation},
};

/// The names available to templates.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    pub(crate) project: String,
    /// The targets of `ref()`: models, seeds and snapshots.
    pub(crate) models: BTreeMap<String, (NodeId, Relation)>,
    pub(crate) has_seeds: bool,
    pub(crate) has_snapshots: bool,
    /// The disabled targets of `ref()`, with the kind of node.
    pub(crate) disabled: BTreeMap<String, &'static str>,
    pub(crate) sources: BTreeMap<(String, String), (NodeId, Relation)>,
    pub(crate) relations: BTreeMap<Relation, NodeId>,
}

/// An unknown name, as a message and possibly a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Lookup {
    /// Resolves `ref(package, name)` to a model, seed or snapshot.
    pub(crate) fn model(&self, package: Option<&str>, name: &str) -> Result<&(NodeId, Relation), Unknown> {
        if let Some(package) = package
            && package != self.project
        {
            let message = format!("there is no package `{package}`");
            return Err(Unknown { message, hint: near::question(package, [self.project.as_str()]) });
        }
        if let Some(found) = self.models.get(name) {
            return Ok(found);
        }
        if let Some(kind) = self.disabled.get(name) {
            let message = format!("the {kind} `{name}` is disabled");
            return Err(Unknown { message, hint: Some("enable it with `+enabled: true`".into()) });
        }
        let hint = near::question(name, self.models.keys().map(String::as_str)).or_else(|| {
            let table = self.sources.keys().find(|(_, table)| table == name)?;
            Some(format!("a source has a table of that name: source('{}', '{}')", table.0, table.1))
        });
        let kinds = match (self.has_seeds, self.has_snapshots) {
            (false, false) => "model",
            (true, false) => "model or seed",
            (false, true) => "model or snapshot",
            (true, true) => "model, seed or snapshot",
        };
        Err(Unknown { message: format!("no {kinds} is called `{name}`"), hint })
    }

    /// Resolves `source(source, table)` to a table.
    pub(crate) fn source(&self, source: &str, table: &str) -> Result<&(NodeId, Relation), Unknown> {
        if let Some(found) = self.sources.get(&(source.to_string(), table.to_string())) {
            return Ok(found);
        }
        let tables: Vec<&str> =
            self.sources.keys().filter(|(name, _)| name == source).map(|(_, table)| table.as_str()).collect();
        if tables.is_empty() {
            let message = format!("no source is called `{source}`");
            let names = self.sources.keys().map(|(name, _)| name.as_str());
            return Err(Unknown { message, hint: near::question(source, names) });
        }
        let hint = near::question(table, tables.iter().copied())
            .or_else(|| Some(format!("its tables: {}", tables.join(", "))));
        Err(Unknown { message: format!("the source `{source}` has no table `{table}`"), hint })
    }
}

impl Names for Lookup {
    fn reference(&self, package: Option<&str>, name: &str) -> Result<Relation, String> {
        self.model(package, name).map(|(_, relation)| relation.clone()).map_err(|unknown| unknown.message)
    }

    fn source(&self, source: &str, table: &str) -> Result<Relation, String> {
        Self::source(self, source, table)
            .map(|(_, relation)| relation.clone())
            .map_err(|unknown| unknown.message)
    }
}
