//! Job handles: a running job reports the start and end of its steps to the scheduler.

use std::sync::{Arc, atomic::AtomicU64};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::{name::Relation, outcome::Outcome, plan::Step};

/// A job that stopped because of a cancellation, and cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// The number of rows that a running step has written, shared with the loop.
pub type RowCounter = Arc<AtomicU64>;

/// The handle through which a job reports. Reports about other jobs' steps, and a second end of a step, are
/// ignored.
#[derive(Debug, Clone)]
pub struct JobHandle {
    pub(super) job: usize,
    pub(super) sender: mpsc::UnboundedSender<StepSignal>,
}

/// One report about a step.
#[derive(Debug)]
pub(super) struct StepSignal {
    pub(super) job: usize,
    pub(super) step: Arc<Step>,
    pub(super) kind: SignalKind,
}

#[derive(Debug)]
pub(super) enum SignalKind {
    Started(RowCounter),
    Moved { table: Relation, place: String, why: String },
    ClockWentBack { clock: DateTime<Utc>, newest: DateTime<Utc> },
    Finished(Outcome),
}

impl JobHandle {
    /// Reports the start of a step. The loop reads the number of rows from the returned counter.
    #[must_use]
    pub fn started(&self, step: &Arc<Step>) -> RowCounter {
        let rows = RowCounter::default();
        self.send(step, SignalKind::Started(Arc::clone(&rows)));
        rows
    }

    /// Reports that the files of a step's unreadable table, or of a companion, were moved away.
    pub fn moved(&self, step: &Arc<Step>, table: Relation, place: String, why: String) {
        self.send(step, SignalKind::Moved { table, place, why });
    }

    /// Reports that the clock is before the newest time in a step's table.
    pub fn clock_went_back(&self, step: &Arc<Step>, clock: DateTime<Utc>, newest: DateTime<Utc>) {
        self.send(step, SignalKind::ClockWentBack { clock, newest });
    }

    /// Reports the end of a step.
    pub fn finished(&self, step: &Arc<Step>, outcome: Outcome) {
        self.send(step, SignalKind::Finished(outcome));
    }

    fn send(&self, step: &Arc<Step>, kind: SignalKind) {
        // The loop receives reports as long as a job runs.
        let _ = self.sender.send(StepSignal { job: self.job, step: Arc::clone(step), kind });
    }
}
