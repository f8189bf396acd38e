//! Microbatch builds: decide which batches are due, compute their rows, and stage the version in which these
//! replace the table's rows of that time.
//!
//! If the query can build many batches at once, one query builds them all. Otherwise, or if that query fails,
//! each batch gets its own query. A batch that fails doesn't fail the others; it stays due for the next run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use futures::{StreamExt, stream};

use super::{
    Build, Candidate,
    candidate::{Batches, Effect},
    changes::difference,
    draft::{Draft, Quarantine, Rejects, Written, produce},
    new_rows::added_quarantine,
};
use crate::{
    compile::{FILE, NewRows, TimeBatches},
    engine::{
        Query, SchemaRef, Streams, Table,
        analyze::event_time,
        exec::streams::is_out_of_memory,
        rows::{changes, spool::Spool},
    },
    interval::{Interval, Intervals},
    lake::{Base, InputVersion, LakeError, Provenance, Replaces, Write},
    manifest::Follow,
    name::Relation,
    outcome::{FailedBatch, RowChanges},
    run::{staleness::not_done, step_error::StepError},
    source::RejectSink,
};

/// The bytes of rows buffered in memory, for all batches together.
const IN_MEMORY: usize = 256 << 20;
/// The minimum bytes of rows buffered in memory for one stream of a batch.
const OF_ONE: usize = 64 << 10;

/// A model that is built batch by batch.
struct Batched<'a> {
    build: &'a Build<'a>,
    batches: &'a TimeBatches,
    query: &'a Query,
    /// The current version; `None` if nothing of it is kept.
    base: Option<Base>,
    /// The time of batches whose current rows are out of date.
    due: Intervals,
    /// The time of the batches to build.
    time: Intervals,
}

/// Stages a version with the due batches rebuilt.
pub(super) async fn candidate(
    build: &Build<'_>,
    rows: &NewRows,
    batches: &TimeBatches,
) -> Result<Candidate, StepError> {
    let full_refresh = build.full_refresh || build.compiled.refresh.is_some();
    let base = build.base().await?.filter(|_| !full_refresh);
    let column = &batches.settings.event_time;
    if base.as_ref().is_some_and(|base| base.schema().field_with_name(column).is_err()) {
        return Err(StepError::Other(format!(
            "the table {} has no column `{column}` for the time of its batches; build it from scratch: --full-refresh",
            build.model.relation
        )));
    }
    let due = match base {
        None => batches.all.clone(),
        Some(_) => due(build, batches).await?,
    };
    let time = batches.asked.as_ref().unwrap_or(&due).clone();
    let (query, separable) = match base {
        Some(_) => (&rows.query, batches.separable.1),
        None => (&build.compiled.query, batches.separable.0),
    };
    let work = Batched { build, batches, query, base, due, time };
    let to_build = work.time.batches(batches.settings.batch_size);
    if separable || to_build.len() <= 1 {
        match work.at_once(&to_build).await {
            Err(error) if to_build.len() > 1 && is_of_rows(&error) => {
                tracing::info!(node = %build.model.id, %error, "batches are made one by one, since all at once failed");
            }
            made => return made,
        }
    }
    work.one_by_one(&to_build).await
}

