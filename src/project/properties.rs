//! `models:`, `seeds:`, `snapshots:` and columns in properties files.

use super::{
    common_keys::{META_HINT, config, meta, tags},
    config::ConfigPatch,
    constraint::{self, ConstraintDecl},
    data_test::{self, TestDecl},
    keys::{self, Section},
    model_version::ModelVersion,
    reader::YamlReader,
    yaml::Yaml,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// The key of a snapshot's relation.
const RELATION: &str = "relation";

/// dbt's model properties that are kept as written.
const RAW: &[&str] = &["deprecation_date", "latest_version", "primary_key", "time_spine", "versions"];

/// The properties that also count as configuration.
const CONFIG: &[&str] = &["access", "docs", "group", "meta", "tags"];

/// The properties of a model, a seed or a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelProperties {
    /// The name of the node.
    pub name: Spanned<String>,
    /// The description; may contain Jinja (`doc(…)`).
    pub description: Option<Spanned<String>>,
    pub columns: Vec<ColumnDecl>,
    /// `config:`, and the properties that also count as configuration (`meta`, `tags`, …).
    pub config: ConfigPatch,
    pub data_tests: Vec<TestDecl>,
    /// The constraints. One on a single column may also be declared at that column.
    pub constraints: Vec<ConstraintDecl>,
    /// The other properties, as written.
    pub raw: Vec<(Spanned<String>, Yaml)>,
    /// The version, if the model has several.
    pub version: Option<ModelVersion>,
    /// The span of the declaration.
    pub span: Span,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDecl {
    pub name: Spanned<String>,
    /// The SQL type.
    pub data_type: Option<Spanned<String>>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    pub data_tests: Vec<TestDecl>,
    /// The tags, including those under `config:`.
    pub tags: Vec<Spanned<String>>,
    /// The user's metadata, from either place.
    pub meta: Option<Yaml>,
    pub config: ConfigPatch,
    pub constraints: Vec<ConstraintDecl>,
    /// The `quote` setting: true if the name must be quoted.
    pub quote: Option<Yaml>,
}

impl ModelProperties {
    /// Reads an item of `snapshots:`, which may have a relation.
    pub(super) fn snapshot(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        Self::of(&keys::SNAPSHOT, &[RELATION], yaml, diagnostics)
    }

    /// Reads an item of `models:` or `seeds:`. `section` says which. Returns `None` if it lacks a name.
    pub(super) fn read(
        section: &'static Section,
        yaml: &Yaml,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        Self::of(section, RAW, yaml, diagnostics)
    }

    /// Returns the relation of a snapshot, such as `ref('orders')`. `None` if it has its own SQL.
    #[must_use]
    pub fn relation(&self) -> Option<&Yaml> {
        self.raw(RELATION)
    }

    /// Returns the name of the file that the properties are about, without its extension.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.version.as_ref().map_or(self.name.value.as_str(), |version| &version.file)
    }

    /// Returns a property that is kept as written.
    pub(super) fn raw(&self, key: &str) -> Option<&Yaml> {
        self.raw.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }

    fn of(
        section: &'static Section,
        raw: &[&'static str],
        yaml: &Yaml,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut reader = YamlReader::new(section, yaml, diagnostics)?;
        let name = reader.required("name");
        let description = reader.string("description");
        let mut config = config(&mut reader);
        for key in CONFIG {
            if let Some(value) = reader.take(key) {
                config.or_insert(key, value);
            }
        }
        let columns = columns(&mut reader);
        let data_tests = data_test::list(&mut reader);
        let constraints = constraint::of_model(&mut reader);
        let raw = raw
            .iter()
            .filter_map(|key| reader.take_entry(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        reader.finish(Some(META_HINT));
        let span = yaml.span.clone();
        Some(Self {
            name: name?,
            description,
            columns,
            config,
            data_tests,
            constraints,
            raw,
            version: None,
            span,
        })
    }
}

/// Reads `columns:`, and warns about duplicates: as in dbt, the last one counts, and the tests of all.
pub(super) fn columns(reader: &mut YamlReader<'_, '_>) -> Vec<ColumnDecl> {
    let mut columns: Vec<ColumnDecl> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for yaml in reader.list("columns") {
        let Some(column) = ColumnDecl::read(yaml, reader.diagnostics()) else { continue };
        let name = &column.name;
        if let Some(first) = seen.insert(name.value.to_lowercase(), name.span.clone()) {
            let message = format!("the column `{}` is described twice", name.value);
            let finding = Diagnostic::warning("duplicate-column", message);
            let finding = finding.at(name.span.clone(), "this one counts").at(first, "only its tests count");
            reader.diagnostics().push(finding);
            let same = |other: &ColumnDecl| other.name.value.to_lowercase() == name.value.to_lowercase();
            if let Some(earlier) = columns.iter_mut().find(|other| same(other)) {
                let mut data_tests = std::mem::take(&mut earlier.data_tests);
                data_tests.extend(column.data_tests);
                *earlier = ColumnDecl { data_tests, ..column };
            }
            continue;
        }
        columns.push(column);
    }
    columns
}

impl ColumnDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::COLUMN, yaml, diagnostics)?;
        let name = reader.required("name");
        let data_type = reader.string("data_type");
        let description = reader.string("description");
        let data_tests = data_test::list(&mut reader);
        let tags = tags(&mut reader);
        let meta = meta(&mut reader);
        let config = config(&mut reader);
        let constraints = constraint::of_column(&mut reader);
        let quote = reader.take("quote").cloned();
        reader.finish_open(META_HINT);
        Some(Self { name: name?, data_type, description, data_tests, tags, meta, config, constraints, quote })
    }
}
