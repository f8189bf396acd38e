//! The scheduler: the only event loop of a run. It owns the state of the run, starts at most `threads` jobs
//! at a time as they become ready, and emits every event once, numbered and timed, in one order.
//!
//! ```text
//! waiting ──parents done──▶ ready ──slot free──▶ running ──▶ ended
//!    └──an ancestor failed / cancelled / fail-fast──▶ skipped
//! ```
//!
//! A running job reports the start and end of its steps through [`JobHandle`]; only the scheduler turns these
//! reports into events. Steps without a report are skipped when the job ends. Events are passed to `emit`
//! synchronously, which provides the run's backpressure. The loop doesn't know what a job does, does no I/O
//! and prints nothing.

mod event_log;
mod job_handle;
mod replay;
mod run_state;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{event_log::EventLog, job_handle::StepSignal, run_state::RunState};
pub use self::{
    job_handle::{Cancelled, JobHandle, RowCounter},
    replay::replay,
};
use crate::{
    event::{Event, Fact, RunInfo},
    outcome::Skipped,
    plan::{Job, Plan},
};

/// The limits of a run.
#[derive(Debug, Clone, Copy)]
pub struct RunLimits {
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
    limits: RunLimits,
    cancel: &CancellationToken,
    execute: F,
    emit: &mut dyn FnMut(&Event),
) where
    F: Fn(Arc<Job>, JobHandle) -> Fut,
    Fut: Future<Output = Result<(), Cancelled>> + Send + 'static,
{
    let started = Instant::now();
    let mut events = EventLog::new(emit);
    events.record(Fact::RunStarted(Arc::new(info)));
    let (sender, mut signals) = mpsc::unbounded_channel::<StepSignal>();
    let mut state = RunState::new(plan, sender);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        state.fill(limits.threads, &execute);
        tokio::select! {
            biased;
            () = cancel.cancelled(), if !state.is_cancelled() => {
                events.record(Fact::CancelRequested);
                state.stop(&Skipped::Cancelled, &mut events);
            }
            Some(signal) = signals.recv() => state.handle(signal, limits.fail_fast, &mut events),
            ended = state.next() => {
                // Handle the job's remaining reports before its end.
                while let Ok(signal) = signals.try_recv() {
                    state.handle(signal, limits.fail_fast, &mut events);
                }
                match ended {
                    None => break,
                    Some(ended) => state.settle(ended, limits.fail_fast, &mut events),
                }
            }
            _ = ticks.tick() => state.progress(&mut events),
        }
    }
    events.record(Fact::RunFinished { seconds: started.elapsed().as_secs_f64() });
}

#[cfg(test)]
mod tests;
