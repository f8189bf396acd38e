//! A run's result as a fold of its events, so that screen, artifact and exit code can't disagree.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    event::{Event, Fact},
    name::NodeId,
    outcome::{Outcome, Skipped},
    plan::{Reason, Step},
};

use super::{
    StepProblem,
    level::{self, Level},
    node,
};

/// The number of finished steps by outcome. Each step counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepCounts {
    /// Succeeded without warnings.
    pub pass: usize,
    /// Succeeded with warnings.
    pub warn: usize,
    /// Failed, found failures, or built a version that was withheld.
    pub error: usize,
    /// The number of errors that were partial successes, whose successful batches are published.
    pub partial: usize,
    /// Didn't run, or was cancelled.
    pub skip: usize,
    /// Was up to date.
    pub reused: usize,
}

impl StepCounts {
    /// Returns the total number of steps.
    #[must_use]
    pub fn total(&self) -> usize {
        self.pass + self.warn + self.error + self.skip + self.reused
    }
}

/// The result of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunResult {
    /// The number of finished steps by outcome.
    pub counts: StepCounts,
    /// The failures, in order of occurrence.
    pub failures: Vec<StepProblem>,
    /// The warnings, in order of occurrence.
    pub warnings: Vec<StepProblem>,
    /// The number of finished steps by noun: `table model`, `data test`.
    pub kinds: BTreeMap<String, usize>,
    /// The number of tests that gated each model's new version.
    pub gates: BTreeMap<NodeId, usize>,
    /// The number of steps skipped because of each failed node.
    pub skipped_for: BTreeMap<NodeId, usize>,
    /// The number of planned steps.
    pub planned: usize,
    /// Whether the run was cancelled.
    pub cancelled: bool,
    /// The elapsed seconds, once the run has finished.
    pub seconds: f64,
}

impl RunResult {
    #[cfg(test)]
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut result = Self::default();
        events.into_iter().for_each(|event| result.fold(event));
        result
    }

    /// Folds in one more event.
    pub fn fold(&mut self, event: &Event) {
        match &event.fact {
            Fact::RunStarted(info) => self.planned = info.steps,
            Fact::StepFinished { step, outcome, .. } => {
                self.ended(step);
                self.judge(step, outcome);
            }
            Fact::StepSkipped { step, because, .. } => {
                self.ended(step);
                self.counts.skip += 1;
                if let Skipped::Upstream { failed } = because {
                    *self.skipped_for.entry(failed.clone()).or_default() += 1;
                }
            }
            Fact::CancelRequested => self.cancelled = true,
            Fact::RunFinished { seconds } => self.seconds = *seconds,
            Fact::StepStarted { .. }
            | Fact::StepProgress { .. }
            | Fact::FilesMoved { .. }
            | Fact::ClockWentBack { .. } => {}
        }
    }

    /// Returns 0 if every planned step succeeded and the run wasn't cancelled, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let well = self.counts.pass + self.counts.warn + self.counts.reused;
        u8::from(self.cancelled || well != self.counts.total() || well != self.planned)
    }

    fn ended(&mut self, step: &Step) {
        *self.kinds.entry(node::noun(step)).or_default() += 1;
        if let Reason::Gates { node } = &step.reason {
            *self.gates.entry(node.clone()).or_default() += 1;
        }
    }

    fn judge(&mut self, step: &Arc<Step>, outcome: &Outcome) {
        let problem = || StepProblem { step: step.clone(), outcome: outcome.clone() };
        match level::of(outcome) {
            _ if matches!(outcome, Outcome::Reused { rejected: None }) => self.counts.reused += 1,
            Level::Debug | Level::Info => self.counts.pass += 1,
            Level::Warn => {
                self.counts.warn += 1;
                self.warnings.push(problem());
            }
            Level::Error => {
                self.counts.error += 1;
                self.counts.partial += usize::from(matches!(outcome, Outcome::Partial(_)));
                self.failures.push(problem());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        outcome::{TestStatus, Verdict},
        report::sample::{self, Script},
    };

    #[test]
    fn every_ending_is_counted_once() {
        let result = RunResult::of(&sample::every_ending());
        assert_eq!(result.counts, StepCounts { pass: 2, warn: 1, error: 1, partial: 0, skip: 3, reused: 0 });
        assert_eq!(result.exit_code(), 1);
    }

    #[test]
    fn tests_unit_tests_and_sources_are_steps_as_well() {
        let result = RunResult::of(&sample::every_verdict());
        let counts = result.counts;
        assert_eq!(counts.total(), result.planned);
        assert_eq!((counts.error, counts.warn), (result.failures.len(), result.warnings.len()));
        assert_eq!(result.exit_code(), 1);
    }

    #[test]
    fn what_a_test_finds_is_a_failure_unless_it_only_warns() {
        let exit = |outcome| {
            let mut script = Script::new(1);
            script.ran(&sample::test("unique_orders_id", None), outcome);
            RunResult::of(&script.end()).exit_code()
        };
        assert_eq!(exit(Outcome::Tested(Verdict::pass())), 0);
        assert_eq!(exit(sample::found(TestStatus::Warn, 3)), 0);
        assert_eq!(exit(sample::found(TestStatus::Fail, 3)), 1);
    }

    #[test]
    fn rows_in_quarantine_are_no_warning_of_the_model() {
        let mut script = Script::new(1);
        script.ran(&sample::table("raw", "a"), sample::quarantined());
        assert_eq!(RunResult::of(&script.end()).counts, StepCounts { pass: 1, ..StepCounts::default() });
    }

    #[test]
    fn warnings_alone_are_no_failure() {
        let mut script = Script::new(1);
        script.ran(&sample::table("raw", "a"), sample::published(Some(sample::rejected())));
        let result = RunResult::of(&script.end());
        assert_eq!((result.counts.warn, result.exit_code()), (1, 0));
    }

    #[test]
    fn a_run_that_stops_short_or_is_told_to_stop_is_a_failure() {
        assert_eq!(RunResult::of(&Script::new(1).end()).exit_code(), 1);
        let mut script = Script::new(0);
        script.record(Fact::CancelRequested);
        assert_eq!(RunResult::of(&script.end()).exit_code(), 1);
    }

    proptest! {
        #[test]
        fn total_is_the_number_of_steps(endings in proptest::collection::vec(0..6_u8, 0..40)) {
            let mut script = Script::new(endings.len());
            for (n, ending) in endings.iter().enumerate() {
                let step = sample::table("raw", &format!("t{n}"));
                match ending {
                    0 => script.ran(&step, sample::published(None)),
                    1 => script.ran(&step, sample::published(Some(sample::rejected()))),
                    2 => script.ran(&step, Outcome::Checked),
                    3 => script.ran(&step, sample::failed()),
                    4 => script.skip(&step, Skipped::FailFast),
                    _ => script.interrupt(&step),
                }
            }
            let result = RunResult::of(&script.end());
            prop_assert_eq!(result.counts.total(), endings.len());
            prop_assert_eq!(result.kinds.values().sum::<usize>(), endings.len());
            prop_assert_eq!(result.exit_code() == 0, endings.iter().all(|ending| *ending < 3));
        }
    }
}
