//! Microbatch builds: decide which batches are due, compute their rows, and stage the version in which these
//! replace the table's rows of that time.
//!
//! If the query can build many batches at once, one query builds them all. Otherwise, or if that query fails,
//! each batch gets its own query. A batch that fails doesn't fail the others; it stays due for the next run.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use futures::{StreamExt, stream};

use super::{
    build::Build,
    companion_tables::{self, CompanionTable},
    staleness::not_done,
    step_error::StepError,
    version::{Batches, Version},
    worker::Worker,
};
use crate::{
    compile::{ByTime, FILE, Increment},
    engine::{
        SchemaRef, Streams, Table, event_time,
        execution::{Joins, is_out_of_memory},
        row_changes,
        row_changes::Changes,
        row_spool::Spool,
        source::RejectSink,
    },
    interval::{Interval, Intervals},
    lake::{Base, InputVersion, LakeError, Provenance, Replaces, Staged, Write},
    manifest::Follow,
    name::Relation,
    outcome::{FailedBatch, RowChanges},
};

/// The bytes of rows buffered in memory, for all batches together.
const IN_MEMORY: usize = 256 << 20;
/// The minimum bytes of rows buffered in memory for one stream of a batch.
const OF_ONE: usize = 64 << 10;

/// A model that is built batch by batch.
struct Batched<'a> {
    worker: &'a Worker,
    build: &'a Build<'a>,
    by_time: &'a ByTime,
    query: &'a crate::engine::Query,
    /// The current version; `None` if nothing of it is kept.
    base: Option<Base>,
    /// The time of batches whose current rows are out of date.
    due: Intervals,
    /// The time of the batches to build.
    time: Intervals,
    joins: Joins,
}

impl Worker {
    /// Stages a version with the due batches rebuilt.
    pub(super) async fn in_batches(
        &self,
        build: &Build<'_>,
        increment: &Increment,
        by_time: &ByTime,
        joins: Joins,
    ) -> Result<Version, StepError> {
        let full_refresh = build.full_refresh || build.compiled.refresh.is_some();
        let base = self.current_base(build).await?.filter(|_| !full_refresh);
        let column = &by_time.settings.event_time;
        if base.as_ref().is_some_and(|base| base.schema().field_with_name(column).is_err()) {
            return Err(StepError::Other(format!(
                "the table {} has no column `{column}` to tell its batches by; build it from nothing: --full-refresh",
                build.model.relation
            )));
        }
        let due = match base {
            None => by_time.all.clone(),
            Some(_) => self.due(build, by_time).await?,
        };
        let time = by_time.asked.as_ref().unwrap_or(&due).clone();
        let (query, separable) = match base {
            Some(_) => (&increment.query, by_time.separable.1),
            None => (&build.compiled.query, by_time.separable.0),
        };
        let work = Batched { worker: self, build, by_time, query, base, due, time, joins };
        let batches = work.time.batches(by_time.settings.batch_size);
        if separable || batches.len() <= 1 {
            match work.at_once(&batches).await {
                Err(error) if batches.len() > 1 && is_of_rows(&error) => {
                    tracing::info!(node = %build.model.id, %error, "batches are made one by one, since all at once failed");
                }
                made => return made,
            }
        }
        work.one_by_one(&batches).await
    }

