//! What each version of a table says about how it came to be, kept in the commit that made it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The key of [`Provenance`] in a commit's `commitInfo`.
pub(super) const KEY: &str = "headwater";

/// Where a version of a table came from: the evidence that it is up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}
