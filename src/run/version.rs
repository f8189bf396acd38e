//! A model's new version and all that belongs to it, staged: nobody sees it before it is published.

use std::sync::Arc;

use super::worker::StepError;
use crate::{
    engine::{Table, source::RejectSink, split},
    lake::Staged,
    name::Relation,
    outcome::{Outcome, Quarantined, Rejected},
};

/// See the module. It is published or withdrawn; dropping it leaves files behind.
#[must_use = "a version is neither published nor withdrawn by itself"]
pub(super) struct Version {
    pub(super) relation: Relation,
    pub(super) own: Staged,
    /// The tables that become visible with it.
    pub(super) sides: Vec<Staged>,
    /// Where its sources reported what they set aside.
    pub(super) rejects: Option<Arc<RejectSink>>,
    /// What its rules took out.
    pub(super) taken: Option<Arc<split::Counts>>,
    /// Whether any rule sets rows aside, so that there is a table of them.
    pub(super) quarantines: bool,
}

impl Version {
    /// The version as it will be, for queries.
    pub(super) async fn table(&self) -> Result<Table, StepError> {
        Ok(self.own.provider().await?)
    }

    /// Makes it visible. What was set aside and taken out is told of before the rows that lack it can be seen.
    pub(super) async fn publish(self) -> Result<Outcome, StepError> {
        let (rejected, quarantined) = (self.rejected(), self.quarantined());
        let Self { own, sides, .. } = self;
        let mut sides = sides.into_iter();
        while let Some(side) = sides.next() {
            if let Err(error) = side.publish().await {
                for left in sides.chain([own]) {
                    left.abort().await?;
                }
                return Err(error.into());
            }
        }
        let (rows, bytes) = (own.rows(), own.bytes());
        let published = own.publish().await?;
        if let Some(warning) = &published.warning {
            tracing::warn!("{warning}");
        }
        Ok(Outcome::Published { version: published.version, rows, bytes, rejected, quarantined })
    }

    /// Deletes everything of it.
    pub(super) async fn withdraw(self) -> Result<(), StepError> {
        for staged in self.sides.into_iter().chain([self.own]) {
            staged.abort().await?;
        }
        Ok(())
    }

    fn rejected(&self) -> Option<Rejected> {
        let counts = self.rejects.as_ref()?.counts();
        (counts.rows + counts.files > 0).then(|| Rejected {
            rows: counts.rows,
            files: counts.files,
            relation: self.relation.rejected(),
            sample: counts.sample,
        })
    }

    fn quarantined(&self) -> Option<Quarantined> {
        let counts = self.taken.as_ref()?;
        let (rows, dropped) = (counts.set_aside(), counts.dropped());
        let relation = self.quarantines.then(|| self.relation.quarantine());
        (rows + dropped > 0).then_some(Quarantined { rows, dropped, relation })
    }
}
