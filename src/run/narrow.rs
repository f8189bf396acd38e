//! What tests must look at of a new version: where it is known that a test found nothing in the version before, only what changed
//! can make it find anything.

use std::collections::BTreeSet;

use super::{
    reuse::Questions,
    stale::found_before,
    version::Version,
    worker::{StepError, Worker},
};
use crate::{
    compile::CompiledTest,
    engine::{Table, audit::Size, narrow::Narrowed, spool::Spool},
    lake::Observed,
    name::NodeId,
};

/// A part of a version that stands for all of it.
pub(super) struct Narrow {
    pub(super) table: Table,
    pub(super) size: Size,
    _rows: Option<Spool>,
}

/// Looking at a part is worth it if that is at most one row in so many.
const WORTH: u64 = 3;

/// The tests that are known to have found nothing in the version that this one changes.
pub(super) fn found_nothing(
    own: Option<&Observed>,
    version: &Version,
    questions: &Questions,
) -> BTreeSet<NodeId> {
    let staged = &version.own;
    let touched = staged.rows_written() + staged.rows_replaced();
    let Some(own) = own.filter(|own| staged.version() == own.version + 1 && touched * WORTH < staged.rows())
    else {
        return BTreeSet::new();
    };
    let nothing = |(id, asked): &(&NodeId, &String)| found_before(own, id, asked) == Some(0);
    questions.iter().filter(nothing).map(|(id, _)| id.clone()).collect()
}

impl Worker {
    /// The part of a version that a test which found nothing before must look at; none if that is all of it.
    pub(super) async fn narrow(
        &self,
        version: &Version,
        test: &CompiledTest,
    ) -> Result<Option<Narrow>, StepError> {
        let narrowed = match test.probe.rows.narrowed(&version.relation) {
            Some(narrowed) if test.counts_rows => narrowed,
            _ => return Ok(None),
        };
        let (came, went) = version.own.differences().await?;
        let narrow = match narrowed {
            Narrowed::ToRows => {
                Narrow { table: came, size: Size::of(version.own.rows_written()), _rows: None }
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
