//! Model builds: stage a new version, audit it before it is visible, and only then publish it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    audit::Audited,
    build::{Build, Candidate, candidate, hooks},
    clock,
    delta_testing::PassedBefore,
    reuse::judged,
    scheduler::{Cancelled, JobHandle, RowCounter},
    staleness::{Inputs, Questions, why},
    step_error::StepError,
    task::TableTask,
    worker::Worker,
};
use crate::{
    compile::{CompiledModel, Strategy},
    engine::{
        Query, Table,
        exec::streams::{is_out_of_memory, is_unreadable},
        plan::joins::Joins,
    },
    lake::{Constraints, CurrentVersion, LakeError, Provenance, Replaces, Write},
    manifest::Model,
    name::Relation,
    outcome::{Outcome, Withheld},
    plan::{Job, Reason, Step},
    source::{self, Identity, RejectSink, SourceFile, of_files},
};

/// The number of attempts for a step with transient failures, and the first pause between attempts.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

impl Worker {
    /// Builds a model's table and runs `tests` on it, or finds that it is up to date.
    pub(super) async fn build(
        &self,
        job: &Job,
        task: TableTask<'_>,
        tests: &[&Arc<Step>],
        handle: &JobHandle,
    ) -> Result<(), Cancelled> {
        let step = task.step;
        let progress = handle.started(step);
        if step.reason == Reason::UpToDate {
            return self.reuse(job, task, tests, handle).await;
        }
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            match Box::pin(self.attempt(job, task, tests, handle, &progress)).await {
                Ok(Some(outcome)) => break outcome,
                Ok(None) => return self.reuse(job, task, tests, handle).await,
                Err(StepError::Lake(LakeError::Cancelled)) => return Err(Cancelled),
                Err(StepError::Lake(error)) if error.is_worth_another_try() && tries < TRIES => {
                    tracing::warn!(node = %step.node, %error, tries, "trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause(tries, step)) => {}
                        () = self.cancel.cancelled() => return Err(Cancelled),
                    }
                }
                Err(StepError::Lake(error)) if tries < TRIES && self.is_damage_of(step, &error) => {
                    if let Err(error) = self.set_aside_after(step, &error, handle).await {
                        break self.failed(step, &error).await;
                    }
                }
                Err(error) => break self.failed(step, &error).await,
            }
        };
        handle.finished(step, outcome);
        Ok(())
    }

    /// Checks a view: its inputs must exist and its plan must compile. A view has no rows of its own, so
    /// there is nothing else to do.
    pub(super) async fn view(&self, compiled: &CompiledModel) -> Result<Outcome, StepError> {
        let tables = self.open(&compiled.query, None).await?;
        let bound = compiled.query.bind(&tables)?;
        self.engine.check(&bound).await?;
        for read in &compiled.hooks.reads {
            let tables = self.open(read, None).await?;
            self.engine.gather(&read.bind(&tables)?).await?;
        }
        Ok(Outcome::Checked)
    }

    /// Checks, for `--empty`, the query for an existing table's new rows. Empty inputs would add no rows, so
    /// nothing is written.
    async fn check_new_rows(&self, compiled: &CompiledModel) -> Result<(), StepError> {
        let query = compiled.strategy.new_rows().map_or(&compiled.query, |rows| &rows.query);
        let tables = self.open(query, None).await?;
        Ok(self.engine.check(&query.bind(&tables)?).await?)
    }

    /// Builds a model once; `None` if its table is already up to date.
    async fn attempt(
        &self,
        job: &Job,
        TableTask { step, model, compiled }: TableTask<'_>,
        tests: &[&Arc<Step>],
        handle: &JobHandle,
        progress: &RowCounter,
    ) -> Result<Option<Outcome>, StepError> {
        // Observe all states before opening anything: a change in between makes the next run look again.
        let own = self.observe_own(model, step, handle).await?;
        let files = if self.empty { Vec::new() } else { self.files(compiled).await? };
        let inputs = self.versions(compiled, &files).await?;
        if self.empty && own.is_some() && !step.reason.is_from_scratch() && compiled.strategy.keeps_rows() {
            self.check_new_rows(compiled).await?;
            return Ok(None);
        }
        if !step.reason.is_demanded() && why(compiled, own.as_ref(), &inputs).is_none() {
            return Ok(None);
        }
        let questions = self.questions(job, tests, &model.relation).await?;
        let made = own.as_ref().and_then(|own| own.provenance.as_ref());
        // A snapshot looks for the newest time in its rows, too.
        let is_snapshot = matches!(compiled.strategy, Strategy::Snapshot(_));
        let newest = made.and_then(|made| made.made_at).filter(|_| !is_snapshot);
        let now = clock::after(newest, (step, handle));
        let build = Build {
            worker: self,
            model,
            compiled,
            inputs: &inputs,
            progress,
            made,
            files: &files,
            current_version: own.as_ref().map(|own| own.version),
            columns: own.as_ref().map(|own| own.schema.as_ref()),
            from_scratch: step.reason.is_demanded()
                || made.is_none_or(|made| made.fingerprint != compiled.fingerprint),
            forced: step.reason == Reason::Forced,
            full_refresh: step.reason.is_from_scratch(),
            now,
            reports: (step, handle),
            joins: Joins::Hash,
        };
        let version = Box::pin(self.staged(build)).await?;
        let passed_before = PassedBefore::of(own.as_ref(), &version, compiled, &questions);
        let Ok(audited) = self.audit(tests, Some((&version, compiled)), &passed_before, handle).await else {
            version.abort().await;
            return Err(LakeError::Cancelled.into());
        };
        let own = own.filter(|_| step.reason != Reason::Forced && !step.reason.is_from_scratch());
        Box::pin(self.conclude(job, step, version, audited, questions, own)).await.map(Some)
    }

    /// Returns the current version of a model's table. A damaged one is set aside first if that is allowed.
    async fn observe_own(
        &self,
        model: &Model,
        step: &Arc<Step>,
        handle: &JobHandle,
    ) -> Result<Option<CurrentVersion>, StepError> {
        let own = match self.tables.observe(&model.relation).await {
            Err(error) if error.is_damage() => {
                self.replace_damaged(model, step, error, handle).await?;
                None
            }
            own => own?,
        };
        if own.is_some() {
            self.refuse_unread(model, step)?;
        }
        self.set_aside_damage(model, step, own, handle).await
    }

    /// Stages a build's version and applies its hooks. A build that runs out of memory, or into damaged
    /// files, is tried once more: with joins that spill, or without those files.
    async fn staged(&self, build: Build<'_>) -> Result<Candidate, StepError> {
        let node = &build.model.id;
        let version = match Box::pin(candidate(&build)).await {
            Err(StepError::Engine(error) | StepError::Lake(LakeError::Query(error)))
                if is_out_of_memory(&error) =>
            {
                tracing::info!(%node, "out of memory; trying again with joins that spill");
                Box::pin(candidate(&Build { joins: Joins::Merge, ..build })).await?
            }
            // The damaged file is known only after each file has been read alone.
            Err(StepError::Engine(error) | StepError::Lake(LakeError::Query(error)))
                if is_unreadable(&error) && self.find_damage(build.compiled).await? =>
            {
                tracing::info!(%node, "a source has damaged files; trying again without them");
                Box::pin(candidate(&build)).await?
            }
            staged => staged?,
        };
        Box::pin(hooks::applied(&build, version)).await
    }

    /// Publishes a version or aborts it, depending on its audit. `own` is the current version, if it may be
    /// kept when the rows are the same.
    async fn conclude(
        &self,
        job: &Job,
        step: &Step,
        mut version: Candidate,
        audited: Audited,
        questions: Questions,
        own: Option<CurrentVersion>,
    ) -> Result<Outcome, StepError> {
        if !audited.broken.is_empty() {
            version.abort().await;
            let message = audited.broken.join("\n");
            return Ok(Outcome::Failed { message, compiled: self.compiled_file(step) });
        }
        if !audited.failed.is_empty() {
            let rows = version.own.rows();
            let kept = if self.retain.withheld { Some(self.retain(&version).await) } else { None };
            let standing = version.own.version().checked_sub(1);
            version.abort().await;
            return Ok(Outcome::Withheld(Withheld {
                rows,
                standing,
                tests: audited.failed,
                kept: kept.transpose()?,
            }));
        }
        let judged = judged(job, questions, &audited);
        let made = own.as_ref().and_then(|own| own.provenance.as_ref());
        if let Err(error) = self.note_rejects(&mut version, made).await {
            version.abort().await;
            return Err(error);
        }
        if let Err(error) = version.own.record(audited.metrics, judged, version.note.clone()) {
            version.abort().await;
            return Err(error.into());
        }
        match self.retained(&version, own).await {
            Some(own) => version.finish_as_no_op(&self.writer, &own).await,
            None => version.publish(self.writer.lake()).await,
        }
    }

    /// Writes a version that will be withheld to a separate table.
    async fn retain(&self, version: &Candidate) -> Result<Relation, StepError> {
        let kept = version.relation.kept();
        let sql = format!("select * from {}", version.relation.quoted());
        let query = self.engine.plan(&sql).await.map_err(StepError::Sql)?;
        let tables = BTreeMap::from([(version.relation.clone(), version.table().await?)]);
        let provenance = version.own.provenance().clone();
        let description = format!("A version of {} that failed its tests", version.relation);
        self.write(&kept, &query, &tables, provenance, description).await?;
        Ok(kept)
    }

    /// Writes all rows of a query to a table without an audit.
    pub(super) async fn write(
        &self,
        relation: &Relation,
        query: &Query,
        tables: &BTreeMap<Relation, Table>,
        provenance: Provenance,
        description: String,
    ) -> Result<(), StepError> {
        let bound = query.bind(tables)?;
        let streams = self.engine.streams(&bound, &[], Joins::Hash).await?;
        let write = Write {
            replaces: Replaces::Everything,
            schema: query.schema(),
            partition_by: Vec::new(),
            provenance,
            description: Some(description),
            target_file_size: None,
            constraints: Constraints::default(),
            transaction: None,
            on_rows: Arc::new(|_| {}),
        };
        let staged = self.writer.stage(relation, write, streams, &self.cancel).await?;
        staged.publish().await?;
        Ok(())
    }

    /// Looks for damaged files in the sources of a model. Returns whether there are any.
    async fn find_damage(&self, compiled: &CompiledModel) -> Result<bool, StepError> {
        let mut is_found = false;
        for input in compiled.inputs.values().filter(|input| input.form.is_file()) {
            if let Some(spec) = self.compiled.sources.get(&input.id) {
                is_found |= source::find_damage(&self.engine, spec).await?;
            }
        }
        Ok(is_found)
    }

    /// Lists the files of the source that a model loads file by file; none for other models.
    async fn files(&self, compiled: &CompiledModel) -> Result<Vec<SourceFile>, StepError> {
        match compiled.strategy.file_load() {
            Some(load) => Ok(source::list_files(&self.engine, &load.spec).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the states of a model's inputs. The state of listed `files` comes from the list.
    async fn versions(&self, compiled: &CompiledModel, files: &[SourceFile]) -> Result<Inputs, StepError> {
        let mut versions = Inputs::new();
        for (relation, input) in &compiled.inputs {
            let version = match compiled.strategy.file_load().filter(|load| load.reads == *relation) {
                Some(load) if load.spec.identity != Identity::Content => Some(of_files(files).into()),
                _ => self.state(relation, input).await?,
            };
            versions.insert(input.id.clone(), version.ok_or_else(|| self.missing(relation))?);
        }
        Ok(versions)
    }

    /// Opens the relations that a query reads. Rejected rows go to `rejects`.
    pub(super) async fn open(
        &self,
        query: &Query,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<BTreeMap<Relation, Table>, StepError> {
        let mut tables = BTreeMap::new();
        for relation in query.relations() {
            let table = self.published(&relation, rejects).await?;
            tables.insert(relation, table);
        }
        Ok(tables)
    }
}

/// Returns an exponential backoff with up to 50 % jitter, so that steps which failed together don't retry
/// together.
fn pause(tries: u32, step: &Step) -> Duration {
    let base = PAUSE * 2u32.saturating_pow(tries - 1);
    let spread = xxhash_rust::xxh3::xxh3_64(step.node.as_str().as_bytes()) % 500;
    base + base * u32::try_from(spread).unwrap_or(0) / 1000
}
