//! Facts about a run, in order. The scheduler alone makes them; every sink, and the result, is a fold of them.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    name::NodeId,
    outcome::{Outcome, Repaired, Skipped},
    plan::Step,
};

/// One fact, numbered from 0 and timed by the scheduler.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Position in the stream.
    pub number: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened. Each planned step gets exactly one `StepFinished` or `StepSkipped`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Fact {
    /// First of all.
    RunStarted(Arc<RunInfo>),
    /// A step was handed to a worker. `index` counts starts from 1, as dbt's `1 of N` does.
    StepStarted {
        /// The step.
        step: Arc<Step>,
        /// Its place in the order of starts.
        index: usize,
    },
    /// Rows written so far by a running step; only for live display.
    StepProgress {
        /// The node.
        node: NodeId,
        /// Rows so far.
        rows: u64,
    },
    /// The files of a table that can't be read were moved, so that it can be built again.
    FilesMoved {
        /// The step that builds the table.
        step: Arc<Step>,
        /// Where they are now, as shown to people.
        place: String,
        /// Why the table can't be read.
        why: String,
    },
    /// A step ended.
    StepFinished {
        /// The step.
        step: Arc<Step>,
        /// Its place in the order of starts.
        index: usize,
        /// How it ended.
        outcome: Outcome,
        /// How long it ran.
        seconds: f64,
    },
    /// A step will not run.
    StepSkipped {
        /// The step.
        step: Arc<Step>,
        /// Its place in the order of starts and skips.
        index: usize,
        /// Why.
        #[serde(flatten)]
        because: Skipped,
    },
    /// Somebody asked the run to stop.
    CancelRequested,
    /// Last of all.
    RunFinished {
        /// Wall time of the run.
        seconds: f64,
    },
}

/// What is known when a run starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunInfo {
    /// The command: `build`, `run`.
    pub command: &'static str,
    /// A fresh UUID.
    pub invocation_id: String,
    /// The project's name.
    pub project: String,
    /// The target's name.
    pub target: String,
    /// The lake's root as shown to people, without secrets.
    pub root: String,
    /// Steps run side by side at most.
    pub threads: usize,
    /// How many nodes of each kind the project has (`model` → 9, `source` → 4).
    pub found: BTreeMap<&'static str, usize>,
    /// How many steps are planned.
    pub steps: usize,
    /// What was removed after runs that were killed, before this one began.
    pub repaired: Vec<Repaired>,
}
