//! The parse phase, in dbt's sense: every model's template is rendered once with nothing resolved, to learn what it
//! refers to and how it configures itself. Resolves no name and touches no table.

use std::sync::Arc;

use crate::{
    diag::Diagnostic,
    jinja::{Captures, Jinja, Names, NodeContext},
    name::{NodeId, Relation},
    project::{ModelFile, Project},
};

/// What each of `project.models` asked for, in their order; a model whose template fails asks for nothing and is
/// among the findings. Uses up to `threads` threads.
#[must_use]
pub fn parse(project: &Project, jinja: &Jinja, threads: usize) -> (Vec<Captures>, Vec<Diagnostic>) {
    let name = project.settings.name.value.as_str();
    let size = project.models.len().div_ceil(threads.max(1)).max(1);
    let results: Vec<Result<Captures, Diagnostic>> = std::thread::scope(|scope| {
        let workers: Vec<_> = project
            .models
            .chunks(size)
            .map(|files| {
                scope.spawn(move || files.iter().map(|file| one(file, name, jinja)).collect::<Vec<_>>())
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(results) => results,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    let mut findings = Vec::new();
    let captures = results
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|found| {
                findings.push(found);
                Captures::default()
            })
        })
        .collect();
    (captures, findings)
}

fn one(file: &ModelFile, project: &str, jinja: &Jinja) -> Result<Captures, Diagnostic> {
    let node = NodeContext {
        name: file.name.clone(),
        unique_id: NodeId::model(project, &file.name).to_string(),
        this: Some(Relation::new("this", file.name.as_str())),
        is_incremental: false,
        config: serde_json::Map::new(),
        executing: false,
    };
    jinja.render(&file.source, &node, Arc::new(Anything)).map(|rendered| rendered.captures)
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