    /// Returns the time of the batches that are due in an existing table.
    async fn due(&self, build: &Build<'_>, by_time: &ByTime) -> Result<Intervals, StepError> {
        let all = &by_time.all;
        let Some(made) = build.made.filter(|made| made.batches.is_some() && !build.forced) else {
            return Ok(all.clone());
        };
        let mut due = not_done(by_time, Some(made));
        if build.compiled.volatile {
            due = due.or(&by_time.lookback());
        }
        if build.follows_other_sql() {
            return Ok(all.clone());
        }
        if made.fingerprint != build.compiled.fingerprint {
            due = due.or(&by_time.lookback());
        }
        for (id, version) in build.inputs {
            if made.inputs.get(id) == Some(version) {
                continue;
            }
            let relation = self.manifest.read_from(id).ok_or_else(|| StepError::Lost(id.to_string()))?;
            let timed = by_time.timed.iter().find(|(timed, _)| timed == relation);
            match (timed, version) {
                (Some((_, column)), InputVersion::Delta { .. }) => {
                    let Some(from) = made.inputs.get(id) else { return Ok(all.clone()) };
                    let size = by_time.settings.batch_size;
                    let key = (relation.clone(), from.clone(), version.clone(), column.clone(), size);
                    let known = self.changed_batches.of(key);
                    let changed = known.get_or_try_init(|| async {
                        let Some(difference) = self.difference(build, relation).await? else {
                            return Ok(None);
                        };
                        let difference = (&difference.inserted, difference.deleted.as_ref());
                        Ok::<_, StepError>(Some(self.engine.changed_batches(difference, column, size).await?))
                    });
                    let Some(changed) = changed.await? else { return Ok(all.clone()) };
                    due = due.or(changed);
                }
                (None, _) if by_time.settings.on_lookup_change == Follow::FullRefresh => {
                    return Ok(all.clone());
                }
                // The new rows can't be determined.
                _ => due = due.or(&by_time.lookback()),
            }
        }
        Ok(due.and(all))
    }
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
    async fn at_once(&self, batches: &[Interval]) -> Result<Version, StepError> {
        let Self { worker, build, .. } = self;
        let (mut companions, rejects) = self.rejects();
        let tables = self.tables(rejects.as_ref()).await?;
        let streams = self.rows(&tables, &self.time, &build.model.config.partition_by).await?;
        let (streams, taken) =
            worker.split(streams, build, self.quarantine_replaces().await?, &mut companions)?;
        let done = self.time.clone();
        let write = async {
            let staged = self.stage(streams, &done).await;
            if let Some(sink) = &rejects {
                sink.close();
            }
            staged
        };
        let provenance = self.provenance(&done);
        let lake = worker.tables.lake();
        let ((own, changes), companions) =
            companion_tables::stage_with(companions, lake, &provenance, &worker.cancel, write).await?;
        let batches = Batches { done: batches.to_vec(), failed: Vec::new() };
        Ok(self.version(own, &changes, companions, (rejects, taken), batches))
    }

    /// Builds each batch with its own query.
    async fn one_by_one(&self, batches: &[Interval]) -> Result<Version, StepError> {
        let Self { worker, build, .. } = self;
        let (mut companions, rejects) = self.rejects();
        let spooling = async {
            let spooled = self.spooled(batches, rejects.as_ref()).await;
            if let Some(sink) = &rejects {
                sink.close();
            }
            spooled
        };
        // Sources report rejects while they are read, which is before anything is written here. So spool the
        // rejects together with the batches.
        let mut spooled_rejects = None;
        let Spooled { made: spools, empty, failed } = match companions.pop() {
            None => spooling.await?,
            Some(mut companion) => {
                let waiting = worker.engine.spool(&companion.schema, vec![companion.rows], Arc::new(|_| {}));
                let (spooled, waiting) = futures::join!(spooling, waiting);
                let waiting = spooled_rejects.insert(waiting?);
                let bound = event_time::union_of(vec![waiting.table()], &companion.schema)?;
                companion.rows = worker.engine.stream(&bound, None).await?;
                companions.push(companion);
                spooled?
            }
        };
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
        let streams = worker.engine.streams(&bound, &build.model.config.partition_by, self.joins).await?;
        let (streams, taken) =
            worker.split(streams, build, self.quarantine_replaces().await?, &mut companions)?;
        let time = done.iter().copied().collect();
        let provenance = self.provenance(&time);
        let lake = worker.tables.lake();
        let write = self.stage(streams, &time);
        let ((own, changes), companions) =
            companion_tables::stage_with(companions, lake, &provenance, &worker.cancel, write).await?;
        let batches = Batches { done, failed };
        // The spooled rows must outlive the write.
        drop((spools, spooled_rejects));
        Ok(self.version(own, &changes, companions, (rejects, taken), batches))
    }

