//! Incremental builds: merge or append new rows to an existing table. Reads and changes refer to the same
//! version of the table, so a concurrent write can't go unnoticed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use super::{
    build::Build,
    changes::Changed,
    companion_tables::{self, CompanionTable},
    step_error::StepError,
    version::Version,
    worker::Worker,
};
use crate::{
    compile::{ByKey, FILE, Increment, Taken},
    engine::{Streams, execution::Joins, row_changes, row_changes::Changes, row_spool::Spool},
    lake::{Base, Replaces, Staged, Write},
    outcome::RowChanges,
};

impl Worker {
    /// Stages the version with a model's new rows applied to `base`.
    pub(super) async fn take_in(
        &self,
        build: &Build<'_>,
        increment: &Increment,
        base: &Base,
        mut news: Changed,
        joins: Joins,
    ) -> Result<Version, StepError> {
        let Build { model, progress, .. } = *build;
        let mut companions = Vec::new();
        let rejects = self.reads_files(&increment.query).then(|| {
            let (companion, sink) = CompanionTable::rejects(&model.relation, model.id.as_str());
            companions.push(companion);
            sink
        });
        let mut tables = BTreeMap::new();
        for relation in increment.query.relations() {
            let table = match news.remove(&relation) {
                Some(changes) => changes,
                None if relation == model.relation => base.rows().await?,
                None => self.published(&relation, rejects.as_ref()).await?,
            };
            tables.insert(relation, table);
        }
        let bound = increment.query.bind(&tables)?;
        progress.store(0, Ordering::Relaxed);
        let streams = self.engine.streams(&bound, &model.config.partition_by, joins).await?;
        let (streams, taken) =
            self.split(streams, build, self.quarantine_replaces(build).await?, &mut companions)?;
        let write = async {
            let staged = self.stage_change(build, increment, base, streams, joins).await;
            if let Some(sink) = &rejects {
                sink.close();
            }
            staged
        };
        let lake = self.tables.lake();
        let ((own, changes), companions) =
            companion_tables::stage_with(companions, lake, &build.provenance(self), &self.cancel, write)
                .await?;
        let written = row_changes(&own, changes.as_deref());
        let mut version = Version {
            relation: model.relation.clone(),
            own,
            companions,
            rejects,
            rejected_files: None,
            note: None,
            taken,
            quarantines: build.quarantines(),
            changed: Some(Box::new(written)),
            same_rows: false,
            failed: None,
            time: None,
        };
        let same = match changes {
            Some(changes) => Ok(changes.is_nothing()),
            None => self.holds_the_same(&version.own, base).await,
        };
        match same {
            Ok(same) => version.same_rows = same,
            Err(error) => {
                version.abort().await;
                return Err(error);
            }
        }
        Ok(version)
    }

    /// Returns what newly quarantined rows replace: nothing, because rows quarantined earlier came from input
    /// that isn't read again.
    pub(super) async fn quarantine_replaces(&self, build: &Build<'_>) -> Result<Replaces, StepError> {
        if !build.quarantines() {
            return Ok(Replaces::Everything);
        }
        let current = self.tables.lake().observe(&build.model.relation.quarantine()).await?;
        Ok(current.map_or(Replaces::Everything, |observed| Replaces::Nothing { of: observed.version }))
    }

