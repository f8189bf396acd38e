//! What the artifacts of a run have in common: when it began, who it was, and a whole file or none.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::event::{Event, Fact, RunInfo};

use super::{
    SinkError,
    json::timestamp,
    running::{Lane, Running},
};

/// The dbt whose conventions the artifacts follow; readers pick their parser by it.
const DBT_VERSION: &str = "1.12.0";

/// What artifacts say of the invocation beyond the events.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The variables that the user wants in artifacts (`DBT_ENV_CUSTOM_ENV_*`), without the prefix.
    pub env: BTreeMap<String, String>,
    /// The flags, as dbt names them.
    pub args: Map<String, Value>,
}

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
        content: impl FnOnce(Value, f64) -> Value,
    ) -> Result<(), SinkError> {
        let Some((begun, info)) = &self.begun else { return Ok(()) };
        let metadata = json!({
            "dbt_schema_version": schema,
            "dbt_version": DBT_VERSION,
            "generated_at": timestamp(self.last),
            "invocation_id": info.invocation_id,
            "invocation_started_at": timestamp(*begun),
            "env": env,
        });
        let passed = (self.last - *begun).as_seconds_f64();
        let artifact = content(metadata, self.seconds.unwrap_or(passed));
        replace(path, &info.invocation_id, artifact.to_string().as_bytes())
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
