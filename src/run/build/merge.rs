//! The strategies `merge` and `delete+insert`: update or replace existing rows by key.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Build, Candidate,
    candidate::Effect,
    draft::{Written, produce},
    new_rows::{self, Existing},
    rebuild,
};
use crate::{
    compile::{FILE, MergeQueries, NewRows},
    engine::{
        Streams,
        rows::{changes, spool::Spool},
    },
    lake::{Base, Replaces},
    outcome::RowChanges,
    run::step_error::StepError,
};

/// Stages a version with the new rows merged in.
pub(super) async fn candidate(
    build: &Build<'_>,
    rows: &NewRows,
    queries: &MergeQueries,
) -> Result<Candidate, StepError> {
    let Some(Existing { base, changes }) = new_rows::existing(build, rows).await? else {
        return rebuild::candidate(build).await;
    };
    let draft = new_rows::draft(build, rows, &base, changes).await?;
    produce(build, draft, |rows| merge(build, queries, &base, rows)).await
}

/// Stages the changed rows, which writes only files that differ from `base`.
async fn merge(
    build: &Build<'_>,
    queries: &MergeQueries,
    base: &Base,
    rows: Streams,
) -> Result<Written, StepError> {
    let new = build.spool(rows).await?;
    check_keys(build, queries, &new).await?;
    let files = touched_files(build, queries, base, &new).await?;
    let tables = BTreeMap::from([
        (queries.old.clone(), base.rows_of(&files).await?),
        (queries.new.clone(), new.table()),
    ]);
    let rows = build.streams(&queries.outcome, &tables).await?;
    let (rows, changes) = changes::apply(rows, &build.compiled.schema);
    let own = build.stage(Replaces::Files { of: base.version(), files }, rows).await?;
    // The spooled rows must outlive the streams.
    drop(new);
    let counts = RowChanges {
        inserted: changes.inserted(),
        updated: changes.updated(),
        deleted: changes.deleted(),
        files: None,
        batches: None,
    };
    let same_rows = changes.is_nothing();
    let effect = Effect { changes: Some(Box::new(counts)), same_rows, ..Effect::default() };
    Ok(Written { own, effect })
}

/// Returns the table's files that contain a row which a new one matches.
async fn touched_files(
    build: &Build<'_>,
    queries: &MergeQueries,
    base: &Base,
    new: &Spool,
) -> Result<BTreeSet<String>, StepError> {
    let tables = BTreeMap::from([
        (queries.old_files.clone(), base.rows_with_files(FILE).await?),
        (queries.new.clone(), new.table()),
    ]);
    let ranges = build.worker.engine.key_ranges(new, &queries.key, base.partition_by()).await?;
    let bound = queries.reached.bind(&tables)?.within_key_ranges(&queries.old_files, &ranges)?;
    Ok(build.worker.engine.texts(&bound, build.joins).await?.into_iter().collect())
}

/// Checks that no two new rows share a key, which would make the merge ambiguous.
async fn check_keys(build: &Build<'_>, queries: &MergeQueries, new: &Spool) -> Result<(), StepError> {
    let Some(repeated) = &queries.repeated else { return Ok(()) };
    let bound = repeated.bind(&BTreeMap::from([(queries.new.clone(), new.table())]))?;
    let sample = build.worker.engine.sample(&bound, 1).await?;
    let Some((times, key)) = sample.rows.first().and_then(|row| row.cells.split_last()) else {
        return Ok(());
    };
    let times = times.as_deref().unwrap_or_default();
    let named: Vec<String> = queries
        .key
        .iter()
        .zip(key)
        .map(|(column, value)| format!("{column} = {}", value.as_deref().unwrap_or("NULL")))
        .collect();
    Err(StepError::Other(format!(
        "{times} new rows share the key ({}), so the merge into {} is ambiguous: add columns to `unique_key`, or \
         deduplicate in the SQL (`qualify row_number() over (partition by {} order by …) = 1`)",
        named.join(", "),
        build.model.relation,
        queries.key.join(", "),
    )))
}
