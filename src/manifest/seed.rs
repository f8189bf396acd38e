//! A seed: a CSV file of the project's that becomes a table.

use serde_json::{Map, Value};

use super::{config::SeedConfig, node::Model};
use crate::name::Relation;

/// A seed. Its table is made as a model's is; what would be the model's SQL reads one file.
#[derive(Debug)]
pub struct Seed {
    /// What makes its table: its name, its place, its settings, what is said of it. Of the file only the path is in it.
    pub model: Model,
    /// What SQL calls its file; nobody can write that.
    pub file: Relation,
    /// How the file is read.
    pub config: SeedConfig,
}

impl Seed {
    /// Every setting, for selection and artifacts.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        let mut all = self.model.config.all.clone();
        all.insert("materialized".to_owned(), "seed".into());
        all
    }

    /// The file, relative to the project.
    #[must_use]
    pub fn path(&self) -> &str {
        self.model.file.path()
    }
}

/// What SQL calls a file at this path.
pub(super) fn file(path: &str) -> Relation {
    Relation::new("seed file", path)
}
