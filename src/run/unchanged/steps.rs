//! Recorded steps: the outcomes of a run that did nothing, for later runs to report again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, Fact},
    name::{NodeId, Relation},
    outcome::{Outcome, Rejected, Verdict},
    plan::{Action, Reason, Step},
};

/// A step and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedStep {
    node: NodeId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relation: Option<Relation>,
    action: Action,
    ended: IdleOutcome,
}

/// The reason why nothing was done, and the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum IdleOutcome {
    Reused(Option<Rejected>),
    /// A test that has already judged the same rows, with its number of failures and its verdict.
    Known(u64, Box<Verdict>),
    /// A view.
    Checked,
}

impl RecordedStep {
    /// Records a step that did nothing. Returns `None` for any other step.
    fn new(step: &Step, outcome: &Outcome) -> Option<Self> {
        let ended = match (&step.reason, outcome) {
            (Reason::UpToDate, Outcome::Reused { rejected }) => IdleOutcome::Reused(rejected.clone()),
            (Reason::Warned { failures }, Outcome::Tested(verdict)) if outcome.is_success() => {
                IdleOutcome::Known(*failures, Box::new(verdict.clone()))
            }
            (Reason::Selected, Outcome::Checked) if step.action == Action::View => IdleOutcome::Checked,
            _ => return None,
        };
        let Step { node, name, relation, action, .. } = step.clone();
        Some(Self { node, name, relation, action, ended })
    }

    /// Returns the step and its outcome.
    #[must_use]
    pub fn into_outcome(self) -> (Arc<Step>, Outcome) {
        let (reason, outcome) = match self.ended {
            IdleOutcome::Reused(rejected) => (Reason::UpToDate, Outcome::Reused { rejected }),
            IdleOutcome::Known(failures, verdict) => (Reason::Warned { failures }, Outcome::Tested(*verdict)),
            IdleOutcome::Checked => (Reason::Selected, Outcome::Checked),
        };
        let Self { node, name, relation, action, .. } = self;
        (Arc::new(Step { node, name, relation, action, reason }), outcome)
    }

    /// Returns the node.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }
}

/// Records the steps of a run as long as none of them does anything.
#[derive(Debug, Default)]
pub struct StepRecorder {
    steps: Vec<RecordedStep>,
    is_spoilt: bool,
}

impl StepRecorder {
    /// Processes an event.
    pub fn event(&mut self, event: &Event) {
        match &event.fact {
            _ if self.is_spoilt => {}
            Fact::StepFinished { step, outcome, .. } => match RecordedStep::new(step, outcome) {
                Some(step) => self.steps.push(step),
                None => self.spoil(),
            },
            Fact::FilesMoved { .. }
            | Fact::ClockWentBack { .. }
            | Fact::StepSkipped { .. }
            | Fact::CancelRequested => self.spoil(),
            Fact::RunStarted(info) if !info.repaired.is_empty() => self.spoil(),
            Fact::RunStarted(_)
            | Fact::StepStarted { .. }
            | Fact::StepProgress { .. }
            | Fact::RunFinished { .. } => {}
        }
    }

    /// Returns the steps in the order in which they ended, or `None` if any did something.
    #[must_use]
    pub fn steps(self) -> Option<Vec<RecordedStep>> {
        (!self.is_spoilt).then_some(self.steps)
    }

    fn spoil(&mut self) {
        self.is_spoilt = true;
        self.steps.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(action: Action, reason: Reason) -> Step {
        Step { node: NodeId::model("p", "m"), name: "main.m".to_owned(), relation: None, action, reason }
    }

    #[test]
    fn what_did_nothing_is_told_again_and_nothing_else() {
        let warned = Verdict { failures: 3, message: Some("Got 3 results".to_owned()), ..Verdict::pass() };
        for (action, reason, outcome) in [
            (Action::Table, Reason::UpToDate, Outcome::Reused { rejected: None }),
            (Action::Test, Reason::Warned { failures: 3 }, Outcome::Tested(warned)),
            (Action::View, Reason::Selected, Outcome::Checked),
        ] {
            let step = step(action, reason);
            let recorded = RecordedStep::new(&step, &outcome).unwrap();
            let text = serde_json::to_string(&recorded).unwrap();
            let again: RecordedStep = serde_json::from_str(&text).unwrap();
            assert_eq!(again.into_outcome(), (Arc::new(step), outcome));
        }
        for (action, reason, outcome) in [
            (Action::Test, Reason::Selected, Outcome::Tested(Verdict::pass())),
            (Action::Test, Reason::Selected, Outcome::Reused { rejected: None }),
            (
                Action::Table,
                Reason::UpToDate,
                Outcome::Failed { message: "no room".to_owned(), compiled: None },
            ),
        ] {
            assert_eq!(RecordedStep::new(&step(action, reason), &outcome), None);
        }
    }
}
