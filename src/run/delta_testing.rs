//! Delta testing: if a test found nothing in the previous version, it reads only the part of the new version
//! that changed.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::OnceCell;

use super::{
    build::Candidate,
    staleness::{Questions, found_before},
    step_error::StepError,
    worker::Worker,
};
use crate::{
    compile::{CompiledModel, Probe},
    engine::{
        Table,
        analyze::{
            delta_testing::{DeltaScope, is_column},
            event_time,
        },
        rows::{spool::Spool, test_query::InputSize},
    },
    lake::CurrentVersion,
    name::NodeId,
};

/// The part of a version that a test reads in place of the whole.
pub(super) struct TestScope {
    pub(super) table: Table,
    pub(super) size: InputSize,
    _rows: Option<Spool>,
}

/// The inserted and the deleted rows of a version.
pub(super) type Differences = OnceCell<(Table, Table)>;

/// Narrowing is worthwhile if fewer than one in this many rows changed.
const WORTH: u64 = 3;

/// The tests and constraints known to have found nothing in the previous version.
#[derive(Debug, Default)]
pub(super) struct PassedBefore {
    pub(super) tests: BTreeSet<NodeId>,
    /// True if the constraints are unchanged.
    pub(super) constraints: bool,
}

impl PassedBefore {
    /// Returns the default, which knows nothing, if there is no evidence or if narrowing isn't worthwhile
    /// because too much of the version is new.
    pub(super) fn of(
        own: Option<&CurrentVersion>,
        version: &Candidate,
        compiled: &CompiledModel,
        questions: &Questions,
    ) -> Self {
        let staged = &version.own;
        let changed = staged.rows_written() + staged.rows_replaced();
        let is_little = changed * WORTH < staged.rows();
        let Some(own) = own.filter(|own| is_little && staged.version() == own.version + 1) else {
            return Self::default();
        };
        let nothing = |(id, asked): &(&NodeId, &String)| found_before(own, id, asked) == Some(0);
        let made = own.provenance.as_ref();
        Self {
            tests: questions.iter().filter(nothing).map(|(id, _)| id.clone()).collect(),
            // Constraints in the table's log are part of its settings; other ones may be new.
            constraints: compiled.checks.len() == compiled.constraints.checks.len()
                && made.is_some_and(|made| made.fingerprint.settings == compiled.fingerprint.settings),
        }
    }
}

impl Worker {
    /// Returns the part of a version to read if the previous version had no failing rows; `None` if all of it
    /// must be read. `differences` caches the changed rows for all tests.
    pub(super) async fn test_scope(
        &self,
        version: &Candidate,
        probe: &Probe,
        differences: &Differences,
    ) -> Result<Option<TestScope>, StepError> {
        let Some(scope) = probe.rows.delta_scope(&version.relation) else { return Ok(None) };
        let opened = differences.get_or_try_init(|| version.own.differences()).await?;
        let (inserted, deleted) = (Arc::clone(&opened.0), Arc::clone(&opened.1));
        let scope = match scope {
            DeltaScope::Rows => {
                TestScope { table: inserted, size: InputSize::of(version.own.rows_written()), _rows: None }
            }
            // A group with one event time has all its rows in one batch, which was written completely.
            DeltaScope::Groups(groups)
                if let Some((column, time)) = &version.effect.time
                    && groups.iter().any(|group| is_column(group, column)) =>
            {
                let table = event_time::rows_in(&inserted, column, time)?;
                TestScope { table, size: InputSize::of(version.own.rows_written()), _rows: None }
            }
            DeltaScope::Groups(groups) => {
                let own = version.table().await?;
                let (table, rows) = self.engine.changed_groups(&own, (inserted, deleted), &groups).await?;
                TestScope { table, size: InputSize::Unknown, _rows: Some(rows) }
            }
        };
        Ok(Some(scope))
    }
}
