//! The run state: which jobs are waiting, running or over, and which of their steps are open.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
};

use super::{
    event_log::EventLog,
    job_handle::{Cancelled, JobHandle, RowCounter, SignalKind, StepSignal},
};
use crate::{
    engine::exec::crash::too_long,
    event::Fact,
    name::NodeId,
    outcome::{Outcome, Skipped},
    plan::{Job, Plan},
    run::queue::Queue,
};

/// The end of a job's task.
type TaskEnd = Result<(Id, Result<(), Cancelled>), JoinError>;

pub(super) struct RunState {
    jobs: Vec<Arc<Job>>,
    queue: Queue,
    tasks: JoinSet<Result<(), Cancelled>>,
    running: BTreeMap<Id, usize>,
    /// The steps that have started but not ended.
    open: BTreeMap<NodeId, OpenStep>,
    /// The steps that have ended.
    over: BTreeSet<NodeId>,
    /// The failed jobs, each with the step that represents its failure.
    failed: BTreeMap<usize, NodeId>,
    stopped: Option<Skipped>,
    sender: mpsc::UnboundedSender<StepSignal>,
}

/// A step that has started but not ended.
struct OpenStep {
    index: usize,
    since: Instant,
    rows: RowCounter,
    /// The number of rows in the last progress event.
    reported: u64,
}

impl RunState {
    pub(super) fn new(plan: &Plan, sender: mpsc::UnboundedSender<StepSignal>) -> Self {
        let jobs: Vec<Arc<Job>> = plan.jobs.iter().cloned().map(Arc::new).collect();
        Self {
            queue: Queue::new(&jobs),
            jobs,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            open: BTreeMap::new(),
            over: BTreeSet::new(),
            failed: BTreeMap::new(),
            stopped: None,
            sender,
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.stopped == Some(Skipped::Cancelled)
    }

    /// Waits for the next job to end; `None` if no job is running.
    pub(super) async fn next(&mut self) -> Option<TaskEnd> {
        self.tasks.join_next_with_id().await
    }

    /// Starts ready jobs up to the limit.
    pub(super) fn fill<F, Fut>(&mut self, threads: usize, execute: &F)
    where
        F: Fn(Arc<Job>, JobHandle) -> Fut,
        Fut: Future<Output = Result<(), Cancelled>> + Send + 'static,
    {
        while self.stopped.is_none() && self.running.len() < threads.max(1) {
            let Some(at) = self.queue.start() else { break };
            let handle = JobHandle { job: at, sender: self.sender.clone() };
            let task = self.tasks.spawn(execute(Arc::clone(&self.jobs[at]), handle));
            self.running.insert(task.id(), at);
        }
    }

    /// Turns a job's report into an event.
    pub(super) fn handle(&mut self, signal: StepSignal, fail_fast: bool, events: &mut EventLog<'_>) {
        let StepSignal { job, step, kind } = signal;
        if self.over.contains(&step.node) {
            return;
        }
        match kind {
            SignalKind::Started(rows) => {
                let index = events.index();
                let open = OpenStep { index, since: Instant::now(), rows, reported: 0 };
                if self.open.insert(step.node.clone(), open).is_none() {
                    events.record(Fact::StepStarted { step, index });
                }
            }
            SignalKind::Moved { table, place, why } => {
                events.record(Fact::FilesMoved { step, table, place, why });
            }
            SignalKind::ClockWentBack { clock, newest } => {
                events.record(Fact::ClockWentBack { step, clock, newest });
            }
            SignalKind::Finished(outcome) => {
                let Some(open) = self.open.remove(&step.node) else { return };
                self.over.insert(step.node.clone());
                let well = outcome.is_success();
                if !well {
                    // A failed job is represented by its own node, or else by the first of its tests that
                    // failed.
                    let representative = self.failed.entry(job).or_insert_with(|| step.node.clone());
                    if step.node == self.jobs[job].node {
                        representative.clone_from(&step.node);
                    }
                }
                let seconds = open.since.elapsed().as_secs_f64();
                events.record(Fact::StepFinished { step, index: open.index, outcome, seconds });
                if !well && fail_fast && self.stopped.is_none() {
                    self.stop(&Skipped::FailFast, events);
                }
            }
        }
    }

    /// Settles a job whose task ended: skips its open steps, and the jobs that need it if it failed.
    pub(super) fn settle(&mut self, ended: TaskEnd, fail_fast: bool, events: &mut EventLog<'_>) {
        let (id, end) = match ended {
            Ok((id, end)) => (id, end.map_err(|Cancelled| Skipped::Cancelled)),
            Err(error) => {
                self.crashed(&error, fail_fast, events);
                (error.id(), Ok(()))
            }
        };
        let Some(at) = self.running.remove(&id) else { return };
        let job = Arc::clone(&self.jobs[at]);
        let cancelled = end.is_err();
        let because = match (end, self.failed.get(&at)) {
            (Err(because), _) => because,
            (Ok(()), Some(failed)) => Skipped::Upstream { failed: failed.clone() },
            (Ok(()), None) => Skipped::Upstream { failed: job.node.clone() },
        };
        self.skip(at, &because, events);
        let well = !cancelled && !self.failed.contains_key(&at);
        for lost in self.queue.ended(at, well) {
            self.skip(lost, &because, events);
        }
    }

    /// Fails the current step of a job that panicked.
    fn crashed(&mut self, error: &JoinError, fail_fast: bool, events: &mut EventLog<'_>) {
        let Some(&at) = self.running.get(&error.id()) else { return };
        let job = Arc::clone(&self.jobs[at]);
        let Some(first) = job.steps.iter().find(|step| !self.over.contains(&step.node)) else { return };
        let open = job.steps.iter().find(|step| self.open.contains_key(&step.node));
        let step = open.unwrap_or(first);
        if open.is_none() {
            let kind = SignalKind::Started(RowCounter::default());
            self.handle(StepSignal { job: at, step: Arc::clone(step), kind }, fail_fast, events);
        }
        let message = too_long(&error.to_string())
            .unwrap_or_else(|| format!("the step crashed, which is a bug in Headwater: {error}"));
        let kind = SignalKind::Finished(Outcome::Failed { message, compiled: None });
        self.handle(StepSignal { job: at, step: Arc::clone(step), kind }, fail_fast, events);
    }

    /// Skips all jobs that aren't running.
    pub(super) fn stop(&mut self, because: &Skipped, events: &mut EventLog<'_>) {
        self.stopped = Some(because.clone());
        let running: BTreeSet<usize> = self.running.values().copied().collect();
        for at in self.queue.drain(|at| running.contains(&at)) {
            self.skip(at, because, events);
        }
    }

    /// Skips the steps of a job that haven't ended.
    fn skip(&mut self, at: usize, because: &Skipped, events: &mut EventLog<'_>) {
        for step in &Arc::clone(&self.jobs[at]).steps {
            if self.over.insert(step.node.clone()) {
                let index = self.open.remove(&step.node).map(|open| open.index);
                events.skip(step, index, because.clone());
            }
        }
    }

    /// Emits the progress of open steps.
    pub(super) fn progress(&mut self, events: &mut EventLog<'_>) {
        for (node, open) in &mut self.open {
            let rows = open.rows.load(Ordering::Relaxed);
            if rows != open.reported {
                open.reported = rows;
                events.record(Fact::StepProgress { node: node.clone(), rows });
            }
        }
    }
}
