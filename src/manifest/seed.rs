//! A seed: a CSV file in the project that becomes a table.

use serde_json::{Map, Value};

use super::{config::SeedConfig, model::Model};
use crate::name::Relation;

/// A seed. Its table is built like a model's; instead of a model's SQL there is one file.
#[derive(Debug)]
pub struct Seed {
    /// The model that builds its table: name, relation, settings and documentation. Of the file it only has
    /// the path.
    pub model: Model,
    /// The file's relation in SQL, which users can't write.
    pub file: Relation,
    /// The configuration of how the file is read.
    pub config: SeedConfig,
}

impl Seed {
    /// Returns all settings, for selection and artifacts.
    #[must_use]
    pub fn all(&self) -> Map<String, Value> {
        let mut all = self.model.config.all.clone();
        all.insert("materialized".to_owned(), "seed".into());
        all
    }

    /// Returns the file's path, relative to the package that holds it.
    #[must_use]
    pub fn path(&self) -> &str {
        self.model.file.package_path()
    }

    /// Returns the file's path, relative to the project.
    #[must_use]
    pub fn location(&self) -> &str {
        self.model.file.path()
    }
}

/// Returns the relation of a file in SQL.
pub(super) fn file(path: &str) -> Relation {
    Relation::new("seed file", path)
}
