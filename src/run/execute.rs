//! Job execution: builds a node and then runs its tests. Errors become step outcomes.

use std::sync::Arc;

use super::{
    delta_testing::PassedBefore,
    scheduler::{Cancelled, JobHandle},
    step_error::StepError,
    worker::Worker,
};
use crate::{
    outcome::Outcome,
    plan::{Action, Job, Reason, Step},
};

impl Worker {
    /// Executes one job.
    ///
    /// # Errors
    /// If the run was cancelled; the job has then cleaned up.
    pub async fn execute(self: Arc<Self>, job: Arc<Job>, handle: JobHandle) -> Result<(), Cancelled> {
        if self.starts_late(&job) {
            return self.execute_late(job, handle).await;
        }
        let (unchecked, steps): (Vec<_>, Vec<_>) =
            job.steps.iter().partition(|step| step.reason.is_unchecked());
        for step in &unchecked {
            if !self.one(step, &handle, std::future::ready(self.unchecked(step))).await?
                && step.action != Action::Test
            {
                return Ok(());
            }
        }
        let (tests, makers): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(|step| step.action == Action::Test);
        for step in makers {
            let outcome = match step.action {
                Action::Table | Action::Incremental | Action::Seed | Action::Snapshot => {
                    return Box::pin(self.build(&job, step, &tests, &handle)).await;
                }
                Action::View => self.one(step, &handle, self.view(step)).await?,
                Action::UnitTest if step.reason == Reason::UpToDate => {
                    self.one(step, &handle, async { Ok(Outcome::Reused { rejected: None }) }).await?
                }
                Action::UnitTest => self.one(step, &handle, self.unit_test(step)).await?,
                Action::Freshness => self.one(step, &handle, self.freshness(step)).await?,
                Action::Test => continue,
            };
            if !outcome {
                return Ok(());
            }
        }
        self.audit(&tests, None, &PassedBefore::default(), &handle).await.map(drop)
    }

    /// Fails because of an unreadable source, or of a table that has other columns than its model.
    fn unchecked(&self, step: &Step) -> Result<Outcome, StepError> {
        let finding = self.compiled.unreadable.get(&step.node).map(|cause| cause.finding.as_ref());
        let mut message = finding.map_or_else(|| step.reason.to_string(), |found| found.message.clone());
        let (Reason::ColumnsDiffer { .. }, Some(finding)) = (&step.reason, finding) else {
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
