//! The results of a run's steps, as `results` of `on-run-end` has them.

use serde_json::{Value, json};

use crate::{
    event::{Event, Fact},
    name::NodeId,
    outcome::{Outcome, TestStatus},
    plan::Step,
};

/// Returns the result of a step as `results` of `on-run-end` has it, if an event ends one.
pub(super) fn result(event: &Event) -> Option<Value> {
    let (step, status, message, seconds, failures) = match &event.fact {
        Fact::StepFinished { step, outcome, seconds, .. } => {
            let message =
                if let Outcome::Failed { message, .. } = outcome { Some(message.clone()) } else { None };
            let failures = if let Outcome::Tested(verdict) = outcome { Some(verdict.failures) } else { None };
            (step, status(outcome), message, *seconds, failures)
        }
        Fact::StepSkipped { step, .. } => (step, "skipped", None, 0.0, None),
        _ => return None,
    };
    Some(json!({
        "status": status,
        "message": message,
        "execution_time": seconds,
        "failures": failures,
        "thread_id": "Thread-1",
        "timing": [],
        "adapter_response": {},
        "unique_id": step.node,
        "node": node(step),
    }))
}

fn node(step: &Step) -> Value {
    let id: &NodeId = &step.node;
    let relation = step.relation.as_ref();
    json!({
        "unique_id": id,
        "name": id.name(),
        "resource_type": id.kind().to_string(),
        "schema": relation.map(|relation| &relation.schema),
        "alias": relation.map_or(id.name(), |relation| &relation.name),
        "relation_name": relation.map(ToString::to_string),
        "database": Value::Null,
        "config": { "materialized": step.action.materialization() },
    })
}

fn status(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Published { .. } | Outcome::Unchanged { .. } | Outcome::Checked | Outcome::Reused { .. } => {
            "success"
        }
        Outcome::Partial(_) => "partial success",
        Outcome::Tested(verdict) => match verdict.status {
            TestStatus::Pass => "pass",
            TestStatus::Warn => "warn",
            TestStatus::Fail => "fail",
        },
        Outcome::Aged(_) => "pass",
        Outcome::Withheld(_) | Outcome::Failed { .. } => "error",
    }
}
