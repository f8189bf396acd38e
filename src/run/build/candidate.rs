//! Candidates: a staged version of a model with everything that belongs to it. It becomes visible when it is
//! published.

use std::sync::Arc;

use crate::{
    engine::{Table, exec::binding::same_types, rows::quarantine},
    interval::{Interval, Intervals},
    lake::{CurrentVersion, Lake, LakeWriter, Provenance, RejectNote, Staged},
    name::Relation,
    outcome::{FailedBatch, Outcome, Partial, Quarantined, Rejected, RowChanges},
    run::{
        companion_tables::abort_all,
        rejects::{self, RejectsByFile},
        step_error::StepError,
    },
    source::RejectSink,
};

/// The results of a build's batches.
pub(in crate::run) struct Batches {
    pub(in crate::run) done: Vec<Interval>,
    pub(in crate::run) failed: Vec<FailedBatch>,
}

/// The effect of a build on the rows of its table.
#[derive(Default)]
pub(in crate::run) struct Effect {
    /// The row changes, unless it was built from scratch.
    pub(in crate::run) changes: Option<Box<RowChanges>>,
    /// True if the changes left the rows as they were.
    pub(in crate::run) same_rows: bool,
    /// The batches that succeeded and failed, if any failed.
    pub(in crate::run) failed: Option<Batches>,
    /// For a microbatch model, the event-time column and the intervals it rebuilt: all rows in them are new,
    /// and no others are.
    pub(in crate::run) time: Option<(String, Intervals)>,
    /// The rejects of all files in the table, if not all of them were read in this build.
    pub(in crate::run) rejected_files: Option<RejectsByFile>,
    /// A companion table that depends on the rows, staged after them.
    pub(in crate::run) companion: Option<Staged>,
}

/// A staged version; see the module docs. Must be published or aborted; dropping it leaves files behind.
#[must_use = "a candidate is neither published nor aborted by itself"]
pub(in crate::run) struct Candidate {
    pub(in crate::run) relation: Relation,
    pub(in crate::run) own: Staged,
    /// The companion tables, published with it.
    pub(in crate::run) companions: Vec<Staged>,
    /// The sink to which its sources reported rejects.
    pub(in crate::run) rejects: Option<Arc<RejectSink>>,
    /// The summary of rejects for its commit.
    pub(in crate::run) note: Option<RejectNote>,
    /// The counts of rows removed by its rules.
    pub(in crate::run) removed: Option<Arc<quarantine::RemovedRows>>,
    /// True if any rule quarantines rows, so that there is a quarantine table.
    pub(in crate::run) quarantines: bool,
    /// Its effect on the rows.
    pub(in crate::run) effect: Effect,
}

impl Candidate {
    /// Returns the version as a table for queries.
    pub(in crate::run) async fn table(&self) -> Result<Table, StepError> {
        Ok(self.own.provider().await?)
    }

    /// Returns whether the current version has the same rows, columns and settings.
    pub(in crate::run) fn equals(&self, current: &CurrentVersion) -> bool {
        let own = self.own.provenance();
        current.provenance.as_ref().is_some_and(|made| {
            (self.effect.same_rows || !own.digest.is_empty() && made.digest == own.digest)
                && made.fingerprint.settings == own.fingerprint.settings
                && self.own.version() == current.version + 1
                // Equal rows under other columns make another version.
                && same_types(&self.own.schema(), &current.schema)
        })
    }

    /// Publishes the version. Companion tables come first, so that removed rows are on record before the rows
    /// without them are visible.
    pub(in crate::run) async fn publish(self, lake: &Lake) -> Result<Outcome, StepError> {
        let (rejected, quarantined) = (self.rejected(), self.quarantined());
        let Self { own, companions, effect: Effect { changes, failed, .. }, .. } = self;
        if let Err(error) = publish_companions(companions, lake).await {
            abort_all([own]).await;
            return Err(error);
        }
        let (rows, bytes) = (own.rows(), own.bytes());
        let published = own.publish().await?;
        if let Some(warning) = &published.warning {
            tracing::warn!("{warning}");
        }
        if let Some(batches) = failed {
            return Ok(partial(published.version, rows, changes, batches));
        }
        Ok(Outcome::Published {
            version: published.version,
            rows,
            bytes,
            changed: changes,
            rejected,
            quarantined,
        })
    }

