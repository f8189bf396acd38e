//! Reads the previous run's `run_results.json`, for commands that continue from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, ErrorKind},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    interval::{Interval, Intervals},
    lake::Provenance,
    local_file,
    name::NodeId,
};

/// The last run, as its artifact records it.
#[derive(Debug, Clone, Deserialize)]
pub struct LastRun {
    /// Its flags, under dbt's names.
    #[serde(default)]
    pub args: Map<String, Value>,
    #[serde(default)]
    metadata: Metadata,
    results: Vec<NodeResult>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Metadata {
    generated_at: Option<DateTime<Utc>>,
}

/// A node's result.
#[derive(Debug, Clone, Deserialize)]
pub struct NodeResult {
    /// The node.
    pub unique_id: NodeId,
    /// dbt's status.
    pub status: String,
    /// The number of rows a test found.
    #[serde(default)]
    pub failures: Option<u64>,
    #[serde(default)]
    pub message: Option<String>,
    /// The elapsed seconds.
    #[serde(default)]
    pub execution_time: f64,
    batch_results: Option<BatchResults>,
}

#[derive(Debug, Clone, Deserialize)]
struct BatchResults {
    #[serde(default)]
    failed: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// Returns a test's latest verdict: from the last run or, if the test was skipped as up to date then, from
/// the provenance of the newest version.
#[must_use]
pub fn verdict<'a>(
    test: &NodeId,
    last: &'a BTreeMap<NodeId, String>,
    newest: Option<&'a Provenance>,
) -> Option<&'a str> {
    // A test that didn't run keeps its earlier verdict.
    let status = last.get(test).map(String::as_str);
    if status.is_some_and(|status| !["reused", "skipped"].contains(&status)) {
        return status;
    }
    newest?.tests.get(test).map(|judged| if judged.failures == 0 { "pass" } else { "warn" })
}

/// The statuses that `dbt retry` runs again.
const UNFINISHED: [&str; 5] = ["error", "fail", "skipped", "runtime error", "partial success"];

impl LastRun {
    /// Reads the artifact. Returns `None` if it doesn't exist.
    ///
    /// # Errors
    /// If the file can't be read or isn't valid.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match local_file::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                let place = format!("line {}, column {}", error.line(), error.column());
                io::Error::new(
                    ErrorKind::InvalidData,
                    format!("it isn't a valid `run_results.json` ({place})"),
                )
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the nodes that failed, were withheld or never ran.
    #[must_use]
    pub fn unfinished(&self) -> BTreeSet<NodeId> {
        let results = self.results.iter().filter(|result| UNFINISHED.contains(&result.status.as_str()));
        results.map(|result| result.unique_id.clone()).collect()
    }
}

impl LastRun {
    /// Returns the time the run ended, if the artifact records it.
    #[must_use]
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.metadata.generated_at
    }

    /// Iterates over the results of all nodes that took part.
    pub fn results(&self) -> impl Iterator<Item = &NodeResult> {
        self.results.iter()
    }

    /// Returns the status of each node.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<NodeId, String> {
        self.results.iter().map(|result| (result.unique_id.clone(), result.status.clone())).collect()
    }

    /// Returns the failed batches of partially successful models.
    #[must_use]
    pub fn failed_batches(&self) -> BTreeMap<NodeId, Intervals> {
        let failed = |result: &NodeResult| {
            let batches = result.batch_results.as_ref()?.failed.iter();
            let time: Intervals = batches.map(|(start, end)| Interval { start: *start, end: *end }).collect();
            Some((result.unique_id.clone(), time)).filter(|(_, time)| !time.is_empty())
        };
        self.results.iter().filter_map(failed).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_did_not_end_well_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run_results.json");
        assert!(LastRun::read(&path).unwrap().is_none());
        let result = |status: &str| format!(r#"{{"unique_id": "model.p.{status}", "status": "{status}"}}"#);
        let all = ["success", "error", "skipped", "pass", "fail", "warn", "reused", "no-op"].map(result);
        let text = format!(r#"{{"results": [{}], "args": {{"which": "build"}}}}"#, all.join(", "));
        fs::write(&path, text).unwrap();
        let last = LastRun::read(&path).unwrap().unwrap();
        let unfinished: Vec<String> = last.unfinished().iter().map(ToString::to_string).collect();
        assert_eq!(unfinished, ["model.p.error", "model.p.fail", "model.p.skipped"]);
        assert_eq!(last.args["which"], "build");
        fs::write(&path, "[]").unwrap();
        assert!(LastRun::read(&path).is_err());
    }
}
