//! Snapshots: compare the current rows with the kept row versions. Reads and changes refer to the same
//! version of the table, so a concurrent write can't go unnoticed.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;

use super::{
    Build, Candidate,
    candidate::Effect,
    draft::{Draft, Quarantine, Rejects, Written, produce},
};
use crate::{
    compile::{ExistingVersions, FILE, SnapshotQueries, nullable},
    engine::{
        EngineError, RecordBatch,
        arrow::{
            array::{ArrayRef, AsArray, TimestampMicrosecondArray},
            compute::cast,
            datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
        },
        rows::{
            changes::{self, Changes},
            spool::Spool,
        },
    },
    lake::{Base, LakeError, Replaces, Staged},
    outcome::RowChanges,
    run::{clock, step_error::StepError},
};

/// Stages the version with a new snapshot of the rows.
pub(super) async fn candidate(build: &Build<'_>, queries: &SnapshotQueries) -> Result<Candidate, StepError> {
    let base = build.base().await?;
    let newest = newest_moment(build, queries, base.as_ref()).await?;
    let newest = newest.max(build.made.and_then(|made| made.made_at));
    let build = &Build { now: clock::after(newest, build.reports), ..*build };
    let moment = moment(queries, build.now)?;
    let query = &build.compiled.query;
    let rejects = Rejects::of(build, query);
    let mut tables = build.worker.open(query, rejects.as_ref().map(Rejects::sink)).await?;
    tables.insert(queries.moment.clone(), moment.table());
    let bound = queries.arrived.bind(&tables)?;
    build.progress.store(0, Ordering::Relaxed);
    let draft = Draft {
        // They are spooled, so their order doesn't matter.
        rows: build.worker.engine.streams(&bound, &[], build.joins).await?,
        rejects,
        quarantine: Quarantine::default(),
        provenance: build.provenance(),
        note: None,
    };
    produce(build, draft, |rows| async {
        let new = build.spool(rows).await?;
        let (own, changes) = capture(build, queries, base.as_ref(), (&new, &moment)).await?;
        Ok(Written { own, effect: effect(changes.as_deref()) })
    })
    .await
}

fn effect(changes: Option<&Changes>) -> Effect {
    let counts = changes.map(|changes| RowChanges {
        inserted: changes.inserted(),
        updated: changes.updated(),
        deleted: 0,
        files: None,
        batches: None,
    });
    let same_rows = changes.is_some_and(Changes::is_nothing);
    Effect { changes: counts.map(Box::new), same_rows, ..Effect::default() }
}

/// Stages the current rows into the table, which writes only files that differ from the previous version.
async fn capture(
    build: &Build<'_>,
    queries: &SnapshotQueries,
    base: Option<&Base>,
    (new, moment): (&Spool, &Spool),
) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
    check_keys(build, queries, new).await?;
    let relation = &build.model.relation;
    let Some(base) = base else {
        let query = build.worker.engine.plan(&format!("select * from {}", queries.new.quoted())).await;
        let query = query.map_err(StepError::Sql)?;
        let tables = BTreeMap::from([(queries.new.clone(), new.table())]);
        let staged = build.stage(Replaces::Everything, build.streams(&query, &tables).await?).await?;
        return if staged.version() == 0 {
            Ok((staged, None))
        } else {
            // Another writer created the table in the meantime; its versions must be kept.
            let version = staged.version();
            staged.abort().await?;
            Err(LakeError::Conflict { relation: relation.clone(), version }.into())
        };
    };
    let Some(existing) = &queries.existing else {
        // The table didn't exist when the queries were planned.
        return Err(LakeError::Conflict { relation: relation.clone(), version: base.version() }.into());
    };
    update(build, queries, existing, base, (new, moment)).await
}