    /// Stages the change, which writes only files that differ from `base`.
    async fn stage_change(
        &self,
        build: &Build<'_>,
        increment: &Increment,
        base: &Base,
        streams: Streams,
        joins: Joins,
    ) -> Result<(Staged, Option<Arc<Changes>>), StepError> {
        let of = base.version();
        let by_key = match &increment.taken {
            Taken::Beside => {
                return Ok((self.stage_in_place_of(build, Replaces::Nothing { of }, streams).await?, None));
            }
            Taken::Partitions => {
                return Ok((
                    self.stage_in_place_of(build, Replaces::Partitions { of }, streams).await?,
                    None,
                ));
            }
            Taken::ByKey(by_key) => by_key,
            Taken::ByFile(_) | Taken::ByTime(_) => return Err(StepError::Lost(build.model.id.to_string())),
        };
        let rows = Arc::clone(build.progress);
        let on_rows = Arc::new(move |count| rows.store(count, Ordering::Relaxed));
        let new = self.engine.spool(&build.compiled.schema, streams, on_rows).await?;
        self.each_key_once(build, by_key, &new).await?;
        let files = self.reached(by_key, base, &new, joins).await?;
        let tables = BTreeMap::from([
            (by_key.old.clone(), base.rows_of(&files).await?),
            (by_key.new.clone(), new.table()),
        ]);
        let bound = by_key.outcome.bind(&tables)?;
        let streams = self.engine.streams(&bound, &build.model.config.partition_by, joins).await?;
        let (streams, changes) = row_changes::apply(streams, &build.compiled.schema);
        // The spooled rows must outlive the streams.
        let staged = self.stage_in_place_of(build, Replaces::Files { of, files }, streams).await?;
        drop(new);
        Ok((staged, Some(changes)))
    }

    pub(super) async fn stage_in_place_of(
        &self,
        build: &Build<'_>,
        replaces: Replaces,
        streams: Streams,
    ) -> Result<Staged, StepError> {
        let write = Write { replaces, ..build.write(self) };
        Ok(self.tables.lake().stage(&build.model.relation, write, streams, &self.cancel).await?)
    }

    /// Returns the table's files that contain a row which a new one matches.
    async fn reached(
        &self,
        by_key: &ByKey,
        base: &Base,
        new: &Spool,
        joins: Joins,
    ) -> Result<BTreeSet<String>, StepError> {
        let tables = BTreeMap::from([
            (by_key.old_files.clone(), base.rows_with_files(FILE).await?),
            (by_key.new.clone(), new.table()),
        ]);
        let ranges = self.engine.key_ranges(new, &by_key.key, base.partition_by()).await?;
        let bound = by_key.reached.bind(&tables)?.within_key_ranges(&by_key.old_files, &ranges)?;
        Ok(self.engine.texts(&bound, joins).await?.into_iter().collect())
    }

    /// Checks that no two new rows share a key, which would make the merge ambiguous.
    async fn each_key_once(&self, build: &Build<'_>, by_key: &ByKey, new: &Spool) -> Result<(), StepError> {
        let Some(repeated) = &by_key.repeated else { return Ok(()) };
        let bound = repeated.bind(&BTreeMap::from([(by_key.new.clone(), new.table())]))?;
        let sample = self.engine.sample(&bound, 1).await?;
        let Some((times, key)) = sample.rows.first().and_then(|row| row.cells.split_last()) else {
            return Ok(());
        };
        let times = times.as_deref().unwrap_or_default();
        let named: Vec<String> = by_key
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
            by_key.key.join(", "),
        )))
    }

    /// Returns whether the written rows equal those of the files they replace.
    async fn holds_the_same(&self, own: &Staged, base: &Base) -> Result<bool, StepError> {
        if own.rows_written() != own.rows_replaced() {
            return Ok(false);
        }
        if own.rows_written() == 0 {
            return Ok(true);
        }
        let replaced = base.rows_of(own.files_replaced()).await?;
        Ok(self.engine.digest(replaced).await? == own.digest_written())
    }
}

/// Returns the row changes of a version: as counted by a merge, or the rows written and replaced.
fn row_changes(own: &Staged, changes: Option<&Changes>) -> RowChanges {
    RowChanges {
        inserted: changes.map_or(own.rows_written(), Changes::inserted),
        updated: changes.map_or(0, Changes::updated),
        deleted: changes.map_or(own.rows_replaced(), Changes::deleted),
        files: None,
        batches: None,
    }
}
