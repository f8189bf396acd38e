//! The scheduler: the only event loop of a run. It owns the state of the run, starts at most `threads` jobs
//! at a time as they become ready, and emits every event once, numbered and timed, in one order.
//!
//! ```text
//! waiting ──parents done──▶ ready ──slot free──▶ running ──▶ ended
//!    └──an ancestor failed / cancelled / fail-fast──▶ skipped
//! ```
//!
//! A running job reports the start and end of its steps through [`Told`]; only the scheduler turns these
//! reports into events. Steps without a report are skipped when the job ends. Events are passed to `emit`
//! synchronously, which provides the run's backpressure. The loop doesn't know what a job does, does no I/O
//! and prints nothing.

mod board;
mod replay;
mod told;

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{board::Board, told::Said};
pub use self::{replay::replay, told::Told};
use crate::{
    event::{Event, Fact, RunInfo},
    outcome::Skipped,
    plan::{Job, Plan, Step},
};

/// A job that stopped because of a cancellation, and cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// The number of rows that a running step has written, shared with the loop.
pub type Progress = Arc<AtomicU64>;

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The maximum number of concurrent jobs.
    pub threads: usize,
    /// True if no more jobs start after a step fails.
    pub fail_fast: bool,
}

/// The interval between progress events.
const TICK: Duration = Duration::from_millis(100);

/// Runs the plan: `execute` runs one job, `emit` receives every event.
///
/// Returns once each step has finished or been skipped. After `cancel` is cancelled, no more jobs start, and
/// running jobs are awaited: they watch the same token and end with [`Cancelled`].
pub async fn run<F, Fut>(
    info: RunInfo,
    plan: &Plan,
    limits: Limits,
    cancel: &CancellationToken,
    execute: F,
    emit: &mut dyn FnMut(&Event),
) where
    F: Fn(Arc<Job>, Told) -> Fut,
    Fut: Future<Output = Result<(), Cancelled>> + Send + 'static,
{
    let started = Instant::now();
    let mut chronicle = Chronicle { emit, next: 0, index: 0 };
    chronicle.tell(Fact::RunStarted(Arc::new(info)));
    let (sender, mut said) = mpsc::unbounded_channel::<Said>();
    let mut board = Board::new(plan, sender);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        board.fill(limits.threads, &execute);
        tokio::select! {
            biased;
            () = cancel.cancelled(), if !board.is_cancelled() => {
                chronicle.tell(Fact::CancelRequested);
                board.stop(&Skipped::Cancelled, &mut chronicle);
            }
            Some(one) = said.recv() => board.hear(one, limits.fail_fast, &mut chronicle),
            ended = board.next() => {
                // Handle the job's remaining reports before its end.
                while let Ok(one) = said.try_recv() {
                    board.hear(one, limits.fail_fast, &mut chronicle);
                }
                match ended {
                    None => break,
                    Some(ended) => board.settle(ended, limits.fail_fast, &mut chronicle),
                }
            }
            _ = ticks.tick() => board.progress(&mut chronicle),
        }
    }
    chronicle.tell(Fact::RunFinished { seconds: started.elapsed().as_secs_f64() });
}

/// The event log: numbers and times events.
struct Chronicle<'a> {
    emit: &'a mut dyn FnMut(&Event),
    next: u64,
    index: usize,
}

impl Chronicle<'_> {
    fn tell(&mut self, fact: Fact) {
        (self.emit)(&Event { number: self.next, at: Utc::now(), fact });
        self.next += 1;
    }

    fn index(&mut self) -> usize {
        self.index += 1;
        self.index
    }

    fn skip(&mut self, step: &Arc<Step>, index: Option<usize>, because: Skipped) {
        let index = index.unwrap_or_else(|| self.index());
        self.tell(Fact::StepSkipped { step: Arc::clone(step), index, because });
    }
}

#[cfg(test)]
mod tests;
