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
        let (unreadable, steps): (Vec<_>, Vec<_>) =
            job.steps.iter().partition(|step| matches!(step.reason, Reason::Unreadable { .. }));
        for step in &unreadable {
            if !self.one(step, &handle, std::future::ready(self.unreadable(step))).await?
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

    /// Fails because of an unreadable source.
    fn unreadable(&self, step: &Step) -> Result<Outcome, StepError> {
        let unreadable = self.compiled.unreadable.get(&step.node);
        let unreadable = unreadable.ok_or_else(|| StepError::Lost(step.node.to_string()))?;
        Err(StepError::UnreadableSource(unreadable.finding.message.clone()))
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
