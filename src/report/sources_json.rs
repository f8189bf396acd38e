//! The sink that writes `sources.json`, the source ages in dbt's schema version 3.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    artifact::{Invocation, timestamp},
    event::{Event, Fact},
    outcome::Outcome,
    plan::{Action, Step},
};

use super::{
    EventSink, SinkError, dbt_outcome,
    run_record::{RunRecord, timing},
    running_steps::{self, Lane},
};

/// The artifact's schema.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/sources/v3.json";

/// Collects source ages and writes them at the end of the run. A run without freshness checks keeps the
/// previous artifact, which `source_status:` compares with.
pub struct SourcesJson {
    path: PathBuf,
    invocation: Invocation,
    record: RunRecord,
    results: Vec<Value>,
}

impl SourcesJson {
    /// Creates a sink that writes to `path`, whose folder must exist.
    #[must_use]
    pub fn new(path: PathBuf, invocation: Invocation) -> Self {
        Self { path, invocation, record: RunRecord::default(), results: Vec::new() }
    }
}

impl EventSink for SourcesJson {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        let lane = self.record.fold(event);
        if let Fact::StepFinished { step, outcome, seconds, .. } = &event.fact
            && step.action == Action::Freshness
        {
            self.results.push(result(step, outcome, *seconds, lane, event.at));
        }
        Ok(())
    }

    /// Writes the artifact if at least one source was checked.
    fn finish(&mut self) -> Result<(), SinkError> {
        let results = std::mem::take(&mut self.results);
        if results.is_empty() {
            return Ok(());
        }
        self.record.write(&self.path, SCHEMA, &self.invocation.env, |metadata, seconds| {
            json!({ "metadata": metadata, "results": results, "elapsed_time": seconds }).to_string()
        })
    }
}

fn result(step: &Step, outcome: &Outcome, seconds: f64, lane: Option<Lane>, at: DateTime<Utc>) -> Value {
    let status = dbt_outcome::status(step.action, outcome);
    let Outcome::Aged(age) = outcome else {
        return json!({
            "unique_id": step.node,
            "error": dbt_outcome::message(step, outcome),
            "status": status,
        });
    };
    json!({
        "unique_id": step.node,
        "max_loaded_at": timestamp(age.max_loaded_at),
        "snapshotted_at": timestamp(age.snapshotted_at),
        "max_loaded_at_time_ago_in_s": age.seconds(),
        "status": status,
        "criteria": age.criteria,
        "adapter_response": {},
        "timing": timing(lane, at),
        "thread_id": running_steps::thread(lane),
        "execution_time": seconds,
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;
    use crate::report::sample;

    fn write(events: &[Event], path: &Path) {
        let env = BTreeMap::from([("team".to_owned(), "grid".to_owned())]);
        let mut sink = SourcesJson::new(path.to_owned(), Invocation { env, ..Invocation::default() });
        for event in events {
            sink.event(event).unwrap();
        }
        sink.finish().unwrap();
    }

    #[test]
    fn every_age_is_there_and_a_source_that_could_not_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources.json");
        write(&sample::every_verdict(), &path);
        let artifact: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&artifact).unwrap());
    }

    #[test]
    fn a_run_that_asked_no_source_leaves_the_last_ages() {
        let folder = tempfile::tempdir().unwrap();
        write(&sample::every_ending(), &folder.path().join("sources.json"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
