//! The `data` object of each log line, under dbt's keys.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::{artifact::timestamp, outcome::Outcome, plan::Action};

use super::{
    super::{
        StepCounts, dbt_outcome,
        message::{Message, Position},
        node,
        problem::ProblemBlock,
        wire::{OutcomeJson, ReasonJson, RepairedJson, SkippedJson, action},
        wording,
    },
    status,
};

/// Returns the contents of `data` except `node_info`, under dbt's keys.
pub(super) fn contents(message: &Message, msg: &str, at: DateTime<Utc>) -> Map<String, Value> {
    let value = match message {
        Message::Version => json!({ "version": concat!("=", env!("CARGO_PKG_VERSION")), "log_version": 3 }),
        Message::Found(info) => json!({ "stat_line": msg.trim_start_matches("Found "), "found": info.found }),
        Message::Repaired(repaired) => json!(RepairedJson::from(repaired)),
        Message::Concurrency(info) => {
            json!({ "num_threads": info.threads, "target_name": info.target, "node_count": info.steps })
        }
        Message::Started(position) => position_of(position),
        Message::Moved { table, to, why, .. } => {
            json!({ "table": table.to_string(), "moved_to": to, "because": why })
        }
        Message::ClockWentBack { clock, newest, .. } => json!({ "clock": clock, "newest": newest }),
        Message::Finished { position, outcome, seconds } => {
            finished(position, outcome, *seconds, status(message))
        }
        Message::Skipped { position, because } => {
            let step = &position.step;
            let mut data = position_of(position);
            data["resource_type"] = node::kind(&step.node).into();
            data["schema"] = json!(step.relation.as_ref().map(|relation| &relation.schema));
            data["node_name"] = node::label(step).into();
            data["skipped"] = json!(SkippedJson::from(because));
            data
        }
        Message::Ran { seconds, .. } => json!({ "stat_line": msg, "execution_time": seconds }),
        Message::Summary { counts, cancelled, .. } => json!({
            "num_errors": counts.error,
            "num_warnings": counts.warn,
            "num_partial_success": counts.partial,
            "keyboard_interrupt": cancelled,
        }),
        Message::Problem(block) => problem(block, msg),
        Message::Totals(counts) => json!({ "stats": stats(*counts) }),
        Message::Completed { command, success, seconds } => json!({
            "command": command,
            "success": success,
            "completed_at": timestamp(at),
            "elapsed": seconds,
        }),
        Message::NothingToDo | Message::Blank | Message::Cancelling => json!({}),
    };
    match value {
        Value::Object(data) => data,
        _ => Map::new(),
    }
}

fn position_of(Position { step, index, total }: &Position) -> Value {
    json!({
        "description": wording::what(step),
        "index": index,
        "total": total,
        "action": action(step.action),
        "reason": ReasonJson::from(&step.reason),
    })
}

fn finished(position: &Position, outcome: &Outcome, seconds: f64, status: &str) -> Value {
    let step = &position.step;
    let mut data = position_of(position);
    data["status"] = status.into();
    data["execution_time"] = seconds.into();
    match step.action {
        Action::Table | Action::Incremental | Action::View => {}
        Action::Seed | Action::Snapshot => {
            data["result_message"] = dbt_outcome::message(step, outcome).into();
            data["schema"] = json!(step.relation.as_ref().map(|relation| &relation.schema));
            data["relation"] = json!(step.relation.as_ref().map(|relation| &relation.name));
        }
        Action::Test | Action::UnitTest => {
            data["name"] = step.name.as_str().into();
            data["num_failures"] = dbt_outcome::failures(outcome).into();
            data["num_models"] = position.total.into();
        }
        Action::Freshness => {
            let (source, table) = step.node.source_and_table().unwrap_or_default();
            data["source_name"] = source.into();
            data["table_name"] = table.into();
        }
    }
    data["outcome"] = json!(OutcomeJson::from(outcome));
    data
}

fn problem(block: &ProblemBlock, msg: &str) -> Value {
    let outcome = &block.problem.outcome;
    let compiled = match outcome {
        Outcome::Failed { compiled, .. } => compiled.as_ref(),
        Outcome::Tested(verdict) => verdict.compiled.as_ref(),
        _ => None,
    };
    // A successful outcome's own message doesn't explain the warning.
    let text = match outcome {
        Outcome::Published { .. } => None,
        _ => dbt_outcome::message(&block.problem.step, outcome),
    };
    let tests: Vec<_> = block.tests.iter().map(|test| &test.step.node).collect();
    json!({
        "msg": text.unwrap_or_else(|| msg.to_owned()),
        "path": block.path,
        "compiled_path": compiled,
        "tests": tests,
        "outcome": OutcomeJson::from(outcome),
    })
}

fn stats(counts: StepCounts) -> Value {
    let StepCounts { pass, warn, error, skip, reused, .. } = counts;
    json!({
        "pass": pass,
        "warn": warn,
        "error": error,
        "skip": skip,
        "noop": 0,
        "reused": reused,
        "total": counts.total(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run_result::StepCounts;

    #[test]
    fn a_summary_counts_models_that_were_built_in_part() {
        let counts = StepCounts { error: 2, partial: 1, ..StepCounts::default() };
        let data = contents(&Message::Summary { counts, cancelled: false, next: None }, "", Utc::now());
        assert_eq!((&data["num_errors"], &data["num_partial_success"]), (&json!(2), &json!(1)));
    }
}
