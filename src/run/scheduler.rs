//! The one loop. It owns the truth about a run: it starts steps when they may start, never more than `threads` at
//! a time, and tells every fact once, numbered and timed, in one order.
//!
//! ```text
//! waiting ──parents done──▶ ready ──slot free──▶ running ──▶ finished
//!    └──an ancestor failed / cancelled / fail-fast──▶ skipped
//! ```
//!
//! Facts are handed to `emit` synchronously, which is the run's back-pressure. The loop does not know what a step
//! does, does no I/O and prints nothing.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::Utc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::queue::Queue;
use crate::{
    event::{Event, Fact, RunInfo},
    outcome::{Outcome, Skipped},
    plan::{Plan, Step},
};

/// A step that stopped because it was told to; it left nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// Rows that a running step has written, shared with the loop.
pub type Progress = Arc<AtomicU64>;

/// What bounds a run.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps side by side at most.
    pub threads: usize,
    /// Start nothing more once a step failed.
    pub fail_fast: bool,
}

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// Runs the plan: `execute` does one step, `emit` hears every fact.
///
/// Ends when each step has finished or been skipped. Once `cancel` is cancelled no step starts any more, and those
/// that run are waited for: they watch the same token and end with [`Cancelled`].
pub async fn run<F, Fut>(
    info: RunInfo,
    plan: &Plan,
    limits: Limits,
    cancel: &CancellationToken,
    execute: F,
    emit: &mut dyn FnMut(&Event),
) where
    F: Fn(Arc<Step>, Progress) -> Fut,
    Fut: Future<Output = Result<Outcome, Cancelled>> + Send + 'static,
{
    let started = Instant::now();
    let mut teller = Teller { emit, next: 0, index: 0 };
    teller.tell(Fact::RunStarted(Arc::new(info)));
    let steps: Vec<Arc<Step>> = plan.steps.iter().cloned().map(Arc::new).collect();
    let queue = Queue::new(steps.iter().map(AsRef::as_ref));
    let mut state = Board { steps, queue, tasks: JoinSet::new(), running: BTreeMap::new(), stopped: None };
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        state.fill(limits.threads, &execute, &mut teller);
        tokio::select! {
            biased;
            () = cancel.cancelled(), if state.stopped != Some(Skipped::Cancelled) => {
                teller.tell(Fact::CancelRequested);
                state.stop(&Skipped::Cancelled, &mut teller);
            }
            ended = state.tasks.join_next_with_id() => match ended {
                None => break,
                Some(ended) => state.settle(ended, limits.fail_fast, &mut teller),
            },
            _ = ticks.tick() => state.progress(&mut teller),
        }
    }
    teller.tell(Fact::RunFinished { seconds: started.elapsed().as_secs_f64() });
}

/// Numbers and times the facts.
struct Teller<'a> {
    emit: &'a mut dyn FnMut(&Event),
    next: u64,
    index: usize,
}

impl Teller<'_> {
    fn tell(&mut self, fact: Fact) {
        (self.emit)(&Event { number: self.next, at: Utc::now(), fact });
        self.next += 1;
    }

    fn index(&mut self) -> usize {
        self.index += 1;
        self.index
    }

    fn skip(&mut self, step: &Arc<Step>, because: Skipped) {
        let index = self.index();
        self.tell(Fact::StepSkipped { step: Arc::clone(step), index, because });
    }
}

struct Board {
    steps: Vec<Arc<Step>>,
    queue: Queue,
    tasks: JoinSet<Result<Outcome, Cancelled>>,
    running: BTreeMap<Id, Slot>,
    stopped: Option<Skipped>,
}

struct Slot {
    at: usize,
    index: usize,
    since: Instant,
    progress: Progress,
    told: u64,
}

impl Board {
    fn fill<F, Fut>(&mut self, threads: usize, execute: &F, teller: &mut Teller<'_>)
    where
        F: Fn(Arc<Step>, Progress) -> Fut,
        Fut: Future<Output = Result<Outcome, Cancelled>> + Send + 'static,
    {
        while self.stopped.is_none() && self.running.len() < threads.max(1) {
            let Some(at) = self.queue.start() else { break };
            let step = Arc::clone(&self.steps[at]);
            let index = teller.index();
            teller.tell(Fact::StepStarted { step: Arc::clone(&step), index });
            let progress = Progress::default();
            let since = Instant::now();
            let task = self.tasks.spawn(execute(step, Arc::clone(&progress)));
            self.running.insert(task.id(), Slot { at, index, since, progress, told: 0 });
        }
    }

    fn settle(
        &mut self,
        ended: Result<(Id, Result<Outcome, Cancelled>), JoinError>,
        fail_fast: bool,
        teller: &mut Teller<'_>,
    ) {
        let (id, end) = match ended {
            Ok((id, end)) => (id, end),
            Err(error) => (error.id(), Ok(crashed(&error))),
        };
        let Some(slot) = self.running.remove(&id) else { return };
        let step = Arc::clone(&self.steps[slot.at]);
        let Ok(outcome) = end else {
            self.queue.failed(&step.node);
            let because = Skipped::Cancelled;
            teller.tell(Fact::StepSkipped { step, index: slot.index, because });
            return;
        };
        let good = outcome.is_success();
        let seconds = slot.since.elapsed().as_secs_f64();
        teller.tell(Fact::StepFinished { step: Arc::clone(&step), index: slot.index, outcome, seconds });
        if good {
            self.queue.done(&step.node);
            return;
        }
        for lost in self.queue.failed(&step.node) {
            teller.skip(&self.steps[lost], Skipped::Upstream { failed: step.node.clone() });
        }
        if fail_fast && self.stopped.is_none() {
            self.stop(&Skipped::FailFast, teller);
        }
    }

    /// Skips everything that does not run yet.
    fn stop(&mut self, because: &Skipped, teller: &mut Teller<'_>) {
        self.stopped = Some(because.clone());
        let running: Vec<usize> = self.running.values().map(|slot| slot.at).collect();
        for at in self.queue.drain(|at| running.contains(&at)) {
            teller.skip(&self.steps[at], because.clone());
        }
    }

    fn progress(&mut self, teller: &mut Teller<'_>) {
        for slot in self.running.values_mut() {
            let rows = slot.progress.load(Ordering::Relaxed);
            if rows != slot.told {
                slot.told = rows;
                teller.tell(Fact::StepProgress { node: self.steps[slot.at].node.clone(), rows });
            }
        }
    }
}

fn crashed(error: &JoinError) -> Outcome {
    Outcome::Failed {
        message: format!("the step crashed, which is a bug in Headwater: {error}"),
        compiled: None,
    }
}

#[cfg(test)]
mod tests;
