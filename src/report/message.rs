//! Messages about a run. Each one is a dbt log event, with dbt's name and code and typed contents. `wording`
//! turns messages into text, `json` serialises them.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};

use crate::{
    event::RunInfo,
    name::Relation,
    outcome::{Outcome, Repaired, Skipped},
    plan::{Action, Step},
};

use super::{
    StepCounts,
    level::{self, Level},
    problem::ProblemBlock,
};

/// A step's position in the run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Position {
    pub(super) step: Arc<Step>,
    /// `N` of `N of M`.
    pub(super) index: usize,
    /// `M` of `N of M`.
    pub(super) total: usize,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    Version,
    Found(Arc<RunInfo>),
    Repaired(Repaired),
    Concurrency(Arc<RunInfo>),
    NothingToDo,
    Blank,
    Started(Position),
    /// The files of a step's table, or of a companion, were moved.
    Moved {
        step: Arc<Step>,
        table: Relation,
        to: String,
        why: String,
    },
    /// The clock is before the newest time in a step's table.
    ClockWentBack {
        step: Arc<Step>,
        clock: DateTime<Utc>,
        newest: DateTime<Utc>,
    },
    Finished {
        position: Position,
        outcome: Outcome,
        seconds: f64,
    },
    Skipped {
        position: Position,
        because: Skipped,
    },
    Cancelling,
    Ran {
        kinds: BTreeMap<String, usize>,
        seconds: f64,
    },
    Summary {
        counts: StepCounts,
        /// Whether the run was cancelled.
        cancelled: bool,
        /// The command that runs what is left, if anything is.
        next: Option<&'static str>,
    },
    Problem(ProblemBlock),
    Totals(StepCounts),
    Completed {
        command: &'static str,
        success: bool,
        seconds: f64,
    },
}

impl Message {
    /// Returns dbt's name and code for the message.
    pub(super) fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Version => ("MainReportVersion", "A001"),
            Self::Found(_) => ("FoundStats", "W006"),
            Self::Repaired(_) => ("RunRepaired", "H001"),
            Self::Concurrency(_) => ("ConcurrencyLine", "Q027"),
            Self::NothingToDo => ("NothingToDo", "Q035"),
            Self::Blank => ("Formatting", "Z017"),
            Self::Started(_) => ("LogStartLine", "Q011"),
            Self::Moved { .. } => ("DamagedFilesMoved", "H002"),
            Self::ClockWentBack { .. } => ("ClockWentBack", "H003"),
            Self::Finished { position, .. } => match position.step.action {
                Action::Table | Action::Incremental | Action::View => ("LogModelResult", "Q012"),
                Action::Seed => ("LogSeedResult", "Q016"),
                Action::Snapshot => ("LogSnapshotResult", "Q015"),
                Action::Test | Action::UnitTest => ("LogTestResult", "Q007"),
                Action::Freshness => ("LogFreshnessResult", "Q018"),
            },
            Self::Skipped { .. } => ("SkippingDetails", "Q034"),
            Self::Cancelling => ("LogCancelLine", "Q022"),
            Self::Ran { .. } => ("FinishedRunningStats", "E047"),
            Self::Summary { .. } => ("EndOfRunSummary", "Z030"),
            Self::Problem(_) if self.level() == Level::Error => ("RunResultError", "Z024"),
            Self::Problem(_) => ("RunResultWarningMessage", "Z046"),
            Self::Totals(_) => ("StatsLine", "Z023"),
            Self::Completed { .. } => ("CommandCompleted", "Q039"),
        }
    }

    /// Returns the message's severity.
    pub(super) fn level(&self) -> Level {
        match self {
            Self::Problem(block) => level::of(&block.problem.outcome),
            // A reused verdict adds nothing to the previous run's report, and the model's line already covers
            // it.
            Self::Finished { position, outcome: Outcome::Reused { .. }, .. }
                if position.step.action.is_test() =>
            {
                Level::Debug
            }
            Self::Finished { outcome, .. } => level::of(outcome),
            Self::Cancelling => Level::Error,
            Self::NothingToDo | Self::Moved { .. } | Self::ClockWentBack { .. } => Level::Warn,
            // Tests finish so quickly that their start lines would only double a run's output.
            Self::Started(position) if position.step.action.is_test() => Level::Debug,
            Self::Started(position) if position.step.reason.is_idle() => Level::Debug,
            Self::Completed { .. } => Level::Debug,
            _ => Level::Info,
        }
    }

    /// Returns true if `--quiet` still prints the message: each problem once, and the summary.
    pub(super) fn is_problem(&self) -> bool {
        match self {
            Self::Problem(_) | Self::NothingToDo | Self::Moved { .. } | Self::ClockWentBack { .. } => true,
            Self::Summary { counts, cancelled, .. } => {
                *cancelled || counts.error + counts.warn + counts.skip > 0
            }
            _ => false,
        }
    }

    /// Returns the step that the message is about.
    pub(super) fn step(&self) -> Option<&Arc<Step>> {
        match self {
            Self::Started(position) | Self::Finished { position, .. } | Self::Skipped { position, .. } => {
                Some(&position.step)
            }
            Self::Problem(block) => Some(&block.problem.step),
            Self::Moved { step, .. } | Self::ClockWentBack { step, .. } => Some(step),
            _ => None,
        }
    }

    /// Returns the outcome of that step, if it has finished.
    pub(super) fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Finished { outcome, .. } => Some(outcome),
            Self::Problem(block) => Some(&block.problem.outcome),
            _ => None,
        }
    }
}
