//! `sources:`: tables that others make.

use super::{
    config::ConfigPatch,
    data_test::{self, TestDecl},
    drift::DriftDecl,
    external::ExternalDecl,
    freshness::{Freshness, LoadedAt},
    properties::{self, ColumnDecl, META_HINT},
    reader::Reader,
    yaml::Yaml,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// Keys of dbt's about a source or its tables that change nothing here.
const SILENT: &[&str] = &["overrides", "data_type", "unrendered_config"];

/// A group of tables.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceDecl {
    /// What templates call it.
    pub name: Spanned<String>,
    /// What it is; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// The folder in the lake, if the tables lie there; may hold Jinja.
    pub schema: Option<Spanned<String>>,
    /// dbt's database; may hold Jinja.
    pub database: Option<Spanned<String>>,
    /// Who loads it.
    pub loader: Option<Spanned<String>>,
    /// Its tags, those under `config:` included.
    pub tags: Vec<Spanned<String>>,
    /// The user's own data about it, wherever it was written.
    pub meta: Option<Yaml>,
    /// `config:`.
    pub config: ConfigPatch,
    /// The column that tells when a row came, for tables that don't say.
    pub loaded_at_field: Option<Spanned<String>>,
    /// The query that tells when the newest row came, for tables that don't say; may hold Jinja.
    pub loaded_at_query: Option<Spanned<String>>,
    /// How fresh its tables must be, if they don't say.
    pub freshness: Freshness,
    /// What is done where the files of its tables drift, if they don't say.
    pub drift: DriftDecl,
    /// The tables.
    pub tables: Vec<SourceTableDecl>,
}

/// One table of a source.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceTableDecl {
    /// What templates call it.
    pub name: Spanned<String>,
    /// Its name in the lake, if it is another; may hold Jinja.
    pub identifier: Option<Spanned<String>>,
    /// What it is; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// Its columns.
    pub columns: Vec<ColumnDecl>,
    /// Where its rows come from; without it, it is a Delta table in the lake.
    pub external: Option<ExternalDecl>,
    /// Its tags, those under `config:` included.
    pub tags: Vec<Spanned<String>>,
    /// The user's own data about it, wherever it was written.
    pub meta: Option<Yaml>,
    /// `config:`.
    pub config: ConfigPatch,
    /// Its tests.
    pub data_tests: Vec<TestDecl>,
    /// The column that tells when a row came.
    pub loaded_at_field: Option<Spanned<String>>,
    /// The query that tells when the newest row came; may hold Jinja.
    pub loaded_at_query: Option<Spanned<String>>,
    /// How fresh it must be.
    pub freshness: Freshness,
    /// What is done where its files drift.
    pub drift: DriftDecl,
    /// Where the table's description begins.
    pub span: Span,
}

impl SourceDecl {
    /// One item of `sources:`; `None` if it has no name.
    pub(super) fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a source", yaml, diagnostics)?;
        let name = reader.required("name");
        let LoadedAt { field: loaded_at_field, query: loaded_at_query } = LoadedAt::of(&mut reader);
        let mut source = Self {
            description: reader.string("description"),
            schema: reader.string("schema"),
            database: reader.string("database"),
            loader: reader.string("loader"),
            tags: properties::tags(&mut reader),
            meta: properties::meta(&mut reader),
            config: properties::config(&mut reader),
            loaded_at_field,
            loaded_at_query,
            freshness: Freshness::of(&mut reader),
            drift: DriftDecl::of(&mut reader),
            tables: Vec::new(),
            name: name.clone().unwrap_or_else(|| Spanned::new(String::new(), yaml.span.clone())),
        };
        for table in reader.list("tables") {
            source.tables.extend(SourceTableDecl::read(table, reader.diagnostics()));
        }
        reader.without_effect(&["quoting"]);
        reader.accept(SILENT);
        reader.finish(Some(META_HINT));
        name.map(|_| source)
    }
}

impl SourceTableDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a source's table", yaml, diagnostics)?;
        let name = reader.required("name");
        let identifier = reader.string("identifier");
        let description = reader.string("description");
        let columns = properties::columns(&mut reader);
        let external = match reader.take_entry("external") {
            Some((key, external)) => ExternalDecl::read(key, external, reader.diagnostics()),
            None => None,
        };
        let tags = properties::tags(&mut reader);
        let meta = properties::meta(&mut reader);
        let config = properties::config(&mut reader);
        let data_tests = data_test::list(&mut reader);
        let LoadedAt { field: loaded_at_field, query: loaded_at_query } = LoadedAt::of(&mut reader);
        let freshness = Freshness::of(&mut reader);
        let drift = DriftDecl::of(&mut reader);
        reader.without_effect(&["quoting"]);
        reader.accept(SILENT);
        reader.accept(&["loader"]);
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
