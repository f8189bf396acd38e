//! A build: the context in which a model's new version is made.

use std::{
    num::NonZeroU64,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, Utc};

use super::{
    scheduler::{JobHandle, RowCounter},
    staleness::Inputs,
    worker::Worker,
};
use crate::{
    compile::CompiledModel,
    engine::{arrow::datatypes::Schema, source::SourceFile},
    lake::{Provenance, Replaces, Write},
    manifest::{Follow, Model, OnViolation},
    name::NodeId,
    plan::Step,
};

/// A source's files, listed before any is read.
pub(super) struct Listed {
    pub(super) source: NodeId,
    pub(super) files: Vec<SourceFile>,
}

/// The context of a model's build.
#[derive(Clone, Copy)]
pub(super) struct Build<'a> {
    pub(super) model: &'a Model,
    pub(super) compiled: &'a CompiledModel,
    /// The states of its inputs.
    pub(super) inputs: &'a Inputs,
    pub(super) progress: &'a RowCounter,
    /// The provenance of the current version; `None` if there is no table, or another writer wrote it.
    pub(super) made: Option<&'a Provenance>,
    /// The listed files, if it is loaded file by file.
    pub(super) listed: Option<&'a Listed>,
    /// The current version number; `None` if there is no table.
    pub(super) current_version: Option<u64>,
    /// The columns of the current version.
    pub(super) columns: Option<&'a Schema>,
    /// True if the current version has another fingerprint or was written by another writer, or if the build
    /// was requested.
    pub(super) from_scratch: bool,
    /// True if it is built only because of `--force`.
    pub(super) forced: bool,
    /// True for a full refresh, which keeps nothing of the table.
    pub(super) full_refresh: bool,
    /// The time of the build: later than that of the current version.
    pub(super) now: DateTime<Utc>,
    /// The step that it executes, and the handle through which that reports.
    pub(super) reports: (&'a Arc<Step>, &'a JobHandle),
}

impl Build<'_> {
    /// Returns the provenance that its version will record.
    pub(super) fn provenance(&self, worker: &Worker) -> Provenance {
        let id = self.model.id.as_str();
        let fingerprint = self.compiled.fingerprint.clone();
        Provenance {
            made_at: Some(self.now),
            ..Provenance::new(id, &worker.invocation_id, fingerprint, self.inputs.clone())
        }
    }

    /// Returns whether its SQL or settings changed since the current version, and it is configured to rebuild
    /// all rows then.
    pub(super) fn follows_other_sql(&self) -> bool {
        let settings = self.model.config.incremental.as_ref();
        settings.is_some_and(|settings| settings.on_sql_change == Follow::FullRefresh)
            && self.made.is_some_and(|made| made.fingerprint != self.compiled.fingerprint)
    }

    /// Returns a warning if the columns changed although the model didn't: then a source has other columns,
    /// which the model selects without naming them.
    pub(super) fn other_columns(&self) -> Option<String> {
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
    pub(super) fn write(&self, worker: &Worker) -> Write {
        let Self { model, compiled, progress, .. } = *self;
        let progress = Arc::clone(progress);
        Write {
            replaces: Replaces::Everything,
            schema: Arc::clone(&compiled.schema),
            partition_by: model.config.partition_by.clone(),
            provenance: self.provenance(worker),
            description: Some(model.documentation.description.text.clone()).filter(|text| !text.is_empty()),
            constraints: compiled.constraints.clone(),
            target_file_size: model.config.target_file_size.and_then(NonZeroU64::new),
            transaction: None,
            on_rows: Arc::new(move |rows| progress.store(rows, Ordering::Relaxed)),
        }
    }

    /// Returns whether any of its rules quarantines rows.
    pub(super) fn quarantines(&self) -> bool {
        self.compiled.rules.iter().any(|rule| rule.then == OnViolation::Quarantine)
    }
}
