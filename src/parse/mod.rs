//! The parse phase, in dbt's sense: every template is rendered once with nothing resolved, to learn what it refers to
//! and how it configures itself. Resolves no name and touches no table.
//!
//! - [`snapshot`]: what is a snapshot, and of what
//! - [`data_test`]: what is declared under `data_tests:`
//! - [`docs`]: documentation blocks
//! - [`exposure`]: what exposures read
//! - [`template`]: the template that such a declaration stands for
//! - [`test_name`]: how dbt calls a test that nobody named
//! - [`unit_test`]: what a unit test's inputs mean

pub mod data_test;
pub mod docs;
pub mod exposure;
pub mod snapshot;
pub mod template;
pub mod test_name;
pub mod unit_test;

use std::sync::Arc;

pub use self::{
    data_test::{Generic, ParsedTest, Subject, TestKind, at_declaration},
    docs::{DocBlock, docs},
    exposure::ParsedExposure,
    snapshot::ParsedSnapshot,
    unit_test::{Input, ParsedUnitTest},
};
use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja, Names, NodeContext},
    name::{NodeId, Relation},
    parallel::in_parallel,
    project::{ModelFile, Project},
    text::Source,
};

/// What the templates of a project ask for. A template that fails asks for nothing and is among the findings.
#[derive(Debug, Default)]
pub struct Parsed {
    /// What each of the project's models asked for, in their order.
    pub models: Vec<Captures>,
    /// Its snapshots, those written in SQL first.
    pub snapshots: Vec<ParsedSnapshot>,
    /// Its data tests.
    pub tests: Vec<ParsedTest>,
    /// Its unit tests.
    pub unit_tests: Vec<ParsedUnitTest>,
    /// Its exposures.
    pub exposures: Vec<ParsedExposure>,
}

/// Renders every template of the project, on up to `threads` threads.
#[must_use]
pub fn parse(project: &Project, jinja: &Jinja, threads: usize) -> (Parsed, Vec<Diagnostic>) {
    let name = project.settings.name.value.as_str();
    let (models, mut findings) =
        collect(in_parallel(&project.models, threads, 1, |file| model(file, name, jinja)), |captures| {
            captures.unwrap_or_default()
        });
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

impl Parsed {
    /// What the templates warned of.
    fn warnings(&self) -> impl Iterator<Item = Diagnostic> {
        let tests = self.tests.iter().map(|test| &test.captures);
        let snapshots = self.snapshots.iter().map(|snapshot| &snapshot.captures);
        self.models.iter().chain(snapshots).chain(tests).flat_map(|captures| captures.warnings.clone())
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
    // What it reads only when it takes new rows in must be built before it as well.
    let node = NodeContext { is_incremental: true, ..context(&file.name, &id, this) };
    let increment = jinja.render(&file.source, &node, Arc::new(Anything))?.captures;
    Ok(captured.and(increment))
}

/// What a template asks for.
fn captures(
    jinja: &Jinja,
    template: &Source,
    name: &str,
    id: &NodeId,
    this: Option<Relation>,
) -> Result<Captures, Diagnostic> {
    jinja.render(template, &context(name, id, this), Arc::new(Anything)).map(|rendered| rendered.captures)
}

fn context(name: &str, id: &NodeId, this: Option<Relation>) -> NodeContext {
    NodeContext { name: name.to_owned(), unique_id: id.to_string(), this, ..NodeContext::default() }
}

/// Answers every name with a placeholder: what it means is found out later.
struct Anything;

impl Names for Anything {
    fn reference(&self, package: Option<&str>, name: &str) -> Result<Relation, String> {
        Ok(Relation::new(package.unwrap_or("ref"), name))
    }

    fn source(&self, source: &str, table: &str) -> Result<Relation, String> {
        Ok(Relation::new(source, table))
    }
}