    /// Computes the rows of each batch, and finds the batches that are empty or fail.
    async fn spooled(
        &self,
        batches: &[Interval],
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<Spooled, StepError> {
        let Self { worker, .. } = self;
        // Sources are read for each batch, but should report their rejects only once.
        let first = self.tables(rejects).await?;
        let others = self.tables(None).await?;
        let at_once = match self.by_time.settings.concurrent {
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
                    batch: self.by_time.settings.batch_size.label(batch.start),
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
        for (relation, column) in &self.by_time.timed {
            let Some(table) = tables.get(relation).filter(|_| !self.worker.manifest.is_file(relation)) else {
                return Ok(None);
            };
            let size = self.by_time.settings.batch_size;
            with_rows = with_rows.or(&self.worker.engine.batches_of(table, column, size).await?);
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
        let engine = &self.worker.engine;
        Ok(engine.spool_within(&self.columns(), streams, Arc::new(|_| {}), in_memory).await?)
    }

    /// Returns the query's rows in these intervals.
    async fn rows(
        &self,
        tables: &BTreeMap<Relation, Table>,
        time: &Intervals,
        partition_by: &[String],
    ) -> Result<Streams, StepError> {
        let engine = &self.worker.engine;
        let bound = self.query.bind(tables)?.during(&self.by_time.timed, time)?;
        let streams = engine.streams(&bound, partition_by, self.joins).await?;
        Ok(engine.confined_to(streams, &self.by_time.settings.event_time, time)?)
    }

    /// Stages the new rows in place of the table's rows in the intervals `done`.
    async fn stage(&self, new: Streams, done: &Intervals) -> Result<(Staged, Arc<Changes>), StepError> {
        let Self { worker, build, .. } = self;
        let partition_by = &build.model.config.partition_by;
        let (mut streams, replaces) = (
            Streams::new(),
            match &self.base {
                None => Replaces::Everything,
                Some(base) => Replaces::Files { of: base.version(), files: self.reached(base, done).await? },
            },
        );
        if let (Some(base), Replaces::Files { files, .. }) = (&self.base, &replaces)
            && !files.is_empty()
        {
            let column = &self.by_time.settings.event_time;
            let old = event_time::with_deleted_intervals(
                &base.rows_of(files).await?,
                &self.columns(),
                column,
                done,
            )?;
            streams = worker.engine.streams(&old, partition_by, self.joins).await?;
        }
        let (mut streams, changes) = row_changes::apply(streams, &self.columns());
        streams.extend(row_changes::count_inserted(new, &changes));
        build.progress.store(0, Ordering::Relaxed);
        let write = Write { replaces, provenance: self.provenance(done), ..build.write(worker) };
        let staged =
            worker.tables.lake().stage(&build.model.relation, write, streams, &worker.cancel).await?;
        Ok((staged, changes))
    }

    /// Returns the table's files that contain rows in these intervals.
    async fn reached(
        &self,
        base: &Base,
        time: &Intervals,
    ) -> Result<std::collections::BTreeSet<String>, StepError> {
        let rows = base.rows_with_files(FILE).await?;
        let bound = event_time::values_in(&rows, FILE, &self.by_time.settings.event_time, time)?;
        Ok(self.worker.engine.texts(&bound, self.joins).await?.into_iter().collect())
    }

    fn rejects(&self) -> (Vec<CompanionTable>, Option<Arc<RejectSink>>) {
        let model = self.build.model;
        if !self.worker.reads_files(self.query) {
            return (Vec::new(), None);
        }
        let (companion, sink) = CompanionTable::rejects(&model.relation, model.id.as_str());
        (vec![companion], Some(sink))
    }

    /// Returns what the newly quarantined rows replace.
    async fn quarantine_replaces(&self) -> Result<Replaces, StepError> {
        match &self.base {
            Some(_) => self.worker.quarantine_replaces(self.build).await,
            None => Ok(Replaces::Everything),
        }
    }

    async fn tables(
        &self,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<BTreeMap<Relation, Table>, StepError> {
        let mut tables = BTreeMap::new();
        for relation in self.query.relations() {
            let table = self.worker.published(&relation, rejects).await?;
            tables.insert(relation, table);
        }
        Ok(tables)
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
        Provenance { batches: Some(done), ..self.build.provenance(self.worker) }
    }

    fn version(
        &self,
        own: Staged,
        did: &Changes,
        companions: Vec<Staged>,
        (rejects, taken): (Option<Arc<RejectSink>>, Option<Arc<crate::engine::quarantine::RemovedRows>>),
        batches: Batches,
    ) -> Version {
        let changed = RowChanges {
            inserted: did.inserted(),
            updated: 0,
            deleted: did.deleted(),
            files: None,
            batches: self.base.as_ref().map(|_| batches.done.len() as u64),
        };
        Version {
            relation: self.build.model.relation.clone(),
            own,
            companions,
            rejects,
            rejected_files: None,
            note: None,
            taken,
            quarantines: self.build.quarantines(),
            changed: (self.base.is_some() || !batches.failed.is_empty()).then(|| Box::new(changed)),
            same_rows: self.base.is_some() && did.is_nothing(),
            time: Some((self.by_time.settings.event_time.clone(), batches.done.iter().copied().collect())),
            failed: (!batches.failed.is_empty()).then_some(batches),
        }
    }
}
