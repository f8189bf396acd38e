//! What `run_results.json` tells of the last run, for a command that goes on from there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    interval::{Interval, Intervals},
    lake::Provenance,
    name::NodeId,
};

/// The last run, as far as its artifact tells.
#[derive(Debug, Clone, Deserialize)]
pub struct LastRun {
    /// The flags it had, as dbt names them.
    #[serde(default)]
    pub args: Map<String, Value>,
    #[serde(default)]
    metadata: Metadata,
    results: Vec<Ended>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Metadata {
    generated_at: Option<DateTime<Utc>>,
}

/// How a node ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Ended {
    /// The node.
    pub unique_id: NodeId,
    /// dbt's word for it.
    pub status: String,
    /// How many rows a test found.
    #[serde(default)]
    pub failures: Option<u64>,
    /// What was said of it.
    #[serde(default)]
    pub message: Option<String>,
    /// Seconds it took.
    #[serde(default)]
    pub execution_time: f64,
    batch_results: Option<BatchResults>,
}

#[derive(Debug, Clone, Deserialize)]
struct BatchResults {
    #[serde(default)]
    failed: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// How a test judged last: in the last run or, if it had no need to run then, as the newest version says of the rows that
/// stand there.
#[must_use]
pub fn verdict<'a>(
    test: &NodeId,
    last: &'a BTreeMap<NodeId, String>,
    newest: Option<&'a Provenance>,
) -> Option<&'a str> {
    // A test that did not run has a verdict from before.
    let status = last.get(test).map(String::as_str);
    if status.is_some_and(|status| !["reused", "skipped"].contains(&status)) {
        return status;
    }
    newest?.tests.get(test).map(|judged| if judged.failures == 0 { "pass" } else { "warn" })
}

/// The endings that dbt tries again.
const UNFINISHED: [&str; 5] = ["error", "fail", "skipped", "runtime error", "partial success"];

impl LastRun {
    /// Reads the artifact; `None` if there is none.
    ///
    /// # Errors
    /// If it can't be read, or is none.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The nodes that failed, were withheld, or did not come to their turn.
    #[must_use]
    pub fn unfinished(&self) -> BTreeSet<NodeId> {
        let results = self.results.iter().filter(|ended| UNFINISHED.contains(&ended.status.as_str()));
        results.map(|ended| ended.unique_id.clone()).collect()
    }
}

impl LastRun {
    /// When it ended, as far as it says.
    #[must_use]
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.metadata.generated_at
    }

    /// How each node that took part ended.
    pub fn endings(&self) -> impl Iterator<Item = &Ended> {
        self.results.iter()
    }

    /// How each node ended.
    #[must_use]
    pub fn statuses(&self) -> BTreeMap<NodeId, String> {
        self.results.iter().map(|ended| (ended.unique_id.clone(), ended.status.clone())).collect()
    }

    /// The batches that failed, of models of which others did not.
    #[must_use]
    pub fn failed_batches(&self) -> BTreeMap<NodeId, Intervals> {
        let failed = |ended: &Ended| {
            let batches = ended.batch_results.as_ref()?.failed.iter();
            let time: Intervals = batches.map(|(start, end)| Interval { start: *start, end: *end }).collect();
            Some((ended.unique_id.clone(), time)).filter(|(_, time)| !time.is_empty())
        };
        self.results.iter().filter_map(failed).collect()
    }
}

#[cfg(test)]
mod tests {
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
