//! Model builds: stage a new version, audit it before it is visible, and only then publish it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    audit::Audited,
    build::{Build, Listed},
    clock,
    companion_tables::{self, CompanionTable},
    delta_testing::PassedBefore,
    reuse::judged,
    scheduler::{Cancelled, JobHandle, RowCounter},
    staleness::{Inputs, Questions, why},
    step_error::StepError,
    version::Version,
    worker::Worker,
};
use crate::{
    compile::{CompiledModel, Increment, ModelRule, Taken},
    engine::{
        Query, Streams, Table,
        execution::{Joins, is_out_of_memory, is_unreadable},
        quarantine::{self, EnforcedRule, OnBroken, SplitStreams},
        source::{Identity, RejectSink, of_files},
    },
    lake::{Base, Constraints, CurrentVersion, LakeError, Provenance, Replaces, Write},
    manifest::{Model, OnViolation},
    name::{NodeKind, Relation},
    outcome::{Outcome, Withheld},
    plan::{Job, Reason, Step},
};

/// The number of attempts for a step with transient failures, and the first pause between attempts.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(200);

impl Worker {
    /// Builds a model's table and runs `tests` on it, or finds that it is up to date.
    pub(super) async fn build(
        &self,
        job: &Job,
        step: &Arc<Step>,
        tests: &[&Arc<Step>],
        handle: &JobHandle,
    ) -> Result<(), Cancelled> {
        let progress = handle.started(step);
        if step.reason == Reason::UpToDate {
            return self.reuse(job, step, tests, handle).await;
        }
        let mut tries = 0;
        let outcome = loop {
            tries += 1;
            match Box::pin(self.attempt(job, step, tests, handle, &progress)).await {
                Ok(Some(outcome)) => break outcome,
                Ok(None) => return self.reuse(job, step, tests, handle).await,
                Err(StepError::Lake(LakeError::Cancelled)) => return Err(Cancelled),
                Err(StepError::Lake(error)) if error.is_worth_another_try() && tries < TRIES => {
                    tracing::warn!(node = %step.node, %error, tries, "trying again");
                    tokio::select! {
                        () = tokio::time::sleep(pause(tries, step)) => {}
                        () = self.cancel.cancelled() => return Err(Cancelled),
                    }
                }
                Err(error) => break self.failed(step, &error).await,
            }
        };
        handle.finished(step, outcome);
        Ok(())
    }

    /// Moves an unreadable table aside if that was requested, and fails otherwise.
    async fn replace_damaged(
        &self,
        model: &Model,
        step: &Arc<Step>,
        error: LakeError,
        handle: &JobHandle,
    ) -> Result<(), StepError> {
        if step.reason != (Reason::Damaged { set_aside: true }) {
            let cure = if model.kind() == NodeKind::Snapshot {
                "restore its files from a copy, since its versions can't be made again"
            } else {
                "with `--full-refresh` its files are moved aside and it is rebuilt"
            };
            return Err(StepError::Other(format!("{error}; readers of the table see the same: {cure}")));
        }
        let place = self.tables.lake().move_damaged_table(&model.relation, &self.invocation_id).await?;
        handle.moved(step, place, error.to_string());
        Ok(())
    }

    /// Checks a view: its inputs must exist and its plan must compile. A view has no rows of its own, so
    /// there is nothing else to do.
    pub(super) async fn view(&self, step: &Step) -> Result<Outcome, StepError> {
        let (_, compiled) = self.find(step)?;
        let tables = self.open(compiled, None).await?;
        let bound = compiled.query.bind(&tables)?;
        self.engine.check(&bound).await?;
        Ok(Outcome::Checked)
    }

    fn find(&self, step: &Step) -> Result<(&Model, &CompiledModel), StepError> {
        let lost = || StepError::Lost(step.node.to_string());
        let model = self.manifest.refable(&step.node).ok_or_else(lost)?;
        Ok((model, self.compiled.models.get(&step.node).ok_or_else(lost)?))
    }

