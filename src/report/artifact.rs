//! What the artifacts of a run have in common: when it began, who it was, and a whole file or none.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    artifact::{Origin, replace, timestamp},
    event::{Event, Fact, RunInfo},
};

use super::{
    SinkError,
    running::{Lane, Running},
};

/// The run as every artifact records it. A fold of the events.
#[derive(Default)]
pub(super) struct Record {
    begun: Option<(DateTime<Utc>, Arc<RunInfo>)>,
    last: DateTime<Utc>,
    seconds: Option<f64>,
    running: Running,
}

impl Record {
    /// Takes an event in and returns the lane it speaks of.
    pub(super) fn fold(&mut self, event: &Event) -> Option<Lane> {
        self.last = event.at;
        match &event.fact {
            Fact::RunStarted(info) => self.begun = Some((event.at, info.clone())),
            Fact::RunFinished { seconds } => self.seconds = Some(*seconds),
            _ => {}
        }
        self.running.fold(event)
    }

    /// Writes what `content` makes of the artifact's metadata and elapsed time. A run that never started leaves the
    /// last artifact alone.
    pub(super) fn write(
        &self,
        path: &Path,
        schema: &str,
        env: &BTreeMap<String, String>,
        content: impl FnOnce(Value, f64) -> String,
    ) -> Result<(), SinkError> {
        let Some((begun, info)) = &self.begun else { return Ok(()) };
        let origin =
            Origin { invocation_id: &info.invocation_id, started: *begun, generated: self.last, env };
        let passed = (self.last - *begun).as_seconds_f64();
        let artifact = content(origin.metadata(schema), self.seconds.unwrap_or(passed));
        replace(path, &info.invocation_id, artifact.as_bytes())
            .map_err(|error| SinkError::new(path.display().to_string(), error))
    }
}

/// dbt times two phases. Every step is compiled before the first one starts, so here `compile` takes no time.
pub(super) fn timing(lane: Option<Lane>, at: DateTime<Utc>) -> Vec<Value> {
    let since = lane.map_or(at, |lane| lane.since);
    let phase =
        |name, end| json!({ "name": name, "started_at": timestamp(since), "completed_at": timestamp(end) });
    vec![phase("compile", since), phase("execute", at)]
}
