//! The `data` object of each log line, under dbt's keys.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::{artifact::timestamp, outcome::Outcome, plan::Action};

use super::{
    super::{
        Counts, ending,
        message::{Message, Place},
        node,
        trouble::Block,
        wording,
    },
    status,
};

/// Returns the contents of `data` except `node_info`, under dbt's keys.
pub(super) fn contents(message: &Message, msg: &str, at: DateTime<Utc>) -> Map<String, Value> {
    let value = match message {
        Message::Version => json!({ "version": concat!("=", env!("CARGO_PKG_VERSION")), "log_version": 3 }),
        Message::Found(info) => json!({ "stat_line": msg.trim_start_matches("Found "), "found": info.found }),
        Message::Repaired(repaired) => json!(repaired),
        Message::Concurrency(info) => {
            json!({ "num_threads": info.threads, "target_name": info.target, "node_count": info.steps })
        }
        Message::Started(place) => place_of(place),
        Message::Moved { to, why, .. } => json!({ "moved_to": to, "because": why }),
        Message::Finished { place, outcome, seconds } => finished(place, outcome, *seconds, status(message)),
        Message::Skipped { place, because } => {
            let step = &place.step;
            let mut data = place_of(place);
            data["resource_type"] = node::kind(&step.node).into();
            data["schema"] = json!(step.relation.as_ref().map(|relation| &relation.schema));
            data["node_name"] = node::label(step).into();
            data["skipped"] = json!(because);
            data
        }
        Message::Ran { seconds, .. } => json!({ "stat_line": msg, "execution_time": seconds }),
        Message::Summary { counts, cancelled } => json!({
            "num_errors": counts.error,
            "num_warnings": counts.warn,
            "num_partial_success": counts.partial,
            "keyboard_interrupt": cancelled,
        }),
        Message::Trouble(block) => trouble(block, msg),
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

fn place_of(Place { step, index, total }: &Place) -> Value {
    json!({
        "description": wording::what(step),
        "index": index,
        "total": total,
        "action": step.action,
        "reason": step.reason,
    })
}

fn finished(place: &Place, outcome: &Outcome, seconds: f64, status: &str) -> Value {
    let step = &place.step;
    let mut data = place_of(place);
    data["status"] = status.into();
    data["execution_time"] = seconds.into();
    match step.action {
        Action::Table | Action::Incremental | Action::View => {}
        Action::Seed | Action::Snapshot => {
            data["result_message"] = ending::message(step, outcome).into();
            data["schema"] = json!(step.relation.as_ref().map(|relation| &relation.schema));
            data["relation"] = json!(step.relation.as_ref().map(|relation| &relation.name));
        }
        Action::Test | Action::UnitTest => {
            data["name"] = step.name.as_str().into();
            data["num_failures"] = ending::failures(outcome).into();
            data["num_models"] = place.total.into();
        }
        Action::Freshness => {
            let (source, table) = step.node.source_and_table().unwrap_or_default();
            data["source_name"] = source.into();
            data["table_name"] = table.into();
        }
    }
    data["outcome"] = json!(outcome);
    data
}

fn trouble(block: &Block, msg: &str) -> Value {
    let outcome = &block.trouble.outcome;
    let compiled = match outcome {
        Outcome::Failed { compiled, .. } => compiled.as_ref(),
        Outcome::Tested(verdict) => verdict.compiled.as_ref(),
        _ => None,
    };
    // A successful outcome's own message doesn't explain the warning.
    let said = match outcome {
        Outcome::Published { .. } => None,
        _ => ending::message(&block.trouble.step, outcome),
    };
    let tests: Vec<_> = block.tests.iter().map(|test| &test.step.node).collect();
    json!({
        "msg": said.unwrap_or_else(|| msg.to_owned()),
        "path": block.path,
        "compiled_path": compiled,
        "tests": tests,
        "outcome": outcome,
    })
}

fn stats(counts: Counts) -> Value {
    let Counts { pass, warn, error, skip, reused, .. } = counts;
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
    use crate::report::result::Counts;

    #[test]
    fn a_summary_counts_models_that_were_built_in_part() {
        let counts = Counts { error: 2, partial: 1, ..Counts::default() };
        let data = contents(&Message::Summary { counts, cancelled: false }, "", Utc::now());
        assert_eq!((&data["num_errors"], &data["num_partial_success"]), (&json!(2), &json!(1)));
    }
}
