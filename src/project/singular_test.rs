//! Singular tests: custom queries that must return no rows, and their properties.

use super::{common_keys, config::ConfigPatch, files::FoundFile, keys, reader::YamlReader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// The folder in a test path for generic tests, which are macros.
pub(super) const GENERIC_FOLDER: &str = "generic";

/// The properties that also count as configuration.
const CONFIG: &[&str] = &["docs", "group", "meta", "tags"];

/// The SQL file of a singular test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFile {
    /// The test's name: the file name without its extension.
    pub name: String,
    /// The file.
    pub source: Source,
    /// The folders between the test path and the file.
    pub fqn_folders: Vec<String>,
    /// The test path that contains it.
    pub root_path: String,
}

/// The properties of a singular test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestProperties {
    /// The test's name.
    pub name: Spanned<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    /// `config:`, and the properties that also count as configuration (`meta`, `tags`, …).
    pub config: ConfigPatch,
    /// The span of the declaration.
    pub span: Span,
}

impl TestFile {
    /// Creates the test of a file.
    pub(super) fn new(file: &FoundFile, source: Source) -> Self {
        Self {
            name: file.stem().to_owned(),
            source,
            fqn_folders: file.folders.clone(),
            root_path: file.under.clone(),
        }
    }
}

impl TestProperties {
    /// Reads an item of `data_tests:` at the top level of a properties file. Returns `None` if it lacks a
    /// name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::SINGULAR_TEST, yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let mut config = common_keys::config(&mut reader);
        for key in CONFIG {
            if let Some(value) = reader.take(key) {
                config.or_insert(key, value);
            }
        }
        reader.finish(Some("configuration belongs under `config`, data of your own under `meta`"));
        Some(Self { name: name?, description, config, span: yaml.span.clone() })
    }
}
