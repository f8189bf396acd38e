//! The common part of a run's artifacts: the invocation, its start time and elapsed seconds, and atomic
//! writes.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    artifact::{ArtifactOrigin, timestamp},
    event::{Event, Fact, RunInfo},
    secret::scrubbed_artifact,
};

use super::{
    SinkError, TargetPath,
    running_steps::{Lane, RunningSteps},
};

/// The run as every artifact records it: a fold of the events.
#[derive(Default)]
pub(super) struct RunRecord {
    begun: Option<(DateTime<Utc>, Arc<RunInfo>)>,
    last: DateTime<Utc>,
    seconds: Option<f64>,
    running: RunningSteps,
}

impl RunRecord {
    /// Folds in an event and returns the lane it belongs to.
    pub(super) fn fold(&mut self, event: &Event) -> Option<Lane> {
        self.last = event.at;
        match &event.fact {
            Fact::RunStarted(info) => self.begun = Some((event.at, info.clone())),
            Fact::RunFinished { seconds } => self.seconds = Some(*seconds),
            _ => {}
        }
        self.running.fold(event)
    }

    /// Writes the artifact that `content` builds from the metadata and the elapsed seconds. Keeps the
    /// previous artifact if the run never started.
    pub(super) fn write(
        &self,
        path: &Path,
        schema: &str,
        env: &BTreeMap<String, String>,
        content: impl FnOnce(Value, f64) -> String,
    ) -> Result<(), SinkError> {
        let Some((begun, info)) = &self.begun else { return Ok(()) };
        let origin =
            ArtifactOrigin { invocation_id: &info.invocation_id, started: *begun, generated: self.last, env };
        let passed = (self.last - *begun).as_seconds_f64();
        let artifact = content(origin.metadata(schema), self.seconds.unwrap_or(passed));
        TargetPath::replace_file(path, &info.invocation_id, scrubbed_artifact(&artifact).as_bytes())
            .map_err(|error| SinkError::new(path.display().to_string(), error))
    }
}

/// dbt's `timing` has two phases. Every step is compiled before the first one starts, so `compile` takes no
/// time here.
pub(super) fn timing(lane: Option<Lane>, at: DateTime<Utc>) -> Vec<Value> {
    let since = lane.map_or(at, |lane| lane.since);
    let phase =
        |name, end| json!({ "name": name, "started_at": timestamp(since), "completed_at": timestamp(end) });
    vec![phase("compile", since), phase("execute", at)]
}
