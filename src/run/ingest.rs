//! File ingestion: loads each file exactly once. The ledger of a table is staged with it and published just
//! before it; the commit of the rows carries the batch number, and only batches up to the table's number
//! count as loaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use super::{
    build::Build,
    companion_tables::{self, CompanionTable},
    rejects::of_ledger,
    step_error::StepError,
    version::Version,
    worker::Worker,
};
use crate::{
    compile::{ByFile, FILE, Increment, Standing},
    engine::{
        Streams,
        execution::{Joins, chained, one_stream, texts},
        row_changes,
        row_changes::Changes,
        row_spool::Spool,
        source::{Deviation, RejectCounts, RejectSink, SOURCE_FILE, SourceFile},
        value_counts::count_values,
    },
    ingest::{Batch, FileResult, FileState, Ledger, Policy},
    lake::{Base, Replaces, Staged, Write},
    manifest::{OnChange, OnDelete},
    outcome::{FileChanges, RowChanges},
};

/// The files to load, and the state of the table that they are loaded into.
struct Loading<'a> {
    by_file: &'a ByFile,
    base: Option<Base>,
    ledger: Ledger,
    batch: Batch,
    /// The files to read.
    files: Vec<SourceFile>,
    /// True if all rows are rebuilt, except those of vanished files that are retained.
    everything: bool,
}

impl Worker {
    /// Stages the version with a model's new files loaded.
    pub(super) async fn load(
        &self,
        build: &Build<'_>,
        increment: &Increment,
        by_file: &ByFile,
        joins: Joins,
    ) -> Result<Version, StepError> {
        let Build { model, progress, .. } = *build;
        let loading = self.loading(build, by_file).await?;
        let (rejected, rejects) = CompanionTable::rejects(&model.relation, model.id.as_str());
        let mut companions = vec![self.with_retained_rows(rejected, "file", &loading).await?];
        progress.store(0, Ordering::Relaxed);
        let new = self.new_rows(build, increment, &loading, &rejects, joins).await?;
        let without_quarantine = companions.len();
        let (new, taken) = self.split(new, build, Replaces::Everything, &mut companions)?;
        if companions.len() > without_quarantine
            && let Some(quarantine) = companions.pop()
        {
            companions.push(self.with_retained_rows(quarantine, SOURCE_FILE, &loading).await?);
        }
        let (new, rows) = count_values(new, SOURCE_FILE);
        let write = async {
            let staged = self.stage_files(build, &loading, new, joins).await;
            rejects.close();
            staged
        };
        let lake = self.tables.lake();
        let ((own, changes), companions) =
            companion_tables::stage_with(companions, lake, &build.provenance(self), &self.cancel, write)
                .await?;
        let results = file_results(rows.counts(), &rejects.counts());
        let mut version = Version {
            relation: model.relation.clone(),
            same_rows: changes.as_ref().is_some_and(|changes| changes.is_nothing()),
            failed: None,
            time: None,
            changed: Some(Box::new(RowChanges {
                inserted: own.rows_written(),
                updated: 0,
                deleted: 0,
                batches: None,
                files: Some(files_changed(&loading)),
            })),
            own,
            companions,
            rejects: Some(rejects),
            rejected_files: None,
            note: None,
            taken,
            quarantines: build.quarantines(),
        };
        if let Some(changes) = changes
            && let Some(changed) = &mut version.changed
        {
            (changed.inserted, changed.deleted) = (changes.inserted(), changes.deleted());
        }
        match self.stage_ledger(build, &loading, &results).await {
            Ok((ledger, known)) => {
                let name = self.compiled.sources.get(&by_file.source).map(|spec| spec.name.as_str());
                version.rejected_files = Some(of_ledger(&known, name.unwrap_or_default()));
                version.companions.push(ledger);
            }
            Err(error) => {
                version.abort().await;
                return Err(error);
            }
        }
        Ok(version)
    }

