//! The sink that leaves `run_results.json` behind, in dbt's schema version 6 with every key always there.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::{
    event::{Event, Fact, RunInfo},
    name::Relation,
    outcome::{Outcome, Skipped, TestStatus},
    plan::Step,
};

use super::{
    Lookup, Sink, SinkError,
    json::timestamp,
    node,
    running::{self, Lane, Running},
    wording::thousands,
};

/// The schema the artifact follows.
const SCHEMA: &str = "https://schemas.getdbt.com/dbt/run-results/v6.json";

/// The dbt whose conventions the artifact follows; readers pick their parser by it.
const DBT_VERSION: &str = "1.12.0";

/// What the artifact says of the invocation beyond the events.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The variables that the user wants in artifacts (`DBT_ENV_CUSTOM_ENV_*`), without the prefix.
    pub env: BTreeMap<String, String>,
    /// The flags, as dbt names them.
    pub args: Map<String, Value>,
}

/// Collects the results and writes them when the run is over, cancelled or not.
pub struct RunResults {
    path: PathBuf,
    invocation: Invocation,
    lookup: Lookup,
    started: Option<(DateTime<Utc>, Arc<RunInfo>)>,
    last: DateTime<Utc>,
    seconds: Option<f64>,
    running: Running,
    results: Vec<Value>,
}

impl RunResults {
    /// Results to be written at `path`, whose folder exists.
    #[must_use]
    pub fn new(path: PathBuf, invocation: Invocation, lookup: Lookup) -> Self {
        Self {
            path,
            invocation,
            lookup,
            started: None,
            last: DateTime::UNIX_EPOCH,
            seconds: None,
            running: Running::default(),
            results: Vec::new(),
        }
    }

    fn result(&self, step: &Step, ended: &Ended, lane: Option<Lane>, at: DateTime<Utc>) -> Value {
        let code = (self.lookup)(&step.node).and_then(|file| file.compiled_code);
        json!({
            "status": ended.status,
            "timing": if ended.status == "skipped" { Vec::new() } else { timing(lane, at) },
            "thread_id": running::thread(lane),
            "execution_time": ended.seconds,
            "adapter_response": ended.response,
            "message": ended.message,
            "failures": null,
            "unique_id": step.node,
            "compiled": code.is_some(),
            "compiled_code": code,
            "relation_name": step.relation.as_ref().map(Relation::quoted),
            "batch_results": null,
            "overload_results": null,
        })
    }

    fn artifact(&mut self, begin: DateTime<Utc>, info: &RunInfo) -> Value {
        let passed = (self.last - begin).as_seconds_f64();
        json!({
            "metadata": {
                "dbt_schema_version": SCHEMA,
                "dbt_version": DBT_VERSION,
                "generated_at": timestamp(self.last),
                "invocation_id": info.invocation_id,
                "invocation_started_at": timestamp(begin),
                "env": self.invocation.env,
            },
            "results": std::mem::take(&mut self.results),
            "elapsed_time": self.seconds.unwrap_or(passed),
            "args": self.invocation.args,
        })
    }
}

impl Sink for RunResults {
    fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        self.last = event.at;
        let lane = self.running.fold(event);
        match &event.fact {
            Fact::RunStarted(info) => self.started = Some((event.at, info.clone())),
            Fact::StepFinished { step, outcome, seconds, .. } => {
                let result = self.result(step, &Ended::finished(outcome, *seconds), lane, event.at);
                self.results.push(result);
            }
            Fact::StepSkipped { step, because, .. } => {
                let result = self.result(step, &Ended::skipped(because), lane, event.at);
                self.results.push(result);
            }
            Fact::RunFinished { seconds } => self.seconds = Some(*seconds),
            Fact::StepStarted { .. } | Fact::StepProgress { .. } | Fact::CancelRequested => {}
        }
        Ok(())
    }

    /// Writes the artifact. A run that never started leaves the last one alone.
    fn finish(&mut self) -> Result<(), SinkError> {
        let Some((begin, info)) = self.started.take() else { return Ok(()) };
        let artifact = self.artifact(begin, &info);
        replace(&self.path, &info.invocation_id, artifact.to_string().as_bytes())
            .map_err(|error| SinkError::new(self.path.display().to_string(), error))
    }
}

/// dbt's words for how a step ended.
struct Ended {
    status: &'static str,
    seconds: f64,
    message: String,
    response: Value,
}

impl Ended {
    fn finished(outcome: &Outcome, seconds: f64) -> Self {
        let (status, message, response) = match outcome {
            Outcome::Published { version, rows, bytes, .. } => {
                let message = format!("OK {} rows", thousands(*rows));
                let response = json!({
                    "_message": message,
                    "rows_affected": rows,
                    "version": version,
                    "bytes_processed": bytes,
                });
                ("success", message, response)
            }
            Outcome::Checked => ("success", "OK".to_owned(), json!({ "_message": "OK" })),
            Outcome::Withheld(_) => ("error", "withheld".to_owned(), json!({})),
            Outcome::Tested(verdict) => (
                match verdict.status {
                    TestStatus::Pass => "pass",
                    TestStatus::Warn => "warn",
                    TestStatus::Fail => "fail",
                },
                verdict.message.clone().unwrap_or_default(),
                json!({}),
            ),
            Outcome::Aged(_) => ("success", String::new(), json!({})),
            Outcome::Failed { message, .. } => ("error", message.clone(), json!({})),
        };
        Self { status, seconds, message, response }
    }

    fn skipped(because: &Skipped) -> Self {
        let message = match because {
            Skipped::Upstream { failed } => format!("{} {} failed", node::kind(failed), node::name(failed)),
            Skipped::FailFast => "Skipping due to fail_fast".to_owned(),
            Skipped::Cancelled => "Cancelled".to_owned(),
        };
        Self { status: "skipped", seconds: 0.0, message, response: json!({}) }
    }
}

/// dbt times two phases. Every step is compiled before the first one starts, so here `compile` takes no time.
fn timing(lane: Option<Lane>, at: DateTime<Utc>) -> Vec<Value> {
    let since = lane.map_or(at, |lane| lane.since);
    let phase =
        |name, end| json!({ "name": name, "started_at": timestamp(since), "completed_at": timestamp(end) });
    vec![phase("compile", since), phase("execute", at)]
}

/// Puts a whole new file in the place of the old one, or leaves the old one as it is.
fn replace(path: &Path, id: &str, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{id}.tmp"));
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        // The first error is the one to tell; it says more than that its remains could not be swept up.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{NodeFile, no_files, sample};

    fn write(events: &[Event], path: &Path, lookup: Lookup) -> Result<(), SinkError> {
        let env = BTreeMap::from([("team".to_owned(), "grid".to_owned())]);
        let args = Map::from_iter([("which".to_owned(), json!("build"))]);
        let mut sink = RunResults::new(path.to_owned(), Invocation { env, args }, lookup);
        events.iter().try_for_each(|event| sink.event(event))?;
        sink.finish()
    }

    #[test]
    fn every_key_is_there_whatever_the_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        let lookup: Lookup = Arc::new(|id| {
            let code = format!("select 1 as {}", node::name(id));
            Some(NodeFile { path: None, compiled_code: Some(code) })
        });
        write(&sample::every_ending(), &path, lookup).unwrap();
        let artifact: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&artifact).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
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
