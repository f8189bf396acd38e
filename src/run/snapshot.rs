//! Snapshots: compare the current rows with the kept row versions. Reads and changes refer to the same
//! version of the table, so a concurrent write can't go unnoticed.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;

use super::{
    build::Build,
    clock,
    companion_tables::{self, CompanionTable},
    step_error::StepError,
    version::Version,
    worker::Worker,
};
use crate::{
    compile::{FILE, Onward, SnapshotQueries, nullable},
    engine::{
        EngineError, RecordBatch,
        arrow::{
            array::{ArrayRef, AsArray, TimestampMicrosecondArray},
            compute::cast,
            datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
        },
        execution::Joins,
        row_changes,
        row_changes::Changes,
        row_spool::Spool,
    },
    lake::{Base, LakeError, Replaces, Staged},
    outcome::RowChanges,
};

impl Worker {
    /// Stages the version with a new snapshot of the rows.
    pub(super) async fn snapshot(
        &self,
        build: &Build<'_>,
        queries: &SnapshotQueries,
        joins: Joins,
    ) -> Result<Version, StepError> {
        let base = self.current_base(build).await?;
        let newest = self.newest_moment(queries, base.as_ref(), joins).await?;
        let newest = newest.max(build.made.and_then(|made| made.made_at));
        let build = &Build { now: clock::after(newest, build.reports), ..*build };
        let Build { model, compiled, progress, .. } = *build;
        let moment = moment(queries, build.now)?;
        let mut companions = Vec::new();
        let rejects = self.reads_files(&compiled.query).then(|| {
            let (companion, sink) = CompanionTable::rejects(&model.relation, model.id.as_str());
            companions.push(companion);
            sink
        });
        let mut tables = self.open(compiled, rejects.as_ref()).await?;
        tables.insert(queries.moment.clone(), moment.table());
        let bound = queries.arrived.bind(&tables)?;
        progress.store(0, Ordering::Relaxed);
        let streams = self.engine.streams(&bound, &[], joins).await?;
        let write = async {
            let rows = Arc::clone(progress);
            let on_rows = Arc::new(move |count| rows.store(count, Ordering::Relaxed));
            let new = self.engine.spool(&compiled.schema, streams, on_rows).await;
            if let Some(sink) = &rejects {
                sink.close();
            }
            self.capture(build, queries, base.as_ref(), (&new?, &moment), joins).await
        };
        let lake = self.tables.lake();
        let ((own, changes), companions) =
            companion_tables::stage_with(companions, lake, &build.provenance(self), &self.cancel, write)
                .await?;
        let rows = changes.as_ref().map(|changes| RowChanges {
            inserted: changes.inserted(),
            updated: changes.updated(),
            deleted: 0,
            files: None,
            batches: None,
        });
        Ok(Version {
            relation: model.relation.clone(),
            own,
            companions,
            rejects,
            rejected_files: None,
            note: None,
            taken: None,
            quarantines: false,
            changed: rows.map(Box::new),
            same_rows: changes.is_some_and(|changes| changes.is_nothing()),
            failed: None,
            time: None,
        })
    }

    /// Returns the newest time in the table that the clock gave: the clock of any run, on any machine. `None`
    /// if all its times come from the rows.
    async fn newest_moment(
        &self,
        queries: &SnapshotQueries,
        base: Option<&Base>,
        joins: Joins,
    ) -> Result<Option<DateTime<Utc>>, StepError> {
        let Some(base) = base else { return Ok(None) };
        let Some(Onward { newest: Some(newest), old_files, .. }) = &queries.onward else { return Ok(None) };
        let table = base.rows_with_files(FILE).await?;
        let bound = newest.bind(&BTreeMap::from([(old_files.clone(), table)]))?;
        let mut newest = None;
        for stream in self.engine.streams(&bound, &[], joins).await? {
            let batches: Vec<RecordBatch> = stream.try_collect().await?;
            for column in batches.iter().flat_map(RecordBatch::columns) {
                newest = newest.max(times(column)?.into_iter().max());
            }
        }
        Ok(newest)
    }

    /// Stages the current rows into the table, which writes only files that differ from the previous version.
    async fn capture(
        &self,
        build: &Build<'_>,
        queries: &SnapshotQueries,
        base: Option<&Base>,
        (new, moment): (&Spool, &Spool),
        joins: Joins,
    ) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
        self.each_row_once(build, queries, new).await?;
        let relation = &build.model.relation;
        let Some(base) = base else {
            let query = self.engine.plan(&format!("select * from {}", queries.new.quoted())).await;
            let query = query.map_err(|error| StepError::Other(error.message))?;
            let bound = query.bind(&BTreeMap::from([(queries.new.clone(), new.table())]))?;
            let streams = self.engine.streams(&bound, &build.model.config.partition_by, joins).await?;
            let staged = self.stage_in_place_of(build, Replaces::Everything, streams).await?;
            return if staged.version() == 0 {
                Ok((staged, None))
            } else {
                // Another writer created the table in the meantime; its versions must be kept.
                let version = staged.version();
                staged.abort().await?;
                Err(LakeError::Conflict { relation: relation.clone(), version }.into())
            };
        };
        let Some(onward) = &queries.onward else {
            // The table didn't exist when the queries were planned.
            return Err(LakeError::Conflict { relation: relation.clone(), version: base.version() }.into());
        };
        self.go_on(build, queries, onward, base, (new, moment), joins).await
    }

    async fn go_on(
        &self,
        build: &Build<'_>,
        queries: &SnapshotQueries,
        onward: &Onward,
        base: &Base,
        (new, moment): (&Spool, &Spool),
        joins: Joins,
    ) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
        let tables = BTreeMap::from([
            (onward.old_files.clone(), base.rows_with_files(FILE).await?),
            (queries.new.clone(), new.table()),
            (queries.moment.clone(), moment.table()),
        ]);
        let streams = self.engine.streams(&onward.changed.bind(&tables)?, &[], joins).await?;
        // Take the schema from the streams: the same columns can have another physical type there.
        let columns =
            streams.first().map_or_else(|| Arc::clone(&onward.columns), |rows| nullable(&rows.schema()));
        let spooled = self.engine.spool(&columns, streams, Arc::new(|_| {})).await?;
        let mut tables = BTreeMap::from([(onward.changes.clone(), spooled.table())]);
        let reached = self.engine.texts(&onward.reached.bind(&tables)?, joins).await?;
        let files = if onward.retypes { base.files()? } else { reached.into_iter().collect() };
        tables.insert(onward.old.clone(), base.rows_of(&files).await?);
        let bound = onward.outcome.bind(&tables)?;
        let streams = self.engine.streams(&bound, &build.model.config.partition_by, joins).await?;
        let (streams, counted) = row_changes::apply(streams, &build.compiled.schema);
        // The spooled rows must outlive the streams.
        let staged =
            self.stage_in_place_of(build, Replaces::Files { of: base.version(), files }, streams).await?;
        drop(spooled);
        Ok((staged, Some(counted)))
    }

    /// Checks that no two rows share a key, because either could be the newest version.
    async fn each_row_once(
        &self,
        build: &Build<'_>,
        queries: &SnapshotQueries,
        new: &Spool,
    ) -> Result<(), StepError> {
        let bound = queries.repeated.bind(&BTreeMap::from([(queries.new.clone(), new.table())]))?;
        let sample = self.engine.sample(&bound, 1).await?;
        let Some((times, key)) = sample.rows.first().and_then(|row| row.split_last()) else { return Ok(()) };
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
