//! A run's events in order. Only the scheduler creates them; every sink and the result are folds of them.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    name::{NodeId, Relation},
    outcome::{Outcome, Repaired, Skipped},
    plan::Step,
};

/// One fact, with the scheduler's sequence number (from 0) and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The position in the stream.
    pub number: u64,
    /// The time.
    pub at: DateTime<Utc>,
    pub fact: Fact,
}

/// A fact. Each planned step gets exactly one `StepFinished` or `StepSkipped`.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The first event.
    RunStarted(Arc<RunInfo>),
    /// A step was handed to a worker. `index` counts starts from 1, as in dbt's `1 of N`.
    StepStarted {
        step: Arc<Step>,
        /// Its position in the order of starts.
        index: usize,
    },
    /// A running step wrote rows; only for the live display.
    StepProgress {
        node: NodeId,
        /// The number of rows so far.
        rows: u64,
    },
    /// The files of an unreadable table were moved, so that it can be rebuilt.
    FilesMoved {
        /// The step that builds the table.
        step: Arc<Step>,
        /// The table: the step's own, or one of its companions.
        table: Relation,
        /// Their new location, for display.
        place: String,
        /// The reason why the table can't be read.
        why: String,
    },
    /// The clock is before the newest time in a step's table, which dates the new version instead.
    ClockWentBack {
        /// The step that builds the table.
        step: Arc<Step>,
        /// The clock's time.
        clock: DateTime<Utc>,
        /// The newest time in the table.
        newest: DateTime<Utc>,
    },
    /// A step ended.
    StepFinished {
        step: Arc<Step>,
        /// Its position in the order of starts.
        index: usize,
        outcome: Outcome,
        /// The elapsed seconds.
        seconds: f64,
    },
    /// A step will not run.
    StepSkipped {
        step: Arc<Step>,
        /// Its position in the order of starts and skips.
        index: usize,
        /// The reason.
        because: Skipped,
    },
    /// The run was cancelled.
    CancelRequested,
    /// The last event.
    RunFinished {
        /// The run's elapsed seconds.
        seconds: f64,
    },
}

/// The metadata of a run, known when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// The command: `build`, `run`.
    pub command: &'static str,
    /// A new UUID.
    pub invocation_id: String,
    /// The project's name.
    pub project: String,
    /// The target's name.
    pub target: String,
    /// The lake's root for display, without secrets.
    pub root: String,
    /// The maximum number of concurrent steps.
    pub threads: usize,
    /// The number of nodes of each kind in the project (`model` → 9, `source` → 4).
    pub found: BTreeMap<&'static str, usize>,
    /// The number of planned steps.
    pub steps: usize,
    /// The killed runs that were cleaned up before this run started.
    pub repaired: Vec<Repaired>,
}
