//! What each version of a table says about how it came to be, kept in the commit that made it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The key of [`Provenance`] in a commit's `commitInfo`.
pub(super) const KEY: &str = "headwater";

/// Where a version of a table came from: the evidence that it is up to date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The node's unique id.
    pub node: String,
    /// The run that made it.
    pub run_id: String,
    /// What shapes its rows: the statement and the configuration.
    pub fingerprint: String,
    /// What it was made from, by the input's unique id.
    pub inputs: BTreeMap<String, InputVersion>,
    /// How many rows it has. Filled in while they are written.
    #[serde(default)]
    pub rows: u64,
    /// The digest of its rows. Filled in while they are written.
    #[serde(default)]
    pub digest: String,
    /// What tests measured of it, by the test: later versions are compared with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// The version of Headwater.
    pub tool_version: String,
}

/// Which state of an input was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputVersion {
    /// A Delta table.
    Delta {
        /// Its version.
        version: u64,
    },
    /// Anything else.
    Source {
        /// A digest of its files' names, sizes and times, or whatever tells its states apart.
        digest: String,
    },
}

impl Provenance {
    /// Reads it from a commit's text. `None` if the commit is not ours, or is of a form we don't know.
    pub(super) fn of_commit(entry: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Line {
            commit_info: Info,
        }
        #[derive(Deserialize)]
        struct Info {
            headwater: Provenance,
        }
        // Only the lines that could be it are parsed: a commit of many files is long.
        entry
            .split(|byte| *byte == b'\n')
            .filter(|line| line.starts_with(b"{\"commitInfo\""))
            .find_map(|line| serde_json::from_slice::<Line>(line).ok())
            .map(|line| line.commit_info.headwater)
    }
}

/// The log entry with another provenance; nothing if it has none.
pub(super) fn replaced(entry: &[u8], provenance: &Provenance) -> Option<Vec<u8>> {
    let mut done = false;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in entry.split(|byte| *byte == b'\n') {
        if !done && line.starts_with(b"{\"commitInfo\"") {
            let mut action: serde_json::Value = serde_json::from_slice(line).ok()?;
            action["commitInfo"][KEY] = serde_json::to_value(provenance).ok()?;
            lines.push(serde_json::to_vec(&action).ok()?);
            done = true;
        } else {
            lines.push(line.to_vec());
        }
    }
    done.then(|| lines.join(&b'\n'))
}

/// When a commit was made, by its own word.
pub(super) fn committed_at(entry: &[u8]) -> Option<DateTime<Utc>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        commit_info: Info,
    }
    #[derive(Deserialize)]
    struct Info {
        timestamp: i64,
    }
    entry
        .split(|byte| *byte == b'\n')
        .filter(|line| line.starts_with(b"{\"commitInfo\""))
        .find_map(|line| serde_json::from_slice::<Line>(line).ok())
        .and_then(|line| DateTime::from_timestamp_millis(line.commit_info.timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_commits_are_ours() {
        let ours = r#"{"commitInfo":{"operation":"WRITE","headwater":{"node":"model.p.m","run_id":"r","fingerprint":"f",
            "inputs":{"a":{"delta":{"version":3}},"b":{"source":{"digest":"x"}}},"rows":2,"digest":"d","tool_version":"1"}}}"#;
        let read = Provenance::of_commit(ours.replace('\n', "").as_bytes()).unwrap();
        assert_eq!(read.rows, 2);
        assert_eq!(read.inputs["a"], InputVersion::Delta { version: 3 });
        assert_eq!(Provenance::of_commit(b"{\"commitInfo\":{\"operation\":\"WRITE\"}}\n{\"add\":{}}"), None);
        assert_eq!(Provenance::of_commit(b"not json"), None);
    }

    #[test]
    fn only_the_provenance_is_replaced() {
        let entry = br#"{"commitInfo":{"timestamp":7,"operation":"WRITE","headwater":{"node":"m","run_id":"r","fingerprint":"f","inputs":{},"tool_version":"1"}}}
{"add":{"path":"a"}}"#;
        let mut provenance = Provenance::of_commit(entry).unwrap();
        provenance.metrics.insert("sum".into(), 1.5);
        let changed = replaced(entry, &provenance).unwrap();
        assert_eq!(Provenance::of_commit(&changed), Some(provenance));
        let text = String::from_utf8(changed).unwrap();
        assert!(
            text.starts_with(r#"{"commitInfo":{"timestamp":7,"operation":"WRITE","headwater":{"node":"m","#)
        );
        assert!(text.ends_with("\n{\"add\":{\"path\":\"a\"}}"));
        assert_eq!(committed_at(entry), DateTime::from_timestamp_millis(7));
    }
}
