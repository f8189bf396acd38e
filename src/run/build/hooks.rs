//! Hooks of a model: applies what they change to its staged version, before it is audited.

use std::collections::BTreeMap;

use super::{Build, Candidate};
use crate::{
    compile::CompiledHooks,
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

/// Returns the hooks of what is built: new rows, or all of them.
fn of<'a>(build: &Build<'a>) -> &'a CompiledHooks {
    let compiled = build.compiled;
    let adds_rows = compiled.strategy.new_rows().is_some()
        && compiled.refresh.is_none()
        && build.current_version.is_some()
        && !build.follows_other_sql();
    if adds_rows { &compiled.new_rows_hooks } else { &compiled.hooks }
}

async fn run(build: &Build<'_>, hooks: &CompiledHooks, version: &mut Candidate) -> Result<(), StepError> {
    if let Some(rows) = &hooks.rows {
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
    for read in &hooks.reads {
        let tables = tables(build, read, version).await?;
        build.worker.engine.gather(&read.bind(&tables)?).await?;
    }
    Ok(())
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
