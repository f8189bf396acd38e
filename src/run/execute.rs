//! Job execution: builds a node and then runs its tests. Errors become step outcomes.

use std::sync::Arc;

use super::{
    delta_testing::PassedBefore,
    late::not_compiled,
    scheduler::{Cancelled, JobHandle},
    step_error::StepError,
    task::Task,
    worker::Worker,
};
use crate::{
    diag::Diagnostic,
    outcome::Outcome,
    plan::{Action, Job, Reason, Step},
};

impl Worker {
    /// Executes one job.
    ///
    /// # Errors
    /// If the run was cancelled; the job has then cleaned up.
    pub async fn execute(self: Arc<Self>, job: Arc<Job>, handle: JobHandle) -> Result<(), Cancelled> {
        // A test with errors of its own fails in the audit, so that its model isn't published.
        let (unchecked, steps): (Vec<_>, Vec<_>) =
            job.steps.iter().partition(|step| step.reason.is_unchecked() && !is_invalid_test(step));
        for step in &unchecked {
            if !self.one(step, &handle, std::future::ready(self.unchecked(step))).await?
                && step.action != Action::Test
            {
                return Ok(());
            }
        }
        let Some(first) = steps.first() else { return Ok(()) };
        if first.action == Action::Test {
            return self.audit(&steps, None, &PassedBefore::default(), &handle).await.map(drop);
        }
        if let Some(task) = self.task(first) {
            return self.carry_out(&job, task, &steps, &handle).await;
        }
        let nodes = job.steps.iter().map(|step| step.node.clone()).collect();
        let compiled = Arc::clone(&self).compile_late(nodes, None).await;
        let (worker, findings) = match compiled {
            Ok(worker) => (worker, Vec::new()),
            Err(findings) => (Arc::clone(&self), findings),
        };
        if let Some(task) = worker.task(first) {
            return worker.carry_out(&job, task, &steps, &handle).await;
        }
        let _ = handle.started(first);
        handle.finished(first, not_compiled(&findings));
        Ok(())
    }

    /// Executes the first of these steps, which has this task, and then the tests among them.
    async fn carry_out(
        &self,
        job: &Job,
        task: Task<'_>,
        steps: &[&Arc<Step>],
        handle: &JobHandle,
    ) -> Result<(), Cancelled> {
        let Some((first, others)) = steps.split_first() else { return Ok(()) };
        let is_success = match task {
            Task::Table(task) => return Box::pin(self.build(job, task, others, handle)).await,
            Task::View(compiled) => self.one(first, handle, self.view(compiled)).await?,
            Task::UnitTest(_) if first.reason == Reason::UpToDate => {
                self.one(first, handle, async { Ok(Outcome::Reused { rejected: None }) }).await?
            }
            Task::UnitTest(test) => self.one(first, handle, self.unit_test(test)).await?,
            Task::Freshness(check) => self.one(first, handle, self.freshness(check)).await?,
        };
        if !is_success {
            return Ok(());
        }
        self.audit(others, None, &PassedBefore::default(), handle).await.map(drop)
    }

    /// Fails because of an unreadable source, a table that has other columns than its model, a query of a
    /// template, or errors.
    fn unchecked(&self, step: &Step) -> Result<Outcome, StepError> {
        let findings = self.compiled.unreadable.get(&step.node).map(|cause| &*cause.findings);
        if let (Reason::Invalid { .. }, Some(findings)) = (&step.reason, findings) {
            return Ok(not_compiled(findings));
        }
        let finding = findings.and_then(<[Diagnostic]>::first);
        let mut message = finding.map_or_else(|| step.reason.to_string(), |found| found.message.clone());
        let (Reason::ColumnsDiffer { .. } | Reason::QueryFailed { .. }, Some(finding)) =
            (&step.reason, finding)
        else {
            return Err(StepError::UnreadableSource(message));
        };
        for (what, texts) in [("note", &finding.notes), ("hint", &finding.hints)] {
            message.extend(texts.iter().map(|text| format!("\n  {what}: {text}")));
        }
        Err(StepError::Other(message))
    }

    /// Executes a step that isn't split further. Returns whether it succeeded.
    async fn one(
        &self,
        step: &Arc<Step>,
        handle: &JobHandle,
        work: impl Future<Output = Result<Outcome, StepError>>,
    ) -> Result<bool, Cancelled> {
        let _ = handle.started(step);
        let outcome = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(Cancelled),
            outcome = work => match outcome {
                Ok(outcome) => outcome,
                Err(error) => self.failed(step, &error).await,
            },
        };
        let well = outcome.is_success();
        handle.finished(step, outcome);
        Ok(well)
    }
}

/// Returns whether a step is a data test that has errors itself.
fn is_invalid_test(step: &Step) -> bool {
    step.action == Action::Test && matches!(&step.reason, Reason::Invalid { node } if *node == step.node)
}
