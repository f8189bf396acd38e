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
    Cancelled, Chronicle, Progress, Told,
    told::{Said, What},
};
use crate::{
    event::Fact,
    name::NodeId,
    outcome::{Outcome, Skipped},
    plan::{Job, Plan},
    run::queue::Queue,
};

/// The end of a job's task.
type Ended = Result<(Id, Result<(), Cancelled>), JoinError>;

pub(super) struct Board {
    jobs: Vec<Arc<Job>>,
    queue: Queue,
    tasks: JoinSet<Result<(), Cancelled>>,
    running: BTreeMap<Id, usize>,
    /// The steps that have started but not ended.
    open: BTreeMap<NodeId, Open>,
    /// The steps that have ended.
    over: BTreeSet<NodeId>,
    /// The failed jobs, each with the step that represents its failure.
    failed: BTreeMap<usize, NodeId>,
    stopped: Option<Skipped>,
    sender: mpsc::UnboundedSender<Said>,
}

struct Open {
    index: usize,
    since: Instant,
    progress: Progress,
    told: u64,
}

impl Board {
    pub(super) fn new(plan: &Plan, sender: mpsc::UnboundedSender<Said>) -> Self {
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
    pub(super) async fn next(&mut self) -> Option<Ended> {
        self.tasks.join_next_with_id().await
    }

    /// Starts ready jobs up to the limit.
    pub(super) fn fill<F, Fut>(&mut self, threads: usize, execute: &F)
    where
        F: Fn(Arc<Job>, Told) -> Fut,
        Fut: Future<Output = Result<(), Cancelled>> + Send + 'static,
    {
        while self.stopped.is_none() && self.running.len() < threads.max(1) {
            let Some(at) = self.queue.start() else { break };
            let told = Told { job: at, sender: self.sender.clone() };
            let task = self.tasks.spawn(execute(Arc::clone(&self.jobs[at]), told));
            self.running.insert(task.id(), at);
        }
    }

    /// Turns a job's report into an event.
    pub(super) fn hear(&mut self, said: Said, fail_fast: bool, chronicle: &mut Chronicle<'_>) {
        let Said { job, step, what } = said;
        if self.over.contains(&step.node) {
            return;
        }
        match what {
            What::Started(progress) => {
                let index = chronicle.index();
                let open = Open { index, since: Instant::now(), progress, told: 0 };
                if self.open.insert(step.node.clone(), open).is_none() {
                    chronicle.tell(Fact::StepStarted { step, index });
                }
            }
            What::Moved { place, why } => chronicle.tell(Fact::FilesMoved { step, place, why }),
            What::Finished(outcome) => {
                let Some(open) = self.open.remove(&step.node) else { return };
                self.over.insert(step.node.clone());
                let well = outcome.is_success();
                if !well {
                    // A failed job is represented by its own node, or else by the first of its tests that
                    // failed.
                    let standing = self.failed.entry(job).or_insert_with(|| step.node.clone());
                    if step.node == self.jobs[job].node {
                        standing.clone_from(&step.node);
                    }
                }
                let seconds = open.since.elapsed().as_secs_f64();
                chronicle.tell(Fact::StepFinished { step, index: open.index, outcome, seconds });
                if !well && fail_fast && self.stopped.is_none() {
                    self.stop(&Skipped::FailFast, chronicle);
                }
            }
        }
    }

    /// Settles a job whose task ended: skips its open steps, and the jobs that need it if it failed.
    pub(super) fn settle(&mut self, ended: Ended, fail_fast: bool, chronicle: &mut Chronicle<'_>) {
        let (id, end) = match ended {
            Ok((id, end)) => (id, end.map_err(|Cancelled| Skipped::Cancelled)),
            Err(error) => {
                self.crashed(&error, fail_fast, chronicle);
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
        self.skip(at, &because, chronicle);
        let well = !cancelled && !self.failed.contains_key(&at);
        for lost in self.queue.ended(at, well) {
            self.skip(lost, &because, chronicle);
        }
    }

    /// Fails the current step of a job that panicked.
    fn crashed(&mut self, error: &JoinError, fail_fast: bool, chronicle: &mut Chronicle<'_>) {
        let Some(&at) = self.running.get(&error.id()) else { return };
        let job = Arc::clone(&self.jobs[at]);
        let Some(first) = job.steps.iter().find(|step| !self.over.contains(&step.node)) else { return };
        let open = job.steps.iter().find(|step| self.open.contains_key(&step.node));
        let step = open.unwrap_or(first);
        if open.is_none() {
            let what = What::Started(Progress::default());
            self.hear(Said { job: at, step: Arc::clone(step), what }, fail_fast, chronicle);
        }
        let message = format!("the step crashed, which is a bug in Headwater: {error}");
        let what = What::Finished(Outcome::Failed { message, compiled: None });
        self.hear(Said { job: at, step: Arc::clone(step), what }, fail_fast, chronicle);
    }

    /// Skips all jobs that aren't running.
    pub(super) fn stop(&mut self, because: &Skipped, chronicle: &mut Chronicle<'_>) {
        self.stopped = Some(because.clone());
        let running: BTreeSet<usize> = self.running.values().copied().collect();
        for at in self.queue.drain(|at| running.contains(&at)) {
            self.skip(at, because, chronicle);
        }
    }

    /// Skips the steps of a job that haven't ended.
    fn skip(&mut self, at: usize, because: &Skipped, chronicle: &mut Chronicle<'_>) {
        for step in &Arc::clone(&self.jobs[at]).steps {
            if self.over.insert(step.node.clone()) {
                let index = self.open.remove(&step.node).map(|open| open.index);
                chronicle.skip(step, index, because.clone());
            }
        }
    }

    /// Emits the progress of open steps.
    pub(super) fn progress(&mut self, chronicle: &mut Chronicle<'_>) {
        for (node, open) in &mut self.open {
            let rows = open.progress.load(Ordering::Relaxed);
            if rows != open.told {
                open.told = rows;
                chronicle.tell(Fact::StepProgress { node: node.clone(), rows });
            }
        }
    }
}
