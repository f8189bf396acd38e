//! Hooks of a model: applies what they change to its staged version, before it is audited.

use std::collections::BTreeMap;

use super::{Build, Candidate};
use crate::{
    compile::CompiledHooks,
    diag::described,
    engine::{Query, Table},
    lake::{Replaces, Write},
    name::Relation,
    run::{companion_tables::abort_all, step_error::StepError},
};

/// Runs the hooks of a build over a staged version. Returns the version with what they change.
///
/// # Errors
/// If one fails. The version is then aborted.
pub(in crate::run) async fn applied(
    build: &Build<'_>,
    mut version: Candidate,
) -> Result<Candidate, StepError> {
    let hooks = of(build);
    match run(build, hooks, &mut version).await {
        Ok(()) => Ok(version),
        Err(error) => {
            version.abort().await;
            Err(error)
        }
    }
}

/// Returns whether new rows are added to those of the current version.
fn adds_rows(build: &Build<'_>) -> bool {
    let compiled = build.compiled;
    compiled.strategy.new_rows().is_some()
        && compiled.refresh.is_none()
        && build.current_version.is_some()
        && !build.follows_other_sql()
}

/// Returns the hooks of what is built: new rows, or all of them.
fn of<'a>(build: &Build<'a>) -> &'a CompiledHooks {
    if adds_rows(build) { &build.compiled.new_rows_hooks } else { &build.compiled.hooks }
}

async fn run(build: &Build<'_>, hooks: &CompiledHooks, version: &mut Candidate) -> Result<(), StepError> {
    let staged = if hooks.waits { Some(staged(build, version).await?) } else { None };
    let after = staged.as_ref().unwrap_or(hooks);
    if let Some(rows) = &after.rows {
        let tables = tables(build, rows, version).await?;
        let streams = build.streams(rows, &tables).await?;
        let write = Write {
            replaces: Replaces::Everything,
            provenance: version.own.provenance().clone(),
            transaction: version.own.transaction().cloned(),
            ..build.write()
        };
        let own = build.stage_as(write, streams).await?;
        abort_all([std::mem::replace(&mut version.own, own)]).await;
        version.effect.same_rows = false;
    }
    let reads_after = staged.iter().flat_map(|staged| &staged.reads);
    for read in hooks.reads.iter().chain(reads_after) {
        let tables = tables(build, read, version).await?;
        build.worker.engine.gather(&read.bind(&tables)?).await?;
    }
    Ok(())
}

/// Compiles the post-hooks over the staged version, whose rows they query.
async fn staged(build: &Build<'_>, version: &Candidate) -> Result<CompiledHooks, StepError> {
    let Build { worker, model, compiled, .. } = build;
    let table = (version.relation.clone(), version.table().await?);
    let compiling = Box::pin(worker.staged_hooks(&model.id, table, adds_rows(build)));
    let hooks = compiling.await.map_err(|findings| StepError::Other(described(&findings)))?;
    // Staleness compares only inputs that are known before the build.
    let is_input =
        |relation: &Relation| *relation == model.relation || compiled.inputs.contains_key(&relation.table());
    let other = hooks.queries().flat_map(Query::relations).find(|relation| !is_input(relation));
    match other {
        Some(relation) => Err(StepError::Other(format!(
            "a hook of `{}` reads {relation} only after it queried the rows of {}\n  help: read it in the model's \
             SQL, or in a hook before",
            model.name, model.relation
        ))),
        None => Ok(hooks),
    }
}

/// Opens the tables that a hook reads: the staged version, and published ones.
async fn tables(
    build: &Build<'_>,
    query: &Query,
    version: &Candidate,
) -> Result<BTreeMap<Relation, Table>, StepError> {
    let mut tables = BTreeMap::new();
    for relation in query.relations() {
        let table = if relation == build.model.relation {
            version.table().await?
        } else {
            build.worker.published(&relation, None).await?
        };
        tables.insert(relation, table);
    }
    Ok(tables)
}
