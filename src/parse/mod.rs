//! The parse phase, in dbt's sense: renders every template once with placeholders for relations, to learn
//! what it refers to and how it configures itself. Doesn't resolve names or access tables.
//!
//! - [`snapshot`]: snapshots and their queries
//! - [`data_test`]: tests declared under `data_tests:`, and singular tests
//! - [`mod@docs`]: documentation blocks
//! - [`exposure`]: the inputs of exposures
//! - [`test_subject`]: the relations that generic tests apply to
//! - [`template`]: the template generated from a test's declaration
//! - [`test_name`]: dbt's default names for tests
//! - [`unit_test`]: the inputs of unit tests
//! - `python_text`: Python's text of values, which ids of tests depend on
//! - `placeholder`: placeholders for the relations that templates name

pub mod data_test;
pub mod docs;
pub mod exposure;
mod placeholder;
mod python_text;
pub mod snapshot;
pub mod template;
pub mod test_name;
pub mod test_subject;
pub mod unit_test;

use std::sync::Arc;

use self::placeholder::{Anything, captures, context};
pub use self::{
    data_test::{Generic, ParsedTest, ParsedTestKind, at_declaration},
    docs::{DocBlock, docs},
    exposure::ParsedExposure,
    python_text::python_repr,
    snapshot::ParsedSnapshot,
    test_subject::TestSubject,
    unit_test::{Input, ParsedUnitTest},
};
use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja, NodeContext},
    name::{NodeId, Relation},
    parallel::in_parallel,
    project::{ModelFile, Project},
    text::Source,
};

/// The parse results of a project or of one of its packages. A template that fails to render is reported as a
/// diagnostic.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The captures of the project's models, in the models' order; `None` if its template is invalid.
    pub models: Vec<Option<Captures>>,
    /// The snapshots, those written in SQL first.
    pub snapshots: Vec<ParsedSnapshot>,
    /// The data tests.
    pub tests: Vec<ParsedTest>,
    pub unit_tests: Vec<ParsedUnitTest>,
    pub exposures: Vec<ParsedExposure>,
}

/// Renders every template of the project and its packages on up to `threads` threads. Returns the results in
/// the order of [`Project::with_packages`], and all diagnostics.
#[must_use]
pub fn parse(project: &Project, jinja: &Jinja, threads: usize) -> (Vec<Parsed>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let packages = project.with_packages().map(|package| {
        let (parsed, more) = parse_package(package, &jinja.in_package(package.name()), threads);
        findings.extend(more);
        parsed
    });
    (packages.collect(), findings)
}

fn parse_package(project: &Project, jinja: &Jinja, threads: usize) -> (Parsed, Vec<Diagnostic>) {
    let name = project.settings.name.value.as_str();
    let (models, mut findings) =
        collect(in_parallel(&project.models, threads, 1, |file| model(file, name, jinja)), |model| model);
    let snapshots = snapshot::declared(project, &mut findings);
    let (snapshots, more) =
        collect(in_parallel(&snapshots, threads, 1, |one| one.rendered(name, jinja)), |snapshot| snapshot);
    findings.extend(more);
    let declared = data_test::declared(project, jinja, &mut findings);
    let (tests, more) = collect(in_parallel(&declared, threads, 1, |test| test.rendered(jinja)), |test| test);
    findings.extend(more);
    let (unit_tests, more) = collect(
        in_parallel(&project.unit_tests, threads, 1, |test| unit_test::parse(test, name, jinja)),
        |test| test,
    );
    findings.extend(more);
    let (exposures, more) = collect(
        in_parallel(&project.exposures, threads, 1, |one| exposure::parse(one, name, jinja)),
        |one| one,
    );
    findings.extend(more);
    let parsed = Parsed {
        models,
        snapshots: snapshots.into_iter().flatten().collect(),
        tests: tests.into_iter().flatten().collect(),
        unit_tests: unit_tests.into_iter().flatten().collect(),
        exposures: exposures.into_iter().flatten().collect(),
    };
    findings.extend(parsed.warnings());
    (parsed, findings)
}

/// Renders a node's hook with placeholders, before names are resolved, to capture its calls.
pub fn hook(
    jinja: &Jinja,
    template: &Source,
    name: &str,
    id: &NodeId,
    this: &Relation,
) -> Result<Captures, Diagnostic> {
    captures(jinja, template, name, id, Some(this.clone()))
}

impl Parsed {
    /// Returns the warnings that the templates raised.
    fn warnings(&self) -> impl Iterator<Item = Diagnostic> {
        let tests = self.tests.iter().map(|test| &test.captures);
        let snapshots = self.snapshots.iter().map(|snapshot| &snapshot.captures);
        self.models
            .iter()
            .flatten()
            .chain(snapshots)
            .chain(tests)
            .flat_map(|captures| captures.warnings.clone())
    }
}

fn collect<T, U>(
    results: Vec<Result<T, Diagnostic>>,
    keep: impl Fn(Option<T>) -> U,
) -> (Vec<U>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let kept = results.into_iter().map(|result| keep(result.map_err(|found| findings.push(found)).ok()));
    (kept.collect(), findings)
}

fn model(file: &ModelFile, project: &str, jinja: &Jinja) -> Result<Captures, Diagnostic> {
    let id = NodeId::model(project, &file.name);
    let this = Some(Relation::new("this", file.name.as_str()));
    let captured = captures(jinja, &file.source, &file.name, &id, this.clone())?;
    if !file.source.text().contains("is_incremental") {
        return Ok(captured);
    }
    // Inputs that the model reads only in incremental runs must also be built before it.
    let node = NodeContext { is_incremental: true, ..context(&file.name, &id, this) };
    let increment = jinja.render(&file.source, &node, Arc::new(Anything))?.captures;
    Ok(captured.and(increment))
}
