//! Ingestion: loads each file of a source exactly once.
//!
//! The ledger records what each file became. It is published just before the rows; the commit of the rows
//! carries the batch number, and only batches up to the table's number count as loaded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Build, Candidate,
    candidate::Effect,
    draft::{Draft, Quarantine, Rejects, Written, produce},
};
use crate::{
    compile::{ExistingFiles, FILE, FileLoad, NewRows},
    engine::{
        SendableRecordBatchStream, Streams,
        exec::streams::{chained, one_stream, texts},
        rows::{
            changes::{self, Changes},
            spool::Spool,
            value_counts::count_values,
        },
    },
    ingest::{Batch, FileResult, FileState, Ledger, Policy},
    lake::{Base, Replaces, Staged, Write},
    manifest::{OnChange, OnDelete},
    name::Relation,
    outcome::{FileChanges, RowChanges},
    run::{
        companion_tables::{CompanionTable, abort_all},
        rejects::of_ledger,
        step_error::StepError,
    },
    source::{self, Deviation, RejectCounts, RejectSink, SOURCE_FILE, SourceFile},
};

/// The files to load, and the state of the table that they are loaded into.
struct Loading<'a> {
    load: &'a FileLoad,
    base: Option<Base>,
    ledger: Ledger,
    batch: Batch,
    /// The files to read.
    files: Vec<SourceFile>,
    /// True if all rows are rebuilt, except those of vanished files that are retained.
    everything: bool,
}

/// Stages a version with a model's new files loaded.
pub(super) async fn candidate(
    build: &Build<'_>,
    rows: &NewRows,
    load: &FileLoad,
) -> Result<Candidate, StepError> {
    let loading = loading(build, load).await?;
    let mut rejects = Rejects::new(build);
    if let Some(retained) = retained(build, &rejects.companion.relation, "file", &loading).await? {
        rejects.companion.rows = chained(retained, rejects.companion.rows);
    }
    let mut quarantine = Quarantine::default();
    if build.quarantines() {
        quarantine.retained =
            retained(build, &build.model.relation.quarantine(), SOURCE_FILE, &loading).await?;
    }
    let sink = Arc::clone(&rejects.sink);
    let draft = Draft {
        rows: new_rows(build, rows, &loading, &sink).await?,
        rejects: Some(rejects),
        quarantine,
        provenance: build.provenance(),
        note: None,
    };
    produce(build, draft, |rows| load_batch(build, &loading, &sink, rows)).await
}

/// Stages the rows of a batch and then the ledger, which records their number.
async fn load_batch(
    build: &Build<'_>,
    loading: &Loading<'_>,
    rejects: &RejectSink,
    rows: Streams,
) -> Result<Written, StepError> {
    let (rows, counts) = count_values(rows, SOURCE_FILE);
    let (own, changes) = stage_files(build, loading, rows).await?;
    let results = file_results(counts.counts(), &rejects.counts());
    let (ledger, known) = match stage_ledger(build, loading, &results).await {
        Ok(staged) => staged,
        Err(error) => {
            abort_all([own]).await;
            return Err(error);
        }
    };
    let row_changes = RowChanges {
        inserted: changes.as_ref().map_or(own.rows_written(), |changes| changes.inserted()),
        updated: 0,
        deleted: changes.as_ref().map_or(0, |changes| changes.deleted()),
        batches: None,
        files: Some(files_changed(loading)),
    };
    let effect = Effect {
        changes: Some(Box::new(row_changes)),
        same_rows: changes.is_some_and(|changes| changes.is_nothing()),
        rejected_files: Some(of_ledger(&known, &loading.load.spec.name)),
        companion: Some(ledger),
        ..Effect::default()
    };
    Ok(Written { own, effect })
}

/// Determines which files are new.
async fn loading<'a>(build: &Build<'_>, load: &'a FileLoad) -> Result<Loading<'a>, StepError> {
    let lake = build.lake();
    let relation = &build.model.relation;
    let base = lake.base(relation).await?;
    let committed = match &base {
        Some(base) => base.transaction(build.model.id.as_str()).await?.unwrap_or_default(),
        None => 0,
    };
    let ledger = build.worker.tables.ledger(&build.worker.engine, relation).await?.unwrap_or_default();
    // A ledger behind the table's batch number belongs to another table, or was restored to an older
    // state.
    let is_known = ledger.newest() >= committed && committed > 0 && load.existing.is_some();
    let everything = build.from_scratch || !is_known;
    let ledger = if is_known { ledger } else { Ledger::default() };
    let policy = Policy {
        reload_changed: load.policy.on_change != OnChange::Ignore,
        remove_vanished: load.policy.on_delete == OnDelete::Remove || build.full_refresh,
    };
    let found = build.files.iter().map(|file| (file.name.to_string(), state(file))).collect();
    let mut batch = Batch::decide(&ledger, &found, committed, policy, everything);
    batch.number = batch.number.max(committed + 1);
    if load.policy.on_change == OnChange::Fail && !batch.changed.is_empty() && !build.full_refresh {
        return Err(changed(&batch.changed, &build.model.name));
    }
    let files = {
        let read = batch.read();
        build.files.iter().filter(|file| read.contains(&*file.name)).cloned().collect()
    };
    Ok(Loading { load, base, ledger, batch, files, everything })
}

