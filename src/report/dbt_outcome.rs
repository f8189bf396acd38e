//! A step's outcome in dbt's terms, for programs. The wording for people is in `wording`.

use serde_json::{Map, Value, json};

use crate::{
    name::Relation,
    outcome::{AgeStatus, Outcome, RowChanges, Skipped, TestStatus},
    plan::{Action, Step},
};

use super::{node, wording};

/// Returns dbt's `status`.
pub(super) fn status(action: Action, outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Published { .. } | Outcome::Unchanged { .. } | Outcome::Checked => "success",
        Outcome::Partial(_) => "partial success",
        Outcome::Reused { .. } => "reused",
        Outcome::Tested(verdict) => test_status(verdict.status),
        Outcome::Aged(age) => age_status(age.status),
        Outcome::Failed { .. } if action == Action::Freshness => "runtime error",
        Outcome::Withheld(_) | Outcome::Failed { .. } => "error",
    }
}

/// Returns dbt's `status` of a test.
pub(super) fn test_status(status: TestStatus) -> &'static str {
    match status {
        TestStatus::Pass => "pass",
        TestStatus::Warn => "warn",
        TestStatus::Fail => "fail",
    }
}

/// Returns dbt's `status` of a source's freshness.
pub(super) fn age_status(status: AgeStatus) -> &'static str {
    match status {
        AgeStatus::Pass => "pass",
        AgeStatus::Warn => "warn",
        AgeStatus::Error => "error",
    }
}

/// Returns dbt's `message`, or `None` for a test that passed.
pub(super) fn message(step: &Step, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Published { rows, .. } if step.action == Action::Seed => Some(format!("INSERT {rows}")),
        Outcome::Published { rows, changed, .. } => {
            let rows = changed.as_deref().map_or(*rows, RowChanges::total);
            Some(format!("OK {}", wording::rows_of(rows)))
        }
        Outcome::Unchanged { rows, .. } => Some(format!("UNCHANGED {}", wording::rows_of(*rows))),
        Outcome::Partial(partial) => Some(wording::batches(partial)),
        Outcome::Reused { .. } => Some(step.reason.to_string()),
        Outcome::Checked => Some("OK".to_owned()),
        Outcome::Withheld(withheld) => Some(wording::withheld(withheld)),
        Outcome::Failed { message, .. } => Some(message.clone()),
        Outcome::Tested(verdict) => match verdict.sample.as_deref() {
            Some(sample) if sample.differences.is_some() => {
                Some(format!("{}\n\n{}", wording::DIFFERS, wording::row_table(sample).join("\n")))
            }
            _ => verdict.message.clone(),
        },
        Outcome::Aged(_) => None,
    }
}

/// Returns dbt's `message` for a step that didn't run.
pub(super) fn why_skipped(because: &Skipped) -> String {
    match because {
        Skipped::Upstream { failed } => format!("{} {} failed", node::kind(failed), node::name(failed)),
        Skipped::FailFast => "Skipping due to fail_fast".to_owned(),
        Skipped::Cancelled => "Cancelled".to_owned(),
    }
}

/// Returns dbt's `failures`: a test's count, or `None` for every other step.
pub(super) fn failures(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Tested(verdict) => Some(verdict.failures),
        _ => None,
    }
}

/// Returns the table that the step wrote, if any.
pub(super) fn relation<'a>(step: &'a Step, outcome: Option<&'a Outcome>) -> Option<&'a Relation> {
    match outcome {
        Some(Outcome::Tested(verdict)) => verdict.stored.as_ref(),
        _ => step.relation.as_ref(),
    }
}

/// Returns dbt's `adapter_response`: the result of the write.
pub(super) fn response(action: Action, outcome: &Outcome) -> Value {
    let (word, version, rows, bytes, rejected, quarantined) = match outcome {
        Outcome::Published { version, rows, bytes, changed, rejected, quarantined } => {
            let rows = changed.as_deref().map_or(*rows, RowChanges::total);
            ("OK", version, rows, *bytes, rejected, quarantined)
        }
        Outcome::Unchanged { version, rows, rejected, quarantined, .. } => {
            ("UNCHANGED", version, *rows, 0, rejected, quarantined)
        }
        Outcome::Partial(partial) => {
            let rows = partial.changed.total();
            return json!({
                "_message": wording::batches(partial), "code": "PARTIAL", "rows_affected": rows, "version": partial.version,
            });
        }
        Outcome::Checked => return json!({ "_message": "OK" }),
        _ => return json!({}),
    };
    let mut response = Map::new();
    if (action, word) == (Action::Seed, "OK") {
        response.insert("_message".to_owned(), format!("INSERT {rows}").into());
        response.insert("code".to_owned(), "INSERT".into());
    } else {
        response.insert("_message".to_owned(), format!("{word} {}", wording::rows_of(rows)).into());
    }
    response.insert("rows_affected".to_owned(), if word == "OK" { rows.into() } else { 0.into() });
    response.insert("version".to_owned(), (*version).into());
    response.insert("bytes_processed".to_owned(), bytes.into());
    if let Some(rejected) = rejected {
        response.insert("rows_rejected".to_owned(), rejected.rows.into());
        response.insert("files_rejected".to_owned(), rejected.files.into());
    }
    if let Some(quarantined) = quarantined {
        response.insert("rows_quarantined".to_owned(), quarantined.rows.into());
        response.insert("rows_dropped".to_owned(), quarantined.dropped.into());
    }
    Value::Object(response)
}