/// Returns the time of the batches that are due in an existing table.
async fn due(build: &Build<'_>, batches: &TimeBatches) -> Result<Intervals, StepError> {
    let all = &batches.all;
    let Some(made) = build.made.filter(|made| made.batches.is_some() && !build.forced) else {
        return Ok(all.clone());
    };
    if build.follows_other_sql() || !build.reads_same_places() {
        return Ok(all.clone());
    }
    let mut due = not_done(batches, Some(made));
    if build.compiled.volatile || made.fingerprint != build.compiled.fingerprint {
        due = due.or(&batches.lookback());
    }
    for (id, version) in build.inputs {
        if made.inputs.get(id) == Some(version) {
            continue;
        }
        let timed = build.worker.manifest.read_from(id).and_then(|relation| {
            let timed = batches.timed.iter().find(|(timed, _)| timed == relation);
            timed.map(|(_, column)| (relation, column))
        });
        match (timed, version) {
            (Some((relation, column)), InputVersion::Delta { .. }) => {
                let Some(from) = made.inputs.get(id) else { return Ok(all.clone()) };
                let size = batches.settings.batch_size;
                let key = (relation.clone(), from.clone(), version.clone(), column.clone(), size);
                let worker = build.worker;
                let known = worker.changed_batches.of(key);
                let changed = known.get_or_try_init(|| async {
                    let Some(difference) = difference(build, relation).await? else {
                        return Ok(None);
                    };
                    let difference = (&difference.inserted, difference.deleted.as_ref());
                    Ok::<_, StepError>(Some(worker.engine.changed_batches(difference, column, size).await?))
                });
                let Some(changed) = changed.await? else { return Ok(all.clone()) };
                due = due.or(changed);
            }
            (None, _) if batches.settings.on_lookup_change == Follow::FullRefresh => {
                return Ok(all.clone());
            }
            // The new rows can't be determined.
            _ => due = due.or(&batches.lookback()),
        }
    }
    Ok(due.and(all))
}

/// Returns whether the failure depends on the rows, so that some batches may succeed on their own.
fn is_of_rows(error: &StepError) -> bool {
    match error {
        StepError::Engine(error) | StepError::Lake(LakeError::Query(error)) => !is_out_of_memory(error),
        _ => false,
    }
}

/// The results of batches that were built one by one.
struct Spooled {
    /// The batches with their rows.
    made: Vec<(Interval, Spool)>,
    /// The batches known to be empty without a query.
    empty: Vec<Interval>,
    failed: Vec<FailedBatch>,
}