async fn update(
    build: &Build<'_>,
    queries: &SnapshotQueries,
    existing: &ExistingVersions,
    base: &Base,
    (new, moment): (&Spool, &Spool),
) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
    let tables = BTreeMap::from([
        (existing.old_files.clone(), base.rows_with_files(FILE).await?),
        (queries.new.clone(), new.table()),
        (queries.moment.clone(), moment.table()),
    ]);
    let streams = build.worker.engine.streams(&existing.changed.bind(&tables)?, &[], build.joins).await?;
    // Take the schema from the streams: the same columns can have another physical type there.
    let columns =
        streams.first().map_or_else(|| Arc::clone(&existing.columns), |rows| nullable(&rows.schema()));
    let spooled = build.worker.engine.spool(&columns, streams, Arc::new(|_| {})).await?;
    let mut tables = BTreeMap::from([(existing.changes.clone(), spooled.table())]);
    let reached = build.worker.engine.texts(&existing.reached.bind(&tables)?, build.joins).await?;
    let files = if existing.retypes { base.files()? } else { reached.into_iter().collect() };
    tables.insert(existing.old.clone(), base.rows_of(&files).await?);
    let streams = build.streams(&existing.outcome, &tables).await?;
    let (streams, counted) = changes::apply(streams, &build.compiled.schema);
    // The spooled rows must outlive the streams.
    let staged = build.stage(Replaces::Files { of: base.version(), files }, streams).await?;
    drop(spooled);
    Ok((staged, Some(counted)))
}

/// Checks that no two rows share a key, because either could be the newest version.
async fn check_keys(build: &Build<'_>, queries: &SnapshotQueries, new: &Spool) -> Result<(), StepError> {
    let bound = queries.repeated.bind(&BTreeMap::from([(queries.new.clone(), new.table())]))?;
    let sample = build.worker.engine.sample(&bound, 1).await?;
    let Some((times, key)) = sample.rows.first().and_then(|row| row.cells.split_last()) else {
        return Ok(());
    };
    let times = times.as_deref().unwrap_or_default();
    let columns = queries.key.join(", ");
    let named: Vec<String> = queries
        .key
        .iter()
        .zip(key)
        .map(|(column, value)| format!("{column} = {}", value.as_deref().unwrap_or("NULL")))
        .collect();
    let named = named.join(", ");
    let relation = &build.model.relation;
    Err(StepError::Other(if key.iter().any(Option::is_none) {
        let rows = if times == "1" { "1 row has".to_owned() } else { format!("{times} rows have") };
        format!(
            "{rows} no key ({named}), so they can't be matched with the rows of {relation}: leave such rows \
             out in the SQL (`where {} is not null`), or choose another `unique_key`",
            queries.key.join(" is not null and "),
        )
    } else {
        format!(
            "{times} rows share the key ({named}), and only one of them can be the newest version in {relation}: add \
             columns to `unique_key`, or deduplicate in the SQL (`qualify row_number() over (partition by {columns} order by …) = 1`)",
        )
    }))
}

/// Returns the newest time in the table that the clock gave: the clock of any run, on any machine. `None` if
/// all its times come from the rows.
async fn newest_moment(
    build: &Build<'_>,
    queries: &SnapshotQueries,
    base: Option<&Base>,
) -> Result<Option<DateTime<Utc>>, StepError> {
    let Some(base) = base else { return Ok(None) };
    let Some(ExistingVersions { newest: Some(newest), old_files, .. }) = &queries.existing else {
        return Ok(None);
    };
    let table = base.rows_with_files(FILE).await?;
    let bound = newest.bind(&BTreeMap::from([(old_files.clone(), table)]))?;
    let mut newest = None;
    for stream in build.worker.engine.streams(&bound, &[], build.joins).await? {
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        for column in batches.iter().flat_map(RecordBatch::columns) {
            newest = newest.max(times(column)?.into_iter().max());
        }
    }
    Ok(newest)
}

/// Returns the times in a column of dates or timestamps.
fn times(column: &ArrayRef) -> Result<Vec<DateTime<Utc>>, StepError> {
    let micros =
        cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None)).map_err(EngineError::from)?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    Ok(micros.iter().flatten().filter_map(DateTime::from_timestamp_micros).collect())
}

/// Returns the time of the run as a spool.
fn moment(queries: &SnapshotQueries, now: DateTime<Utc>) -> Result<Spool, StepError> {
    let now = TimestampMicrosecondArray::from(vec![now.timestamp_micros()]).with_timezone("UTC");
    let now = cast(&now, queries.at.field(0).data_type()).map_err(EngineError::from)?;
    let batch = RecordBatch::try_new(Arc::clone(&queries.at), vec![now]).map_err(EngineError::from)?;
    Ok(Spool::of(batch)?)
}