    /// Determines which files are new.
    async fn loading<'a>(&self, build: &Build<'_>, by_file: &'a ByFile) -> Result<Loading<'a>, StepError> {
        let lake = self.tables.lake();
        let relation = &build.model.relation;
        let listed = build.listed.ok_or_else(|| StepError::Lost(by_file.source.to_string()))?;
        let base = lake.base(relation).await?;
        let committed = match &base {
            Some(base) => base.transaction(build.model.id.as_str()).await?.unwrap_or_default(),
            None => 0,
        };
        let ledger = self.tables.ledger(&self.engine, relation).await?.unwrap_or_default();
        // A ledger behind the table's batch number belongs to another table, or was restored to an older
        // state.
        let is_known = ledger.newest() >= committed && committed > 0 && by_file.standing.is_some();
        let everything = build.from_scratch || !is_known;
        let ledger = if is_known { ledger } else { Ledger::default() };
        let policy = Policy {
            reload_changed: by_file.policy.on_change != OnChange::Ignore,
            remove_vanished: by_file.policy.on_delete == OnDelete::Remove || build.full_refresh,
        };
        let found = listed.files.iter().map(|file| (file.name.to_string(), state(file))).collect();
        let mut batch = Batch::decide(&ledger, &found, committed, policy, everything);
        batch.number = batch.number.max(committed + 1);
        if by_file.policy.on_change == OnChange::Fail && !batch.changed.is_empty() && !build.full_refresh {
            return Err(changed(&batch.changed, &build.model.name));
        }
        let files = {
            let read = batch.read();
            listed.files.iter().filter(|file| read.contains(&*file.name)).cloned().collect()
        };
        Ok(Loading { by_file, base, ledger, batch, files, everything })
    }

    /// Returns the rows of the files to read.
    async fn new_rows(
        &self,
        build: &Build<'_>,
        increment: &Increment,
        loading: &Loading<'_>,
        rejects: &Arc<RejectSink>,
        joins: Joins,
    ) -> Result<Streams, StepError> {
        if loading.files.is_empty() {
            return Ok(Streams::new());
        }
        let lost = || StepError::Lost(loading.by_file.source.to_string());
        let spec = self.compiled.sources.get(&loading.by_file.source).ok_or_else(lost)?;
        let mut spec = spec.clone();
        spec.drift.earlier = loading.earlier();
        spec.drift.is_addition = loading.base.is_some() && !loading.everything;
        let table = self.engine.source_of(&spec, loading.files.clone(), Some(rejects)).await?;
        let bound = increment.query.bind(&BTreeMap::from([(loading.by_file.reads.clone(), table)]))?;
        Ok(self.engine.streams(&bound, &build.model.config.partition_by, joins).await?)
    }

    /// Stages the new rows, and the retained rows of table files that also contain rows to delete.
    async fn stage_files(
        &self,
        build: &Build<'_>,
        loading: &Loading<'_>,
        new: Streams,
        joins: Joins,
    ) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
        let Loading { by_file, base, batch, everything, .. } = loading;
        let (Some(base), Some(standing)) = (base, &by_file.standing) else {
            return Ok((self.stage_batch(build, loading, Replaces::Everything, new).await?, None));
        };
        let of = base.version();
        let kept = &batch.vanished;
        let (listed, query) = match (everything, kept.is_empty()) {
            (true, true) => {
                return Ok((self.stage_batch(build, loading, Replaces::Everything, new).await?, None));
            }
            (true, false) => (kept.clone(), &standing.listed_only),
            (false, _) => (batch.gone(), &standing.without_listed),
        };
        let listed = Spool::of(texts(SOURCE_FILE, &listed)?)?;
        let files = match everything {
            true => base.files()?,
            false if listed.rows() == 0 => BTreeSet::new(),
            false => self.holding(standing, base, &listed, joins).await?,
        };
        let streams = if files.is_empty() {
            Streams::new()
        } else {
            let tables = BTreeMap::from([
                (standing.old.clone(), base.rows_of(&files).await?),
                (standing.listed.clone(), listed.table()),
            ]);
            let bound = query.bind(&tables)?;
            self.engine.streams(&bound, &build.model.config.partition_by, joins).await?
        };
        let (mut streams, changes) = row_changes::apply(streams, &build.compiled.schema);
        streams.extend(row_changes::count_inserted(new, &changes));
        let replaces =
            if files.is_empty() { Replaces::Nothing { of } } else { Replaces::Files { of, files } };
        Ok((self.stage_batch(build, loading, replaces, streams).await?, Some(changes)))
    }

    async fn stage_batch(
        &self,
        build: &Build<'_>,
        loading: &Loading<'_>,
        replaces: Replaces,
        streams: Streams,
    ) -> Result<Staged, StepError> {
        let number = loading.batch.number;
        let transaction = loading.batch.counts().then(|| (build.model.id.to_string(), number));
        let write = Write { replaces, transaction, ..build.write(self) };
        Ok(self.tables.lake().stage(&build.model.relation, write, streams, &self.cancel).await?)
    }

    /// Returns the table's files that contain rows of the listed source files.
    async fn holding(
        &self,
        standing: &Standing,
        base: &Base,
        listed: &Spool,
        joins: Joins,
    ) -> Result<BTreeSet<String>, StepError> {
        let tables = BTreeMap::from([
            (standing.old_files.clone(), base.rows_with_files(FILE).await?),
            (standing.listed.clone(), listed.table()),
        ]);
        let ranges = self.engine.key_ranges(listed, &[SOURCE_FILE.to_owned()], base.partition_by()).await?;
        let bound = standing.reached.bind(&tables)?.within_key_ranges(&standing.old_files, &ranges)?;
        Ok(self.engine.texts(&bound, joins).await?.into_iter().collect())
    }

    /// Adds the retained rows to a companion table: those of source files that this batch doesn't touch.
    async fn with_retained_rows(
        &self,
        companion: CompanionTable,
        column: &str,
        loading: &Loading<'_>,
    ) -> Result<CompanionTable, StepError> {
        let Some(current) = self.tables.provider(&companion.relation).await? else { return Ok(companion) };
        let names = if loading.everything { loading.batch.vanished.clone() } else { loading.touched() };
        let retained = self.engine.rows_by(current, column, &names, loading.everything).await?;
        Ok(CompanionTable { rows: chained(retained, companion.rows), ..companion })
    }

    /// Stages the ledger as it will be once the batch is published.
    async fn stage_ledger(
        &self,
        build: &Build<'_>,
        loading: &Loading<'_>,
        results: &BTreeMap<String, FileResult>,
    ) -> Result<(Staged, Ledger), StepError> {
        let known = loading.batch.done(&loading.ledger, results, build.now, &self.invocation_id);
        let rows = known.to_batch().map_err(|error| StepError::Other(error.to_string()))?;
        let companion = CompanionTable {
            relation: build.model.relation.files(),
            schema: Ledger::schema(),
            rows: one_stream(rows),
            description: format!("The files that {} was loaded from", build.model.id),
            replaces: Replaces::Everything,
        };
        let staged = companion.stage(self.tables.lake(), &build.provenance(self), &self.cancel).await?;
        Ok((staged, known))
    }
}

