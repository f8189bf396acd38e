//! `unit_tests:`: runs of a model's SQL on given rows, with the expected rows.

use super::{
    common_keys, config::ConfigPatch, fixture::Fixtures, keys, reader::YamlReader, rows::RowsDecl, yaml::Yaml,
};
use crate::{
    diag::Diagnostic,
    text::{Span, Spanned},
};

/// A unit test.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitTestDecl {
    pub name: Spanned<String>,
    /// The tested model.
    pub model: Spanned<String>,
    /// The description; may contain Jinja.
    pub description: Option<Spanned<String>>,
    /// The rows that replace the model's inputs.
    pub given: Vec<InputFixtureDecl>,
    /// The expected rows.
    pub expect: RowsDecl,
    /// The overridden macros and variables.
    pub overrides: OverridesDecl,
    pub config: ConfigPatch,
    /// The span of the declaration.
    pub span: Span,
}

/// The rows that replace one of the model's inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct InputFixtureDecl {
    /// The input, as written: `ref('orders')`, `source('files', 'orders')` or `this`.
    pub input: Spanned<String>,
    pub rows: RowsDecl,
}

/// The overridden macros and variables of a test, as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OverridesDecl {
    /// The return values of macros: `is_incremental`, `dbt_utils.star`.
    pub macros: Vec<(Spanned<String>, Yaml)>,
    /// The values of `var()`.
    pub vars: Vec<(Spanned<String>, Yaml)>,
    /// The values of `env_var()`.
    pub env_vars: Vec<(Spanned<String>, Yaml)>,
}

impl UnitTestDecl {
    /// Reads an item of `unit_tests:`. Returns `None` if a required key is missing.
    pub(super) fn read(
        yaml: &Yaml,
        fixtures: Fixtures<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::UNIT_TEST, yaml, diagnostics)?;
        let name = reader.required("name");
        let model = reader.required("model");
        let description = reader.string("description");
        let given = reader.list("given").iter();
        let given: Vec<Option<InputFixtureDecl>> =
            given.map(|item| InputFixtureDecl::read(item, fixtures, reader.diagnostics())).collect();
        let expect = reader.needed("expect").and_then(|yaml| expect(yaml, fixtures, reader.diagnostics()));
        let overrides = match reader.take("overrides") {
            Some(yaml) => OverridesDecl::read(yaml, reader.diagnostics()),
            None => Some(OverridesDecl::default()),
        };
        let config = common_keys::config(&mut reader);
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

impl InputFixtureDecl {
    fn read(yaml: &Yaml, fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::UNIT_TEST_INPUT, yaml, diagnostics)?;
        let input = reader.required("input");
        let rows = RowsDecl::read(yaml, &mut reader, fixtures);
        reader.finish(None);
        Some(Self { input: input?, rows: rows? })
    }
}

fn expect(yaml: &Yaml, fixtures: Fixtures<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<RowsDecl> {
    let mut reader = YamlReader::new(&keys::EXPECT, yaml, diagnostics)?;
    let rows = RowsDecl::read(yaml, &mut reader, fixtures);
    reader.finish(None);
    rows
}

impl OverridesDecl {
    fn read(yaml: &Yaml, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut reader = YamlReader::new(&keys::OVERRIDES, yaml, diagnostics)?;
        let overrides = Self {
            macros: reader.map("macros").to_vec(),
            vars: reader.map("vars").to_vec(),
            env_vars: reader.map("env_vars").to_vec(),
        };
        reader.finish(None);
        Some(overrides)
    }
}