    /// Retains the current version, which has the same rows, and records the new inputs.
    pub(in crate::run) async fn finish_as_no_op(
        self,
        writer: &LakeWriter,
        current: &CurrentVersion,
    ) -> Result<Outcome, StepError> {
        let (rejected, quarantined) = (self.rejected(), self.quarantined());
        let Self { own, companions, relation, effect: Effect { changes, failed, .. }, .. } = self;
        let (rows, mut now) = (own.rows(), own.provenance().clone());
        let transaction = own.transaction().cloned();
        abort_all([own]).await;
        publish_companions(companions, writer.lake()).await?;
        if let Some(made) = &current.provenance {
            let (tests, metrics) = (now.tests, now.metrics);
            now.tests = made.tests.clone();
            now.tests.extend(tests);
            now.metrics = made.metrics.clone();
            now.metrics.extend(metrics);
            now.digest.clone_from(&made.digest);
            now.millis = made.millis;
            now.stands_for = made.stands_for;
            let same_run = Provenance { run_id: made.run_id.clone(), ..now.clone() };
            now.stands_for = Some(current.data_version);
            if same_run != *made || transaction.is_some() {
                writer.commit_metadata(&relation, current.version, &now, transaction.as_ref()).await?;
            }
        }
        if let Some(batches) = failed {
            return Ok(partial(current.data_version, rows, changes, batches));
        }
        Ok(Outcome::Unchanged {
            version: current.data_version,
            rows,
            changed: changes,
            rejected,
            quarantined,
        })
    }

    /// Aborts the version and deletes all its files.
    pub(in crate::run) async fn abort(self) {
        abort_all(self.companions.into_iter().chain([self.own])).await;
    }

    fn rejected(&self) -> Option<Rejected> {
        let notes = self.rejects.as_ref()?.counts().notes;
        rejects::rejected(self.note.as_ref(), notes, &self.relation)
    }

    fn quarantined(&self) -> Option<Quarantined> {
        let counts = self.removed.as_ref()?;
        let (rows, dropped) = (counts.quarantined(), counts.dropped());
        let relation = self.quarantines.then(|| self.relation.quarantine());
        (rows + dropped > 0).then_some(Quarantined { rows, dropped, relation })
    }
}

fn partial(version: u64, rows: u64, counts: Option<Box<RowChanges>>, batches: Batches) -> Outcome {
    let changed = counts.map(|counts| *counts).unwrap_or_default();
    let Batches { done, failed } = batches;
    Outcome::Partial(Box::new(Partial { version, rows, changed, done, failed }))
}

/// Publishes companion tables, except for those whose rows are already current. If one fails, the remaining
/// ones are aborted.
async fn publish_companions(companions: Vec<Staged>, lake: &Lake) -> Result<(), StepError> {
    let mut companions = companions.into_iter();
    while let Some(companion) = companions.next() {
        if let Err(error) = publish_companion(companion, lake).await {
            abort_all(companions).await;
            return Err(error);
        }
    }
    Ok(())
}

async fn publish_companion(companion: Staged, lake: &Lake) -> Result<(), StepError> {
    let current = match lake.observe(companion.relation()).await {
        Ok(current) => current.and_then(|observed| observed.provenance),
        Err(error) => {
            abort_all([companion]).await;
            return Err(error.into());
        }
    };
    let adds_nothing = companion.rows_written() + companion.rows_replaced() == 0;
    let same =
        |made: &Provenance| adds_nothing || !made.digest.is_empty() && made.digest == companion.digest();
    let is_kept =
        current.as_ref().is_some_and(same) && (adds_nothing || lake.is_complete(companion.relation()).await);
    if is_kept {
        companion.abort().await?;
    } else {
        companion.publish().await?;
    }
    Ok(())
}