impl Loading<'_> {
    /// Returns how the columns of files that stay in the table deviate from the declared ones.
    fn earlier(&self) -> Vec<Deviation> {
        let read = self.batch.read();
        let stays =
            self.ledger.files.iter().filter(|(name, entry)| entry.rows > 0 && !read.contains(name.as_str()));
        let all: BTreeSet<Deviation> = stays.map(|(_, entry)| entry.drift.clone()).collect();
        all.into_iter().collect()
    }

    /// Returns the files whose rows are inserted or deleted.
    fn touched(&self) -> BTreeSet<String> {
        self.batch.new.keys().cloned().chain(self.batch.gone()).collect()
    }
}

/// Returns the state by which a ledger recognizes a changed file.
fn state(file: &SourceFile) -> FileState {
    FileState {
        size: file.size,
        modified: file.modified.timestamp_micros(),
        etag: file.etag().map(str::to_owned),
    }
}

/// Combines the results of reading each file: its rows, rejects and deviations.
fn file_results(
    rows: impl IntoIterator<Item = (String, u64)>,
    rejects: &RejectCounts,
) -> BTreeMap<String, FileResult> {
    let mut results: BTreeMap<String, FileResult> = BTreeMap::new();
    for (file, rows) in rows {
        results.entry(file).or_default().rows = rows;
    }
    for (file, rejected) in &rejects.by_file {
        let one = results.entry(file.to_string()).or_default();
        one.rejected_rows = rejected.rows;
        one.rejected_digest = rejected.digest;
        one.reason.clone_from(&rejected.reason);
    }
    for (file, drift) in &rejects.deviations {
        results.entry(file.to_string()).or_default().drift = drift.clone();
    }
    results
}

fn files_changed(loading: &Loading<'_>) -> FileChanges {
    let batch = &loading.batch;
    let count = |files: usize| files as u64;
    FileChanges {
        loaded: count(batch.new.len()),
        reloaded: count(batch.again.len()),
        removed: count(batch.removed.len()),
        vanished: count(batch.vanished.difference(&already_vanished(&loading.ledger)).count()),
        left: count(batch.left.len()),
    }
}

/// Returns the files that were already recorded as vanished.
fn already_vanished(ledger: &Ledger) -> BTreeSet<String> {
    let vanished =
        ledger.files.iter().filter(|(_, entry)| entry.status == crate::ingest::FileStatus::Vanished);
    vanished.map(|(name, _)| name.clone()).collect()
}

fn changed(files: &BTreeSet<String>, model: &str) -> StepError {
    let some: Vec<&str> = files.iter().take(3).map(String::as_str).collect();
    let more = match files.len().saturating_sub(some.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    StepError::Other(format!(
        "files that {model} was loaded from are other ones now: {}{more}; `on_change: fail` asks to stop here. Put them back, \
         load them once with --force, or set `on_change` to reload or ignore",
        some.join(", "),
    ))
}
