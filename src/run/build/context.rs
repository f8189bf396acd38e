//! Build contexts: the state that a model's new version starts from, and what all strategies do with it.

use std::{
    collections::BTreeMap,
    num::NonZeroU64,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, Utc};

use crate::{
    compile::CompiledModel,
    engine::{Query, Streams, Table, arrow::datatypes::Schema, plan::joins::Joins, rows::spool::Spool},
    lake::{Base, Lake, LakeError, LakeWriter, Provenance, Replaces, Staged, Write},
    manifest::{Follow, Model, OnViolation},
    name::Relation,
    plan::Step,
    run::{
        scheduler::{JobHandle, RowCounter},
        staleness::Inputs,
        step_error::StepError,
        worker::Worker,
    },
    source::SourceFile,
};

/// The context of a model's build.
#[derive(Clone, Copy)]
pub(in crate::run) struct Build<'a> {
    pub(in crate::run) worker: &'a Worker,
    pub(in crate::run) model: &'a Model,
    pub(in crate::run) compiled: &'a CompiledModel,
    /// The states of its inputs.
    pub(in crate::run) inputs: &'a Inputs,
    pub(in crate::run) progress: &'a RowCounter,
    /// The provenance of the current version; `None` if there is no table, or another writer wrote it.
    pub(in crate::run) made: Option<&'a Provenance>,
    /// The files of its source, listed before any was read; empty unless it loads files.
    pub(in crate::run) files: &'a [SourceFile],
    /// The current version number; `None` if there is no table.
    pub(in crate::run) current_version: Option<u64>,
    /// The columns of the current version.
    pub(in crate::run) columns: Option<&'a Schema>,
    /// True if the current version has another fingerprint or was written by another writer, or if the build
    /// was requested.
    pub(in crate::run) from_scratch: bool,
    /// True if it is built only because of `--force`.
    pub(in crate::run) forced: bool,
    /// True for a full refresh, which keeps nothing of the table.
    pub(in crate::run) full_refresh: bool,
    /// The time of the build: later than that of the current version.
    pub(in crate::run) now: DateTime<Utc>,
    /// The step that it executes, and the handle through which that reports.
    pub(in crate::run) reports: (&'a Arc<Step>, &'a JobHandle),
    /// The joins of its queries.
    pub(in crate::run) joins: Joins,
}

impl<'a> Build<'a> {
    /// Returns the provenance that its version will record.
    pub(in crate::run) fn provenance(&self) -> Provenance {
        let id = self.model.id.as_str();
        let fingerprint = self.compiled.fingerprint.clone();
        Provenance {
            made_at: Some(self.now),
            ..Provenance::new(id, &self.worker.invocation_id, fingerprint, self.inputs.clone())
        }
    }

    /// Returns whether its SQL or settings changed since the current version, and it is configured to rebuild
    /// all rows then.
    pub(in crate::run) fn follows_other_sql(&self) -> bool {
        let settings = self.model.config.incremental.as_ref();
        settings.is_some_and(|settings| settings.on_sql_change == Follow::FullRefresh)
            && self.made.is_some_and(|made| made.fingerprint != self.compiled.fingerprint)
    }

    /// Returns whether its inputs are where they were for the current version, so that their versions can be
    /// compared.
    pub(in crate::run) fn reads_same_places(&self) -> bool {
        self.made.is_none_or(|made| made.fingerprint.reads_same_places(&self.compiled.fingerprint))
    }

