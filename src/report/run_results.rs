//! The sink that writes `run_results.json`, in dbt's schema version 6 with every key present.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    artifact::Invocation,
    event::{Event, Fact},
    interval::Interval,
    outcome::Outcome,
    plan::{Action, Step},
};

use super::{
    EventSink, FileLookup, SinkError, dbt_outcome,
    run_record::{RunRecord, timing},
    running_steps::{self, Lane},
};

/// The artifact's schema.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/run-results/v6.json";

/// The message of each step of a run that was killed.
const UNFINISHED: &str = "the run ended before its results were written";

/// Collects the results and writes them at the end of the run, cancelled or not. Until then, and after a run
/// that was killed, the artifact lists every step as unfinished.
pub struct RunResults {
    path: PathBuf,
    invocation: Invocation,
    lookup: FileLookup,
    record: RunRecord,
    planned: Vec<Arc<Step>>,
    /// The results as joined text: as JSON values, they would take several times the memory.
    results: String,
    is_replayed: bool,
}

impl RunResults {
    /// Creates a sink for the results of the `planned` steps. The folder of `path` must exist.
    #[must_use]
    pub fn new(path: PathBuf, invocation: Invocation, lookup: FileLookup, planned: Vec<Arc<Step>>) -> Self {
        Self {
            path,
            invocation,
            lookup,
            record: RunRecord::default(),
            planned,
            results: String::new(),
            is_replayed: false,
        }
    }

    /// Returns the sink for a run that does nothing: the previous results stay until it ends.
    #[must_use]
    pub fn replayed(self) -> Self {
        Self { is_replayed: true, ..self }
    }

    /// Writes the artifact. A run that never started leaves the last one alone.
    fn write(&self, results: &str) -> Result<(), SinkError> {
        self.record.write(&self.path, SCHEMA, &self.invocation.env, |metadata, seconds| {
            let (seconds, args) = (json!(seconds), json!(self.invocation.args));
            format!(
                r#"{{"metadata":{metadata},"results":[{results}],"elapsed_time":{seconds},"args":{args}}}"#
            )
        })
    }

    fn add(&mut self, result: &Value) {
        push(&mut self.results, result);
    }

    /// Returns the results of a run that ends before any of its steps.
    fn unfinished(&self) -> String {
        let mut results = String::new();
        for step in self.planned.iter().filter(|step| step.action != Action::Freshness) {
            let mut result = self.keyed(step, None, None, None);
            result["message"] = UNFINISHED.into();
            push(&mut results, &result);
        }
        results
    }

    fn ran(
        &self,
        step: &Step,
        outcome: &Outcome,
        seconds: f64,
        lane: Option<Lane>,
        at: DateTime<Utc>,
    ) -> Value {
        let mut result = self.result(step, Some(outcome), lane);
        result["status"] = dbt_outcome::status(step.action, outcome).into();
        result["timing"] = timing(lane, at).into();
        result["execution_time"] = seconds.into();
        result["adapter_response"] = dbt_outcome::response(step.action, outcome);
        result["message"] = dbt_outcome::message(step, outcome).into();
        result["failures"] = dbt_outcome::failures(outcome).into();
        result
    }

    /// Returns the result of a step that never ran, which is also the base of all others, in dbt's key order.
    fn result(&self, step: &Step, outcome: Option<&Outcome>, lane: Option<Lane>) -> Value {
        let code = (self.lookup)(&step.node).and_then(|file| file.compiled_code);
        self.keyed(step, outcome, lane, code.as_deref())
    }

    /// Builds a result with every key.
    fn keyed(&self, step: &Step, outcome: Option<&Outcome>, lane: Option<Lane>, code: Option<&str>) -> Value {
        json!({
            "status": "skipped",
            "timing": [],
            "thread_id": running_steps::thread(lane),
            "execution_time": 0.0,
            "adapter_response": {},
            "message": null,
            "failures": null,
            "unique_id": step.node,
            "compiled": code.is_some(),
            "compiled_code": code,
            "relation_name": dbt_outcome::relation(step, outcome).map(|relation| relation.qualified(&self.invocation.database)),
            "batch_results": batches(outcome),
            "overload_results": null,
        })
    }
}

/// Appends a result.
fn push(results: &mut String, result: &Value) {
    if !results.is_empty() {
        results.push(',');
    }
    results.push_str(&result.to_string());
}

