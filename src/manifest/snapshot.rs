//! A snapshot: a table that keeps every version of a query's rows (a type 2 slowly changing dimension).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{config::SnapshotConfig, model::Model};
use crate::{diag::Diagnostic, parse::at_declaration, text::Span};

/// A snapshot. Its table is stored and tested like a model's; its SQL returns the current rows.
#[derive(Debug)]
pub struct Snapshot {
    /// The model that builds its table: name, relation, settings and documentation. Its file has only the
    /// query.
    pub model: Model,
    /// The configuration of how versions are detected.
    pub config: SnapshotConfig,
    /// The span of the declaration.
    pub declared: Span,
    /// True if its query is generated from a `relation:`.
    pub is_relation: bool,
}

impl Snapshot {
    /// Returns all settings, for selection and artifacts.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        let mut all = self.model.config.all.clone();
        all.insert("materialized".to_owned(), "snapshot".into());
        all
    }

    /// Returns the file that declares it, relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.source.package_path()
    }

    /// Returns the path of its compiled SQL, relative to the target path. A file may have several snapshots,
    /// as in dbt.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.model.fqn.first().map_or("", String::as_str);
        Path::new("compiled").join(project).join(self.path()).join(format!("{}.sql", self.model.name))
    }

    /// Moves a diagnostic about a generated query to the declaration.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if self.is_relation {
            at_declaration(&mut found, &self.model.file, &self.declared);
        }
        found
    }
}