    /// Returns a warning if the columns changed although the model didn't: then a source has other columns,
    /// which the model selects without naming them.
    pub(in crate::run) fn other_columns(&self) -> Option<String> {
        let before = self.columns?;
        if self.made?.fingerprint != self.compiled.fingerprint {
            return None;
        }
        let now = &self.compiled.schema;
        let missing = |of: &Schema, from: &Schema| -> Vec<String> {
            let names = of.fields().iter().map(|field| field.name());
            names.filter(|name| from.index_of(name).is_err()).map(|name| format!("`{name}`")).collect()
        };
        let (gone, new) = (missing(before, now), missing(now, before));
        let of = match (gone.is_empty(), new.is_empty()) {
            (true, true) => return None,
            (false, true) => format!("no longer has {}", gone.join(", ")),
            (true, false) => format!("has {} now", new.join(", ")),
            (false, false) => format!("no longer has {}, and has {} now", gone.join(", "), new.join(", ")),
        };
        Some(format!("{}: the table {of}, since its source has other columns", self.model.name))
    }

    /// Returns the write settings for its table, for a full rebuild.
    pub(in crate::run) fn write(&self) -> Write {
        let Self { model, compiled, progress, .. } = *self;
        let progress = Arc::clone(progress);
        Write {
            replaces: Replaces::Everything,
            schema: Arc::clone(&compiled.schema),
            partition_by: model.config.partition_by.clone(),
            provenance: self.provenance(),
            description: Some(model.documentation.description.text.clone()).filter(|text| !text.is_empty()),
            constraints: compiled.constraints.clone(),
            target_file_size: model.config.target_file_size.and_then(NonZeroU64::new),
            transaction: None,
            on_rows: Arc::new(move |rows| progress.store(rows, Ordering::Relaxed)),
        }
    }

    /// Returns the lake of its table.
    pub(in crate::run) fn lake(&self) -> &'a Lake {
        self.worker.writer.lake()
    }

    /// Returns the writer of its table.
    pub(in crate::run) fn writer(&self) -> &'a LakeWriter {
        &self.worker.writer
    }

    /// Opens the current version, to be changed.
    ///
    /// # Errors
    /// Returns a conflict, which is retried, if the current version isn't the observed one: this build would
    /// start from a version whose provenance it hasn't seen. Fails if a forced build would keep damaged
    /// files.
    pub(super) async fn base(&self) -> Result<Option<Base>, StepError> {
        let relation = &self.model.relation;
        let base = self.lake().base(relation).await?;
        let version = base.as_ref().map(Base::version);
        if version != self.current_version {
            let version = version.or(self.current_version).unwrap_or_default();
            return Err(LakeError::Conflict { relation: relation.clone(), version }.into());
        }
        if let Some(base) = base.as_ref().filter(|_| self.forced) {
            self.worker.check_damage(self.model, base).await?;
        }
        Ok(base)
    }

    /// Starts a query over these tables.
    pub(super) async fn streams(
        &self,
        query: &Query,
        tables: &BTreeMap<Relation, Table>,
    ) -> Result<Streams, StepError> {
        let bound = query.bind(tables)?;
        self.progress.store(0, Ordering::Relaxed);
        Ok(self.worker.engine.streams(&bound, &self.model.config.partition_by, self.joins).await?)
    }

    /// Spools rows with the table's columns, and counts them as progress.
    pub(super) async fn spool(&self, rows: Streams) -> Result<Spool, StepError> {
        let progress = Arc::clone(self.progress);
        let on_rows = Arc::new(move |count| progress.store(count, Ordering::Relaxed));
        Ok(self.worker.engine.spool(&self.compiled.schema, rows, on_rows).await?)
    }

    /// Stages rows in place of what `replaces` says.
    pub(super) async fn stage(&self, replaces: Replaces, rows: Streams) -> Result<Staged, StepError> {
        self.stage_as(Write { replaces, ..self.write() }, rows).await
    }

    /// Stages rows with these write settings.
    pub(super) async fn stage_as(&self, write: Write, rows: Streams) -> Result<Staged, StepError> {
        Ok(self.writer().stage(&self.model.relation, write, rows, &self.worker.cancel).await?)
    }

    /// Returns whether any of its rules quarantines rows.
    pub(in crate::run) fn quarantines(&self) -> bool {
        self.compiled.rules.iter().any(|rule| rule.then == OnViolation::Quarantine)
    }
}