impl Batched<'_> {
    /// Builds all batches with one query.
    async fn at_once(&self, batches: &[Interval]) -> Result<Candidate, StepError> {
        let rejects = Rejects::of(self.build, self.query);
        let tables = self.build.worker.open(self.query, rejects.as_ref().map(Rejects::sink)).await?;
        let rows = self.rows(&tables, &self.time, &self.build.model.config.partition_by).await?;
        let batches = Batches { done: batches.to_vec(), failed: Vec::new() };
        self.produce(rows, rejects, batches).await
    }

    /// Writes the rows of the batches that are done.
    async fn produce(
        &self,
        rows: Streams,
        rejects: Option<Rejects>,
        batches: Batches,
    ) -> Result<Candidate, StepError> {
        let done: Intervals = batches.done.iter().copied().collect();
        let quarantine = match &self.base {
            Some(_) => added_quarantine(self.build).await?,
            None => Quarantine::default(),
        };
        let provenance = self.provenance(&done);
        let draft = Draft { rows, rejects, quarantine, provenance, note: None };
        produce(self.build, draft, |rows| self.stage(rows, done, batches)).await
    }

    /// Builds each batch with its own query.
    async fn one_by_one(&self, batches: &[Interval]) -> Result<Candidate, StepError> {
        let engine = &self.build.worker.engine;
        let rejects = Rejects::of(self.build, self.query);
        let sink = rejects.as_ref().map(|rejects| Arc::clone(&rejects.sink));
        let spooling = async {
            let spooled = self.spooled(batches, sink.as_ref()).await;
            if let Some(sink) = &sink {
                sink.close();
            }
            spooled
        };
        // Sources report rejects while they are read, which is before anything is written here. So spool the
        // rejects together with the batches.
        let mut spooled_rejects = None;
        let (spooled, rejects) = match rejects {
            None => (spooling.await?, None),
            Some(Rejects { sink, mut companion }) => {
                let waiting = engine.spool(&companion.schema, vec![companion.rows], Arc::new(|_| {}));
                let (spooled, waiting) = futures::join!(spooling, waiting);
                let waiting = spooled_rejects.insert(waiting?);
                let bound = event_time::union_of(vec![waiting.table()], &companion.schema)?;
                companion.rows = engine.stream(&bound, None).await?;
                (spooled?, Some(Rejects { sink, companion }))
            }
        };
        let Spooled { made: spools, empty, failed } = spooled;
        if let (true, Some(first)) = (spools.is_empty(), failed.first()) {
            let FailedBatch { batch, message, .. } = first;
            let all = failed.len();
            let of = if all == 1 {
                "the batch".to_owned()
            } else {
                format!("all {all} batches, the first of them")
            };
            return Err(StepError::Other(format!("{of} {batch}: {message}")));
        }
        let done: Vec<Interval> = spools.iter().map(|(batch, _)| *batch).chain(empty).collect();
        let tables: Vec<Table> = spools.iter().map(|(_, rows)| rows.table()).collect();
        let bound = event_time::union_of(tables, &self.columns())?;
        let partition_by = &self.build.model.config.partition_by;
        let rows = engine.streams(&bound, partition_by, self.build.joins).await?;
        let produced = self.produce(rows, rejects, Batches { done, failed }).await;
        // The spooled rows must outlive the write.
        drop((spools, spooled_rejects));
        produced
    }

    /// Computes the rows of each batch, and finds the batches that are empty or fail.
    async fn spooled(
        &self,
        batches: &[Interval],
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<Spooled, StepError> {
        let worker = self.build.worker;
        // Sources are read for each batch, but should report their rejects only once.
        let first = worker.open(self.query, rejects).await?;
        let others = worker.open(self.query, None).await?;
        let at_once = match self.batches.settings.concurrent {
            Some(false) => 1,
            None | Some(true) => worker.engine.threads().max(1),
        };
        let with_rows = self.batches_with_rows(&others).await?;
        let has_rows = |batch: &Interval| {
            with_rows.as_ref().is_none_or(|with_rows| !with_rows.and(&(*batch).into()).is_empty())
        };
        let (batches, empty): (Vec<Interval>, Vec<Interval>) =
            batches.iter().partition(|batch| has_rows(batch));
        let in_memory = (IN_MEMORY / batches.len().max(1) / worker.engine.threads().max(1)).max(OF_ONE);
        let (first, others) = (&first, &others);
        let mut making = stream::iter(batches.into_iter().enumerate())
            .map(|(number, batch)| async move {
                let tables = if number == 0 { first } else { others };
                (batch, self.spool(tables, batch, in_memory).await)
            })
            .buffered(at_once);
        let (mut made, mut failed) = (Vec::new(), Vec::new());
        loop {
            let next = tokio::select! {
                biased;
                () = worker.cancel.cancelled() => return Err(LakeError::Cancelled.into()),
                next = making.next() => next,
            };
            match next {
                None => return Ok(Spooled { made, empty, failed }),
                Some((batch, Ok(rows))) => made.push((batch, rows)),
                Some((batch, Err(error))) if is_of_rows(&error) => failed.push(FailedBatch {
                    batch: self.batches.settings.batch_size.label(batch.start),
                    time: batch,
                    message: error.to_string(),
                }),
                Some((_, Err(error))) => return Err(error),
            }
        }
    }

    /// Returns the batches in which any input has rows; `None` if finding out would take another read of
    /// files. All other batches are empty, because the event time of each output row comes from such an
    /// input.
    async fn batches_with_rows(
        &self,
        tables: &BTreeMap<Relation, Table>,
    ) -> Result<Option<Intervals>, StepError> {
        let mut with_rows = Intervals::default();
        for (relation, column) in &self.batches.timed {
            let Some(table) = tables.get(relation).filter(|_| !self.build.worker.manifest.is_file(relation))
            else {
                return Ok(None);
            };
            let size = self.batches.settings.batch_size;
            with_rows = with_rows.or(&self.build.worker.engine.batches_of(table, column, size).await?);
        }
        Ok(Some(with_rows))
    }

    async fn spool(
        &self,
        tables: &BTreeMap<Relation, Table>,
        batch: Interval,
        in_memory: usize,
    ) -> Result<Spool, StepError> {
        let streams = self.rows(tables, &batch.into(), &[]).await?;
        let engine = &self.build.worker.engine;
        Ok(engine.spool_within(&self.columns(), streams, Arc::new(|_| {}), in_memory).await?)
    }

    /// Returns the query's rows in these intervals.
    async fn rows(
        &self,
        tables: &BTreeMap<Relation, Table>,
        time: &Intervals,
        partition_by: &[String],
    ) -> Result<Streams, StepError> {
        let engine = &self.build.worker.engine;
        let bound = self.query.bind(tables)?.during(&self.batches.timed, time)?;
        let streams = engine.streams(&bound, partition_by, self.build.joins).await?;
        Ok(engine.confined_to(streams, &self.batches.settings.event_time, time)?)
    }

    /// Stages the new rows in place of the table's rows in the intervals `done`.
    async fn stage(&self, new: Streams, done: Intervals, batches: Batches) -> Result<Written, StepError> {
        let Self { build, .. } = self;
        let column = &self.batches.settings.event_time;
        let (mut old, mut replaces) = (Streams::new(), Replaces::Everything);
        if let Some(base) = &self.base {
            let files = self.touched_files(base, &done).await?;
            if !files.is_empty() {
                let rows = base.rows_of(&files).await?;
                let rows = event_time::with_deleted_intervals(&rows, &self.columns(), column, &done)?;
                let partition_by = &build.model.config.partition_by;
                old = build.worker.engine.streams(&rows, partition_by, build.joins).await?;
            }
            replaces = Replaces::Files { of: base.version(), files };
        }
        let (mut rows, changes) = changes::apply(old, &self.columns());
        rows.extend(changes::count_inserted(new, &changes));
        build.progress.store(0, Ordering::Relaxed);
        let write = Write { replaces, provenance: self.provenance(&done), ..build.write() };
        let own = build.stage_as(write, rows).await?;
        let counts = RowChanges {
            inserted: changes.inserted(),
            updated: 0,
            deleted: changes.deleted(),
            files: None,
            batches: self.base.as_ref().map(|_| batches.done.len() as u64),
        };
        let effect = Effect {
            changes: (self.base.is_some() || !batches.failed.is_empty()).then(|| Box::new(counts)),
            same_rows: self.base.is_some() && changes.is_nothing(),
            time: Some((column.clone(), done)),
            failed: (!batches.failed.is_empty()).then_some(batches),
            ..Effect::default()
        };
        Ok(Written { own, effect })
    }

    /// Returns the table's files that contain rows in these intervals.
    async fn touched_files(&self, base: &Base, time: &Intervals) -> Result<BTreeSet<String>, StepError> {
        let rows = base.rows_with_files(FILE).await?;
        let bound = event_time::values_in(&rows, FILE, &self.batches.settings.event_time, time)?;
        Ok(self.build.worker.engine.texts(&bound, self.build.joins).await?.into_iter().collect())
    }

    fn columns(&self) -> SchemaRef {
        Arc::clone(&self.build.compiled.schema)
    }

    /// Returns the provenance of the version, with `done` as the batches it completes.
    fn provenance(&self, done: &Intervals) -> Provenance {
        let before = self.base.as_ref().and(self.build.made).and_then(|made| made.batches.as_ref());
        let done = match before {
            // A batch that is due but wasn't requested, or that failed now, stays due.
            Some(before) => before.without(&self.due).without(&self.time).or(done),
            None => done.clone(),
        };
        Provenance { batches: Some(done), ..self.build.provenance() }
    }
}