    /// Builds a model once; `None` if its table is already up to date.
    async fn attempt(
        &self,
        job: &Job,
        step: &Arc<Step>,
        tests: &[&Arc<Step>],
        handle: &JobHandle,
        progress: &RowCounter,
    ) -> Result<Option<Outcome>, StepError> {
        let (model, compiled) = self.find(step)?;
        // Observe all states before opening anything: a change in between makes the next run look again.
        let own = match self.tables.observe(&model.relation).await {
            Err(error) if error.is_damage() => {
                self.replace_damaged(model, step, error, handle).await?;
                None
            }
            own => own?,
        };
        let listed = self.listed(compiled).await?;
        let inputs = self.versions(&compiled.reads(&model.relation), listed.as_ref()).await?;
        if !step.reason.is_demanded() && why(compiled, own.as_ref(), &inputs).is_none() {
            return Ok(None);
        }
        let questions = self.questions(job, tests, &model.relation).await?;
        let made = own.as_ref().and_then(|own| own.provenance.as_ref());
        // A snapshot looks for the newest time in its rows, too.
        let newest = made.and_then(|made| made.made_at).filter(|_| compiled.snapshot.is_none());
        let now = clock::after(newest, (step, handle));
        let build = Build {
            model,
            compiled,
            inputs: &inputs,
            progress,
            made,
            listed: listed.as_ref(),
            current_version: own.as_ref().map(|own| own.version),
            columns: own.as_ref().map(|own| own.schema.as_ref()),
            from_scratch: step.reason.is_demanded()
                || made.is_none_or(|made| made.fingerprint != compiled.fingerprint),
            forced: step.reason == Reason::Forced,
            full_refresh: matches!(step.reason, Reason::FullRefresh { .. }),
            now,
            reports: (step, handle),
        };
        let version = match Box::pin(self.stage(&build, Joins::Hash)).await {
            Err(StepError::Engine(error) | StepError::Lake(LakeError::Query(error)))
                if is_out_of_memory(&error) =>
            {
                tracing::info!(node = %step.node, "out of memory; trying again with joins that spill");
                Box::pin(self.stage(&build, Joins::Merge)).await?
            }
            // The damaged file is known only after each file has been read alone.
            Err(StepError::Engine(error) | StepError::Lake(LakeError::Query(error)))
                if is_unreadable(&error) && self.find_damage(compiled).await? =>
            {
                tracing::info!(node = %step.node, "a source has damaged files; trying again without them");
                Box::pin(self.stage(&build, Joins::Hash)).await?
            }
            staged => staged?,
        };
        let passed_before = PassedBefore::of(own.as_ref(), &version, compiled, &questions);
        let Ok(audited) = self.audit(tests, Some((&version, compiled)), &passed_before, handle).await else {
            version.abort().await;
            return Err(LakeError::Cancelled.into());
        };
        let own = own.filter(|_| step.reason != Reason::Forced);
        Box::pin(self.conclude(job, step, version, audited, questions, own)).await.map(Some)
    }

    /// Publishes a version or aborts it, depending on its audit. `own` is the current version, if it may be
    /// kept when the rows are the same.
    async fn conclude(
        &self,
        job: &Job,
        step: &Step,
        mut version: Version,
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
        let lake = self.tables.lake();
        match own.filter(|own| version.equals(own)) {
            Some(own) => version.finish_as_no_op(lake, &own).await,
            None => version.publish(lake).await,
        }
    }

    /// Writes a version that will be withheld to a separate table.
    async fn retain(&self, version: &Version) -> Result<Relation, StepError> {
        let kept = version.relation.kept();
        let sql = format!("select * from {}", version.relation.quoted());
        let query = self.engine.plan(&sql).await.map_err(|error| StepError::Other(error.message))?;
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
        let staged = self.tables.lake().stage(relation, write, streams, &self.cancel).await?;
        staged.publish().await?;
        Ok(())
    }