/// Returns dbt's `batch_results`: the batches of a partially successful model.
fn batches(outcome: Option<&Outcome>) -> Value {
    let Some(Outcome::Partial(partial)) = outcome else { return Value::Null };
    let time = |time: &Interval| json!([time.start, time.end]);
    let failed = partial.failed.iter().map(|failed| time(&failed.time));
    json!({
        "successful": partial.done.iter().map(time).collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    })
}

impl EventSink for RunResults {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        let lane = self.record.fold(event);
        match &event.fact {
            Fact::RunStarted(_) if self.is_replayed => {}
            Fact::RunStarted(_) => return self.write(&self.unfinished()),
            // Source ages are in `sources.json`.
            Fact::StepFinished { step, .. } | Fact::StepSkipped { step, .. }
                if step.action == Action::Freshness => {}
            Fact::StepFinished { step, outcome, seconds, .. } => {
                let result = self.ran(step, outcome, *seconds, lane, event.at);
                self.add(&result);
            }
            Fact::StepSkipped { step, because, .. } => {
                let mut result = self.result(step, None, lane);
                result["message"] = dbt_outcome::why_skipped(because).into();
                self.add(&result);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let results = std::mem::take(&mut self.results);
        self.write(&results)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

    use serde_json::Map;

    use super::*;
    use crate::report::{NodeFile, node, sample, sample::no_files};

    fn write(events: &[Event], path: &Path, lookup: FileLookup) -> Result<(), SinkError> {
        let env = BTreeMap::from([("team".to_owned(), "grid".to_owned())]);
        let args = Map::from_iter([("which".to_owned(), json!("build"))]);
        let mut sink = RunResults::new(
            path.to_owned(),
            Invocation { env, args, database: "dev".to_owned() },
            lookup,
            planned(events),
        );
        events.iter().try_for_each(|event| sink.event(event))?;
        sink.finish()
    }

    #[test]
    fn every_key_is_there_whatever_the_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        let lookup: FileLookup = Arc::new(|id| {
            let code = format!("select 1 as {}", node::name(id));
            Some(NodeFile { path: None, compiled_code: Some(code) })
        });
        write(&sample::every_ending(), &path, lookup).unwrap();
        let artifact: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&artifact).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn tests_have_their_verdicts_and_sources_are_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        write(&sample::every_verdict(), &path, no_files()).unwrap();
        let artifact: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let results: Vec<_> = artifact["results"].as_array().unwrap().iter().map(shown).collect();
        insta::assert_snapshot!(serde_json::to_string_pretty(&results).unwrap());
    }

    /// Returns the part of a result that depends on the outcome.
    fn shown(result: &Value) -> Value {
        let keys =
            ["unique_id", "status", "failures", "message", "relation_name", "adapter_response", "thread_id"];
        keys.iter().map(|key| ((*key).to_owned(), result[key].clone())).collect::<Map<_, _>>().into()
    }

    #[test]
    fn a_run_that_was_cut_short_is_written_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        write(&sample::every_ending()[..5], &path, no_files()).unwrap();
        let artifact: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(artifact["results"].as_array().unwrap().len(), 1);
        assert_eq!(artifact["elapsed_time"], 1.0);
        assert_eq!(artifact["results"][0]["compiled_code"], Value::Null);
    }

    /// Returns the steps that a run's events name.
    fn planned(events: &[Event]) -> Vec<Arc<Step>> {
        let named = |event: &Event| match &event.fact {
            Fact::StepFinished { step, .. } | Fact::StepSkipped { step, .. } => Some(Arc::clone(step)),
            _ => None,
        };
        events.iter().filter_map(named).collect()
    }

    #[test]
    fn a_run_that_is_killed_leaves_all_of_its_steps_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        fs::write(&path, r#"{"results": "of an earlier run"}"#).unwrap();
        let events = sample::every_ending();
        let planned = planned(&events);
        let mut sink = RunResults::new(path.clone(), Invocation::default(), no_files(), planned.clone());
        sink.event(&events[0]).unwrap();
        let last = crate::report::LastRun::read(&path).unwrap().unwrap();
        let all =
            planned.iter().filter(|step| step.action != Action::Freshness).map(|step| step.node.clone());
        assert_eq!(last.unfinished(), all.collect());
    }

    #[test]
    fn a_run_that_never_started_leaves_the_last_results() {
        let folder = tempfile::tempdir().unwrap();
        write(&[], &folder.path().join("run_results.json"), no_files()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone/run_results.json");
        let error = write(&sample::every_ending(), &path, no_files()).unwrap_err();
        assert!(error.to_string().contains("run_results.json"), "{error}");
    }
}
