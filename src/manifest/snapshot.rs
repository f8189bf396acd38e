//! A snapshot: a table that keeps every version of the rows of a query (type 2 of slowly changing dimensions).

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{config::SnapshotConfig, node::Model};
use crate::{diag::Diagnostic, parse::at_declaration, text::Span};

/// A snapshot. Its table lies and is judged as a model's is; its SQL gives the rows as they are now.
#[derive(Debug)]
pub struct Snapshot {
    /// What makes its table: its name, its place, its settings, what is said of it; its file is its query alone.
    pub model: Model,
    /// How it tells versions apart.
    pub config: SnapshotConfig,
    /// Where it is declared.
    pub declared: Span,
    /// Whether its query follows from a `relation:`, so that nobody wrote it.
    pub is_relation: bool,
}

impl Snapshot {
    /// Every setting, for selection and artifacts.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        let mut all = self.model.config.all.clone();
        all.insert("materialized".to_owned(), "snapshot".into());
        all
    }

    /// The file that declares it, relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        self.declared.source.path()
    }

    /// Where its compiled SQL goes, relative to the target path. A file may hold several snapshots, as in dbt.
    #[must_use]
    pub fn compiled_path(&self) -> PathBuf {
        let project = self.model.fqn.first().map_or("", String::as_str);
        Path::new("compiled").join(project).join(self.path()).join(format!("{}.sql", self.model.name))
    }

    /// A finding about a query that nobody wrote, as one about the declaration that it follows from.
    #[must_use]
    pub fn in_users_terms(&self, mut found: Diagnostic) -> Diagnostic {
        if self.is_relation {
            at_declaration(&mut found, &self.model.file, &self.declared);
        }
        found
    }
}
