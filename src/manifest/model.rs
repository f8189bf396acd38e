//! Models: SQL files with their settings, and the names that their templates reference.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{config::ModelConfig, documentation::Documentation};
use crate::{
    jinja::Captures,
    name::{NodeId, NodeKind, PackageName, Relation},
    project::{ColumnDecl, ConstraintDecl, ModelVersion},
    text::Source,
};

/// A model: a SQL file with its settings.
#[derive(Debug)]
pub struct Model {
    /// `model.<project>.<name>`.
    pub id: NodeId,
    /// The name: the file name without its extension, or `dim.v1` for a version.
    pub name: String,
    /// The version, if the model has several.
    pub version: Option<ModelVersion>,
    /// The project, folders and name.
    pub fqn: Vec<String>,
    /// The SQL as written.
    pub file: Source,
    /// The table.
    pub relation: Relation,
    /// The settings.
    pub config: ModelConfig,
    /// The documentation from YAML.
    pub documentation: Documentation,
    /// The columns declared in YAML.
    pub columns: Vec<ColumnDecl>,
    /// The constraints on its rows as a whole.
    pub constraints: Vec<ConstraintDecl>,
    /// True if its template uses a value that differs between runs.
    pub volatile: bool,
    /// The names that its template references.
    pub calls: Calls,
}

/// The names that a template references, without duplicates, in order.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    /// `ref`: package, name and version, as written.
    pub refs: Vec<(Option<String>, String, Option<String>)>,
    /// `source`: source and table.
    pub sources: Vec<(String, String)>,
    pub macros: BTreeSet<PackageName>,
}

impl Calls {
    /// Returns the names that a rendered template referenced.
    #[must_use]
    pub fn of(captures: &Captures) -> Self {
        let mut calls = Self { macros: captures.macros.clone(), ..Self::default() };
        for call in &captures.refs {
            let call = (call.package.clone(), call.name.clone(), call.version.clone());
            if !calls.refs.contains(&call) {
                calls.refs.push(call);
            }
        }
        for call in &captures.sources {
            let call = (call.source.clone(), call.table.clone());
            if !calls.sources.contains(&call) {
                calls.sources.push(call);
            }
        }
        calls
    }
}

impl Model {
    /// Returns the kind for messages: a model, a seed or a snapshot.
    #[must_use]
    pub fn kind(&self) -> NodeKind {
        self.id.kind()
    }

    /// Returns the path of its compiled SQL, relative to the target path: `compiled/<project>/models/...`.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.fqn.first().map_or("", String::as_str);
        Path::new("compiled").join(project).join(self.file.package_path())
    }
}