    /// Looks for damaged files in the sources of a model. Returns whether there are any.
    async fn find_damage(&self, compiled: &CompiledModel) -> Result<bool, StepError> {
        let increment = compiled.increment.iter().map(|increment| &increment.query);
        let relations: BTreeSet<Relation> = increment
            .chain([&compiled.query])
            .flat_map(Query::relations)
            .map(|relation| relation.table())
            .collect();
        let mut is_found = false;
        for relation in relations.iter().filter(|relation| self.manifest.is_file(relation)) {
            let node = self.manifest.at(relation);
            if let Some(spec) = node.and_then(|node| self.compiled.sources.get(node.id())) {
                is_found |= self.engine.find_damage(spec).await?;
            }
        }
        Ok(is_found)
    }

    /// Stages the version of a build: incremental if possible, otherwise from scratch.
    async fn stage(&self, build: &Build<'_>, joins: Joins) -> Result<Version, StepError> {
        if let Some(snapshot) = &build.compiled.snapshot {
            return self.snapshot(build, snapshot, joins).await;
        }
        if let Some(increment) = &build.compiled.increment
            && let Taken::ByFile(by_file) = &increment.taken
        {
            return Box::pin(self.load(build, increment, by_file, joins)).await;
        }
        if let Some(increment) = &build.compiled.increment
            && let Taken::ByTime(by_time) = &increment.taken
        {
            return self.in_batches(build, increment, by_time, joins).await;
        }
        if let Some(increment) = build.compiled.takes_in().filter(|_| !build.follows_other_sql())
            && let Some(base) = self.current_base(build).await?
            && let Some(changed) = self.changed(build, increment.query.relations()).await?
        {
            return Box::pin(self.take_in(build, increment, &base, changed, joins)).await;
        }
        self.make(build, joins).await
    }

    /// Opens the current version, to be changed.
    ///
    /// # Errors
    /// Returns a conflict, which is retried, if the current version isn't the observed one: this build would
    /// start from a version whose provenance it hasn't seen.
    pub(super) async fn current_base(&self, build: &Build<'_>) -> Result<Option<Base>, StepError> {
        let relation = &build.model.relation;
        let base = self.tables.lake().base(relation).await?;
        let version = base.as_ref().map(Base::version);
        if version != build.current_version {
            let version = version.or(build.current_version).unwrap_or_default();
            return Err(LakeError::Conflict { relation: relation.clone(), version }.into());
        }
        Ok(base)
    }

    async fn make(&self, build: &Build<'_>, joins: Joins) -> Result<Version, StepError> {
        let Build { model, compiled, progress, .. } = *build;
        let mut companions = Vec::new();
        let rejects = self.reads_files(&compiled.query).then(|| {
            let (companion, sink) = CompanionTable::rejects(&model.relation, model.id.as_str());
            companions.push(companion);
            sink
        });
        let tables = self.open(compiled, rejects.as_ref()).await?;
        let bound = compiled.query.bind(&tables)?;
        progress.store(0, Ordering::Relaxed);
        let streams = self.engine.streams(&bound, &model.config.partition_by, joins).await?;
        let (streams, taken) = self.split(streams, build, Replaces::Everything, &mut companions)?;
        let lake = self.tables.lake();
        let write = async {
            let staged = lake.stage(&model.relation, build.write(self), streams, &self.cancel).await;
            if let Some(sink) = &rejects {
                sink.note_all(build.other_columns());
                sink.close();
            }
            Ok((staged?, ()))
        };
        let ((own, ()), companions) =
            companion_tables::stage_with(companions, lake, &build.provenance(self), &self.cancel, write)
                .await?;
        Ok(Version {
            relation: model.relation.clone(),
            own,
            companions,
            rejects,
            rejected_files: None,
            note: None,
            taken,
            quarantines: build.quarantines(),
            changed: None,
            same_rows: false,
            failed: None,
            time: None,
        })
    }

