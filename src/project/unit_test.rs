//! `unit_tests:`: a model's SQL run on given rows, and the rows that must come out.

use super::{config::ConfigPatch, fixture::Fixtures, properties, reader::Reader, rows::RowsDecl, yaml::Yaml};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// One unit test.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTestDecl {
    /// Its name.
    pub name: Spanned<String>,
    /// The model it tests.
    pub model: Spanned<String>,
    /// What it shows; may hold Jinja.
    pub description: Option<Spanned<String>>,
    /// What the model reads instead of its inputs.
    pub given: Vec<GivenDecl>,
    /// The rows that must come out.
    pub expect: RowsDecl,
    /// What macros and variables answer in this test.
    pub overrides: OverridesDecl,
    /// `config:`.
    pub config: ConfigPatch,
    /// Where the test begins.
    pub span: Span,
}

/// What the model reads instead of one of its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenDecl {
    /// Which input, as written: `ref('orders')`, `source('files', 'orders')` or `this`.
    pub input: Spanned<String>,
    /// The rows it reads.
    pub rows: RowsDecl,
}

/// What macros and variables answer in a test, as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverridesDecl {
    /// What macros return: `is_incremental`, `dbt_utils.star`.
    pub macros: Vec<(Spanned<String>, Yaml)>,
    /// What `var()` answers.
    pub vars: Vec<(Spanned<String>, Yaml)>,
    /// What `env_var()` answers.
    pub env_vars: Vec<(Spanned<String>, Yaml)>,
}

impl UnitTestDecl {
    /// One item of `unit_tests:`; `None` if it lacks what it can't do without.
    pub(super) fn read(
        yaml: &Yaml,
        fixtures: Fixtures<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut reader = Reader::new("a unit test", yaml, diagnostics)?;
        let name = reader.required("name");
        let model = reader.required("model");
        let description = reader.string("description");
        let given = reader.list("given").iter();
        let given: Vec<Option<GivenDecl>> =
            given.map(|item| GivenDecl::read(item, fixtures, reader.diagnostics())).collect();
        let expect = reader.needed("expect").and_then(|yaml| expect(yaml, fixtures, reader.diagnostics()));
        let overrides = match reader.take("overrides") {
            Some(yaml) => OverridesDecl::read(yaml, reader.diagnostics()),
            None => Some(OverridesDecl::default()),
        };
        let config = properties::config(&mut reader);
        reader.without_effect(&["versions"]);
        reader.finish(Some("`tags`, `meta` and `enabled` belong under `config`"));
        Some(Self {
            name: name?,
            model: model?,
            description,
            given: given.into_iter().collect::<Option<_>>()?,
            expect: expect?,
            overrides: overrides?,
            config,
            span: yaml.span.clone(),
        })
    }
}

impl GivenDecl {
    fn read(yaml: &Yaml, fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("a unit test's input", yaml, diagnostics)?;
        let input = reader.required("input");
        let rows = RowsDecl::read(yaml, &mut reader, fixtures);
        reader.finish(None);
        Some(Self { input: input?, rows: rows? })
    }
}

fn expect(yaml: &Yaml, fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<RowsDecl> {
    let mut reader = Reader::new("`expect`", yaml, diagnostics)?;
    let rows = RowsDecl::read(yaml, &mut reader, fixtures);
    reader.finish(None);
    rows
}

impl OverridesDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = Reader::new("`overrides`", yaml, diagnostics)?;
        let overrides = Self {
            macros: reader.map("macros").to_vec(),
            vars: reader.map("vars").to_vec(),
            env_vars: reader.map("env_vars").to_vec(),
        };
        reader.finish(None);
        Some(overrides)
    }
}
