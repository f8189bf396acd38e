//! `sources:`: tables that are loaded by other tools.

use super::{
    common_keys::{self, META_HINT},
    config::ConfigPatch,
    data_test::{self, TestDecl},
    drift::DriftDecl,
    external::ExternalDecl,
    freshness::{FreshnessSetting, LoadedAt},
    keys,
    properties::{self, ColumnDecl},
    reader::YamlReader,
    yaml::Yaml,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// A source: a group of tables.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDecl {
    /// The name in templates.
    pub name: Spanned<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    /// The schema folder in the lake, if the tables are there; may contain Jinja.
    pub schema: Option<Spanned<String>>,
    /// dbt's database; may contain Jinja.
    pub database: Option<Spanned<String>>,
    /// The tool that loads it.
    pub loader: Option<Spanned<String>>,
    /// The tags, including those under `config:`.
    pub tags: Vec<Spanned<String>>,
    /// The user's metadata, from either place.
    pub meta: Option<Yaml>,
    pub config: ConfigPatch,
    /// The default column with the load time of a row.
    pub loaded_at_field: Option<Spanned<String>>,
    /// The default query for the load time of the newest row; may contain Jinja.
    pub loaded_at_query: Option<Spanned<String>>,
    /// The default freshness limits of its tables.
    pub freshness: FreshnessSetting,
    /// The default drift policy of its tables.
    pub drift: DriftDecl,
    pub tables: Vec<SourceTableDecl>,
    /// The package whose source of this name it changes.
    pub overrides: Option<Spanned<String>>,
}

/// A table of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceTableDecl {
    /// The name in templates.
    pub name: Spanned<String>,
    /// The name in the lake, if different; may contain Jinja.
    pub identifier: Option<Spanned<String>>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    pub columns: Vec<ColumnDecl>,
    /// The location of its files or database. If `None`, it is a Delta table in the lake.
    pub external: Option<ExternalDecl>,
    /// The tags, including those under `config:`.
    pub tags: Vec<Spanned<String>>,
    /// The user's metadata, from either place.
    pub meta: Option<Yaml>,
    pub config: ConfigPatch,
    pub data_tests: Vec<TestDecl>,
    /// The column with the load time of a row.
    pub loaded_at_field: Option<Spanned<String>>,
    /// The query for the load time of the newest row; may contain Jinja.
    pub loaded_at_query: Option<Spanned<String>>,
    /// The freshness limits.
    pub freshness: FreshnessSetting,
    /// The drift policy.
    pub drift: DriftDecl,
    /// The span of the declaration.
    pub span: Span,
}

impl SourceDecl {
    /// Reads an item of `sources:`. Returns `None` if it lacks a name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::SOURCE, yaml, diagnostics)?;
        let name = reader.required("name");
        let LoadedAt { field: loaded_at_field, query: loaded_at_query } = LoadedAt::of(&mut reader);
        let mut source = Self {
            description: reader.string("description"),
            schema: reader.string("schema"),
            database: reader.string("database"),
            loader: reader.string("loader"),
            tags: common_keys::tags(&mut reader),
            meta: common_keys::meta(&mut reader),
            config: common_keys::config(&mut reader),
            loaded_at_field,
            loaded_at_query,
            freshness: FreshnessSetting::of(&mut reader),
            drift: DriftDecl::of(&mut reader),
            tables: Vec::new(),
            overrides: reader.string("overrides"),
            name: name.clone().unwrap_or_else(|| Spanned::new(String::new(), yaml.span.clone())),
        };
        for table in reader.list("tables") {
            source.tables.extend(SourceTableDecl::read(table, reader.diagnostics()));
        }
        reader.finish(Some(META_HINT));
        name.map(|_| source)
    }
}

impl SourceTableDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::SOURCE_TABLE, yaml, diagnostics)?;
        let name = reader.required("name");
        let identifier = reader.string("identifier");
        let description = reader.string("description");
        let columns = properties::columns(&mut reader);
        let external = match reader.take_entry("external") {
            Some((key, external)) => ExternalDecl::read(key, external, reader.diagnostics()),
            None => None,
        };
        let tags = common_keys::tags(&mut reader);
        let meta = common_keys::meta(&mut reader);
        let config = common_keys::config(&mut reader);
        let data_tests = data_test::list(&mut reader);
        let LoadedAt { field: loaded_at_field, query: loaded_at_query } = LoadedAt::of(&mut reader);
        let freshness = FreshnessSetting::of(&mut reader);
        let drift = DriftDecl::of(&mut reader);
        reader.finish(Some(META_HINT));
        Some(Self {
            name: name?,
            identifier,
            description,
            columns,
            external,
            tags,
            meta,
            config,
            data_tests,
            loaded_at_field,
            loaded_at_query,
            freshness,
            drift,
            span: yaml.span.clone(),
        })
    }
}