    /// Removes rows that break the model's rules from its streams. Quarantined rows go to a companion table,
    /// where they replace what `quarantine_replaces` says.
    pub(super) fn split(
        &self,
        streams: Streams,
        build: &Build<'_>,
        quarantine_replaces: Replaces,
        companions: &mut Vec<CompanionTable>,
    ) -> Result<(Streams, Option<Arc<quarantine::RemovedRows>>), StepError> {
        let Build { model, compiled, .. } = *build;
        if compiled.rules.is_empty() {
            return Ok((streams, None));
        }
        let rules: Vec<EnforcedRule> = compiled.rules.iter().map(rule).collect();
        let SplitStreams { kept, quarantined, counts } =
            self.engine.split(streams, &rules, &compiled.schema, &self.invocation_id)?;
        if rules.iter().any(|rule| rule.then == OnBroken::Quarantine) {
            companions.push(CompanionTable {
                relation: model.relation.quarantine(),
                schema: quarantined.schema(),
                rows: quarantined,
                description: format!("Rows of {} that break its rules", model.id),
                replaces: quarantine_replaces,
            });
        }
        Ok((kept, Some(counts)))
    }

    /// Returns whether the query reads a file or database source, whose rows may be rejected.
    pub(super) fn reads_files(&self, query: &Query) -> bool {
        query.relations().iter().any(|relation| self.manifest.is_file_source(relation))
    }

    /// Lists the files of the source that a model loads file by file; `None` for other models.
    async fn listed(&self, compiled: &CompiledModel) -> Result<Option<Listed>, StepError> {
        let Some(Increment { taken: Taken::ByFile(by_file), .. }) = &compiled.increment else {
            return Ok(None);
        };
        let source = &by_file.source;
        let spec = self.compiled.sources.get(source).ok_or_else(|| StepError::Lost(source.to_string()))?;
        Ok(Some(Listed { source: source.clone(), files: self.engine.source_files(spec).await? }))
    }

    /// Returns the states of a model's inputs. The state of a listed source comes from its list.
    async fn versions(
        &self,
        relations: &BTreeSet<Relation>,
        listed: Option<&Listed>,
    ) -> Result<Inputs, StepError> {
        let mut inputs = Inputs::new();
        for relation in relations {
            let listed = listed.filter(|listed| self.manifest.read_from(&listed.source) == Some(relation));
            let state =
                match listed.and_then(|listed| Some((listed, self.compiled.sources.get(&listed.source)?))) {
                    Some((listed, spec)) if spec.identity != Identity::Content => {
                        Some((listed.source.clone(), of_files(&listed.files).into()))
                    }
                    _ => self.state(relation).await?,
                };
            let (id, version) = state.ok_or_else(|| self.missing(relation))?;
            inputs.insert(id, version);
        }
        Ok(inputs)
    }

    /// Opens a model's inputs. Rejected rows go to `rejects`.
    pub(super) async fn open(
        &self,
        compiled: &CompiledModel,
        rejects: Option<&Arc<RejectSink>>,
    ) -> Result<BTreeMap<Relation, Table>, StepError> {
        let mut tables = BTreeMap::new();
        for relation in compiled.query.relations() {
            let table = self.published(&relation, rejects).await?;
            tables.insert(relation, table);
        }
        Ok(tables)
    }
}

fn rule(of: &ModelRule) -> EnforcedRule {
    let then = match of.then {
        OnViolation::Quarantine => OnBroken::Quarantine,
        OnViolation::Drop => OnBroken::Drop,
    };
    EnforcedRule { name: of.name.clone(), rule: of.rule.clone(), then }
}

/// Returns an exponential backoff with up to 50 % jitter, so that steps which failed together don't retry
/// together.
fn pause(tries: u32, step: &Step) -> Duration {
    let base = PAUSE * 2u32.saturating_pow(tries - 1);
    let spread = xxhash_rust::xxh3::xxh3_64(step.node.as_str().as_bytes()) % 500;
    base + base * u32::try_from(spread).unwrap_or(0) / 1000
}