/// Returns the rows of the files to read.
async fn new_rows(
    build: &Build<'_>,
    rows: &NewRows,
    loading: &Loading<'_>,
    rejects: &Arc<RejectSink>,
) -> Result<Streams, StepError> {
    if loading.files.is_empty() {
        return Ok(Streams::new());
    }
    let mut spec = loading.load.spec.clone();
    spec.drift.earlier = loading.earlier();
    spec.drift.is_addition = loading.base.is_some() && !loading.everything;
    let table = source::open_files(&build.worker.engine, &spec, loading.files.clone(), Some(rejects)).await?;
    build.streams(&rows.query, &BTreeMap::from([(loading.load.reads.clone(), table)])).await
}

/// Stages the new rows, and the retained rows of table files that also contain rows to delete.
async fn stage_files(
    build: &Build<'_>,
    loading: &Loading<'_>,
    new: Streams,
) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
    let Loading { load, base, batch, everything, .. } = loading;
    let (Some(base), Some(existing)) = (base, &load.existing) else {
        return Ok((stage_batch(build, loading, Replaces::Everything, new).await?, None));
    };
    let of = base.version();
    let kept = &batch.vanished;
    let (listed, query) = match (everything, kept.is_empty()) {
        (true, true) => {
            return Ok((stage_batch(build, loading, Replaces::Everything, new).await?, None));
        }
        (true, false) => (kept.clone(), &existing.listed_only),
        (false, _) => (batch.gone(), &existing.without_listed),
    };
    let listed = Spool::of(texts(SOURCE_FILE, &listed)?)?;
    let files = match everything {
        true => base.files()?,
        false if listed.rows() == 0 => BTreeSet::new(),
        false => files_holding(build, existing, base, &listed).await?,
    };
    let streams = if files.is_empty() {
        Streams::new()
    } else {
        let tables = BTreeMap::from([
            (existing.old.clone(), base.rows_of(&files).await?),
            (existing.listed.clone(), listed.table()),
        ]);
        build.streams(query, &tables).await?
    };
    let (mut streams, changes) = changes::apply(streams, &build.compiled.schema);
    streams.extend(changes::count_inserted(new, &changes));
    let replaces = if files.is_empty() { Replaces::Nothing { of } } else { Replaces::Files { of, files } };
    Ok((stage_batch(build, loading, replaces, streams).await?, Some(changes)))
}

async fn stage_batch(
    build: &Build<'_>,
    loading: &Loading<'_>,
    replaces: Replaces,
    streams: Streams,
) -> Result<Staged, StepError> {
    let number = loading.batch.number;
    let transaction = loading.batch.counts().then(|| (build.model.id.to_string(), number));
    build.stage_as(Write { replaces, transaction, ..build.write() }, streams).await
}

/// Returns the table's files that contain rows of the listed source files.
async fn files_holding(
    build: &Build<'_>,
    existing: &ExistingFiles,
    base: &Base,
    listed: &Spool,
) -> Result<BTreeSet<String>, StepError> {
    let tables = BTreeMap::from([
        (existing.old_files.clone(), base.rows_with_files(FILE).await?),
        (existing.listed.clone(), listed.table()),
    ]);
    let ranges =
        build.worker.engine.key_ranges(listed, &[SOURCE_FILE.to_owned()], base.partition_by()).await?;
    let bound = existing.reached.bind(&tables)?.within_key_ranges(&existing.old_files, &ranges)?;
    Ok(build.worker.engine.texts(&bound, build.joins).await?.into_iter().collect())
}

/// Returns the rows of a companion table to retain: those of source files that this batch doesn't touch.
async fn retained(
    build: &Build<'_>,
    companion: &Relation,
    column: &str,
    loading: &Loading<'_>,
) -> Result<Option<SendableRecordBatchStream>, StepError> {
    let Some(current) = build.worker.tables.provider(companion).await? else { return Ok(None) };
    let names = if loading.everything { loading.batch.vanished.clone() } else { loading.touched() };
    Ok(Some(build.worker.engine.rows_by(current, column, &names, loading.everything).await?))
}

/// Stages the ledger as it will be once the batch is published.
async fn stage_ledger(
    build: &Build<'_>,
    loading: &Loading<'_>,
    results: &BTreeMap<String, FileResult>,
) -> Result<(Staged, Ledger), StepError> {
    let known = loading.batch.done(&loading.ledger, results, build.now, &build.worker.invocation_id);
    let rows = known.to_batch()?;
    let companion = CompanionTable {
        relation: build.model.relation.files(),
        schema: Ledger::schema(),
        rows: one_stream(rows),
        description: format!("The files that {} was loaded from", build.model.id),
        replaces: Replaces::Everything,
    };
    let staged = companion.stage(build.writer(), &build.provenance(), &build.worker.cancel).await?;
    Ok((staged, known))
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
        "files that {model} was loaded from have changed: {}{more}; `on_change: fail` forbids that. Put them back, \
         load them once with --force, or set `on_change` to reload or ignore",
        some.join(", "),
    ))
}
