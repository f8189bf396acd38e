//! What tests must look at of a new version: where it is known that a test found nothing in the version before, only what changed
//! can make it find anything.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::OnceCell;

use super::{
    reuse::Questions,
    stale::found_before,
    version::Version,
    worker::{StepError, Worker},
};
use crate::{
    compile::{CompiledModel, Probe},
    engine::{
        Table,
        audit::Size,
        batch,
        narrow::{Narrowed, is_column},
        spool::Spool,
    },
    lake::Observed,
    name::NodeId,
};

/// A part of a version that stands for all of it.
pub(super) struct Narrow {
    pub(super) table: Table,
    pub(super) size: Size,
    _rows: Option<Spool>,
}

/// The rows that came with a version, and those that went.
pub(super) type Differences = OnceCell<(Table, Table)>;

/// Looking at a part is worth it if that is at most one row in so many.
const WORTH: u64 = 3;

/// What is known to have found nothing in the version that another one changes.
#[derive(Debug, Default)]
pub(super) struct NothingBefore {
    /// Tests.
    pub(super) tests: BTreeSet<NodeId>,
    /// Whether its constraints were these.
    pub(super) constraints: bool,
}

impl NothingBefore {
    /// Nothing is known, or it is not worth to know it, if most of the version is new.
    pub(super) fn of(
        own: Option<&Observed>,
        version: &Version,
        compiled: &CompiledModel,
        questions: &Questions,
    ) -> Self {
        let staged = &version.own;
        let touched = staged.rows_written() + staged.rows_replaced();
        let is_little = touched * WORTH < staged.rows();
        let Some(own) = own.filter(|own| is_little && staged.version() == own.version + 1) else {
            return Self::default();
        };
        let nothing = |(id, asked): &(&NodeId, &String)| found_before(own, id, asked) == Some(0);
        let made = own.provenance.as_ref();
        Self {
            tests: questions.iter().filter(nothing).map(|(id, _)| id.clone()).collect(),
            // Those that are written into the table's log are settings that shape it; others may be new.
            constraints: compiled.checks.len() == compiled.constraints.checks.len()
                && made.is_some_and(|made| made.fingerprint.settings == compiled.fingerprint.settings),
        }
    }
}

impl Worker {
    /// The part of a version that rows must be looked for in where there were none before; none if that is all of it.
    /// `differences`: where they are opened once for all tests.
    pub(super) async fn narrow(
        &self,
        version: &Version,
        probe: &Probe,
        differences: &Differences,
    ) -> Result<Option<Narrow>, StepError> {
        let Some(narrowed) = probe.rows.narrowed(&version.relation) else { return Ok(None) };
        let opened = differences.get_or_try_init(|| version.own.differences()).await?;
        let (came, went) = (Arc::clone(&opened.0), Arc::clone(&opened.1));
        let narrow = match narrowed {
            Narrowed::ToRows => {
                Narrow { table: came, size: Size::of(version.own.rows_written()), _rows: None }
            }
            // A group of one time has all its rows in the batch of that time, which was written whole.
            Narrowed::ToGroups(groups)
                if let Some((column, time)) = &version.time
                    && groups.iter().any(|group| is_column(group, column)) =>
            {
                let table = batch::within(&came, column, time)?;
                Narrow { table, size: Size::of(version.own.rows_written()), _rows: None }
            }
            Narrowed::ToGroups(groups) => {
                let own = version.table().await?;
                let (table, rows) = self.engine.groups_touched(&own, (came, went), &groups).await?;
                Narrow { table, size: Size::Unknown, _rows: Some(rows) }
            }
        };
        Ok(Some(narrow))
    }
}
