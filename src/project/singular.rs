//! Singular tests: queries of their own that must find no rows, and what properties files say of them.

use super::{config::ConfigPatch, files::Found, properties, reader::Reader, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Source, Span, Spanned},
};

/// The folder of a test path that holds generic tests, which are macros.
pub(super) const GENERIC_FOLDER: &str = "generic";

/// The properties that are configuration too.
const CONFIG: &[&str] = &["docs", "group", "meta", "tags"];

/// A singular test's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFile {
    /// The test's name: the file's without its extension.
    pub name: String,
    /// The file.
    pub source: Source,
    /// The folders between the test path and the file.
    pub fqn_folders: Vec<String>,
    /// The test path it lies under.
    pub root_path: String,
}

/// What a properties file says of a singular test.
#[derive(Debug, Clone, PartialEq)]
pub struct TestProperties {
    /// Which test.
    pub name: Spanned<String>,
    /// What it is for; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// `config:`, and the properties that are configuration too (`meta`, `tags`, …).
    pub config: ConfigPatch,
    /// Where the description of the test begins.
    pub span: Span,
}

impl TestFile {
    /// The test in a file that was found.
    pub(super) fn new(file: &Found, source: Source) -> Self {
        Self {
            name: file.stem().to_owned(),
            source,
            fqn_folders: file.folders.clone(),
            root_path: file.under.clone(),
        }
    }
}

impl TestProperties {
    /// One item of `data_tests:` at the top of a properties file; `None` if it has no name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a singular test", yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let mut config = properties::config(&mut reader);
        for key in CONFIG {
            if let Some(value) = reader.take(key) {
                config.or_insert(key, value);
            }
        }
        reader.accept(&["columns", "data_type"]);
        reader.finish(Some("configuration belongs under `config`, data of your own under `meta`"));
        Some(Self { name: name?, description, config, span: yaml.span.clone() })
    }
}
