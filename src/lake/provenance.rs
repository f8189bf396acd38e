//! Provenance: the origin of each version of a table, recorded in the commit that made it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    engine::source::SourceState, interval::Intervals, manifest::fingerprint::Fingerprint, name::NodeId,
};

/// The key of [`Provenance`] in a commit's `commitInfo`.
pub(super) const KEY: &str = "headwater";

/// The origin of a table version, from which staleness is decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The node's unique id.
    pub node: String,
    /// The id of the run that built it.
    pub run_id: String,
    /// The fingerprint of everything that shapes its rows: the statement and the configuration.
    pub fingerprint: Fingerprint,
    /// The version of each input, by the input's unique id.
    pub inputs: BTreeMap<NodeId, InputVersion>,
    /// The number of rows. Filled in while they are written.
    #[serde(default)]
    pub rows: u64,
    /// The digest of the rows. Filled in while they are written.
    #[serde(default)]
    pub digest: String,
    /// The time to compute and write the rows, in milliseconds. Filled in when they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// The values that tests measured, by test; later versions are compared with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// The tests that ran on it and didn't fail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: BTreeMap<NodeId, Judged>,
    /// The version whose rows this describes, if it isn't the version of this commit: a rebuild gave the same
    /// rows, or they passed more tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<u64>,
    /// The time range of the batches it contains, for microbatch models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<Intervals>,
    /// The time it was made; never earlier than that of the previous version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<DateTime<Utc>>,
    /// The rejects of its sources, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectNote>,
    /// The version of Headwater.
    pub tool_version: String,
}

/// The rows and files that ingestion rejected from a table's sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectNote {
    /// The number of rows rejected individually.
    pub rows: u64,
    /// The number of files rejected as a whole.
    pub files: u64,
    /// The number of rejected rows that were acknowledged.
    #[serde(default)]
    pub accepted_rows: u64,
    /// The number of rejected files that were acknowledged.
    #[serde(default)]
    pub accepted_files: u64,
    /// The person who last acknowledged rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
    /// The time of that acknowledgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// The display names of the sources.
    #[serde(default)]
    pub sources: BTreeSet<String>,
    /// Sample rejects: `file:line: reason`.
    #[serde(default)]
    pub sample: Vec<String>,
}

/// The result of a test that the rows passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// A digest of the test's definition.
    pub asked: String,
    /// The number of failures found, which the test tolerates.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The state of an input that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputVersion {
    /// A Delta table.
    Delta {
        /// Its version.
        version: u64,
    },
    /// Any other input.
    Source {
        /// A digest of its files' names, sizes and times, or of whatever else identifies its state.
        digest: String,
        /// The number of files.
        #[serde(default)]
        files: u64,
    },
}

impl From<SourceState> for InputVersion {
    fn from(state: SourceState) -> Self {
        Self::Source { digest: state.digest, files: state.files }
    }
}

impl Provenance {
    /// Creates the provenance of rows that a run is about to write; rows and digest are still empty.
    #[must_use]
    pub fn new(
        node: &str,
        run_id: &str,
        fingerprint: Fingerprint,
        inputs: BTreeMap<NodeId, InputVersion>,
    ) -> Self {
        Self {
            node: node.to_owned(),
            run_id: run_id.to_owned(),
            fingerprint,
            inputs,
            rows: 0,
            digest: String::new(),
            millis: None,
            metrics: BTreeMap::new(),
            tests: BTreeMap::new(),
            stands_for: None,
            batches: None,
            made_at: None,
            rejected: None,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The relevant contents of a commit's `commitInfo`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    /// The commit time.
    pub(super) at: Option<DateTime<Utc>>,
    /// The provenance, or `None` if another writer made the commit.
    pub(super) provenance: Option<Provenance>,
}

/// Reads a commit's `commitInfo`. Contents in an unknown format count as missing.
pub(super) fn told(entry: &[u8]) -> Told {
    /// The one action of interest.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line<Info> {
        commit_info: Info,
    }
    #[derive(Deserialize)]
    struct At {
        timestamp: i64,
    }
    #[derive(Deserialize)]
    struct Ours {
        headwater: Provenance,
    }
    fn read<Info: DeserializeOwned>(line: &[u8]) -> Option<Info> {
        serde_json::from_slice::<Line<Info>>(line).ok().map(|line| line.commit_info)
    }
    // Commits of many files are long, so parse only the line that can match.
    let Some(line) = lines(entry).find(|line| line.starts_with(COMMIT_INFO)) else { return Told::default() };
    Told {
        at: read::<At>(line).and_then(|info| DateTime::from_timestamp_millis(info.timestamp)),
        provenance: read::<Ours>(line).map(|info| info.headwater),
    }
}

/// Returns true if a commit leaves the table's rows, columns and settings unchanged: it compacted files,
/// recorded a vacuum, or only added commit information.
pub(super) fn keeps_the_rows(entry: &[u8]) -> bool {
    lines(entry).filter(|line| !line.is_empty()).all(|line| {
        let Ok(action) = serde_json::from_slice::<serde_json::Value>(line) else { return false };
        let says = |key: &str| action.get(key).and_then(|file| file.get("dataChange")) == Some(&false.into());
        ["commitInfo", "txn"].iter().any(|key| action.get(key).is_some()) || says("add") || says("remove")
    })
}

/// Builds a commit that records provenance and changes nothing.
pub(super) fn attesting(
    provenance: &Provenance,
    transaction: Option<&(String, u64)>,
    at: DateTime<Utc>,
) -> serde_json::Result<Vec<u8>> {
    let mut entry = serde_json::to_vec(&json!({ "commitInfo": {
        "timestamp": at.timestamp_millis(),
        "operation": "ATTEST",
        "operationParameters": {},
        "engineInfo": concat!("headwater/", env!("CARGO_PKG_VERSION")),
        KEY: provenance,
    } }))?;
    if let Some((app, number)) = transaction {
        entry.push(b'\n');
        let txn = json!({ "appId": app, "version": number, "lastUpdated": at.timestamp_millis() });
        entry.extend(serde_json::to_vec(&json!({ "txn": txn }))?);
    }
    Ok(entry)
}

/// The start of the `commitInfo` line.
const COMMIT_INFO: &[u8] = b"{\"commitInfo\"";

fn lines(entry: &[u8]) -> impl Iterator<Item = &[u8]> {
    entry.split(|byte| *byte == b'\n')
}

/// Replaces the provenance in a log entry. Returns `None` if it has none.
pub(super) fn replaced(entry: &[u8], provenance: &Provenance) -> Option<Vec<u8>> {
    let mut done = false;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in self::lines(entry) {
        if !done && line.starts_with(COMMIT_INFO) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of_commit(entry: &[u8]) -> Option<Provenance> {
        told(entry).provenance
    }

    #[test]
    fn a_commit_that_changes_no_row_is_told_from_one_that_does() {
        let info = r#"{"commitInfo":{"operation":"OPTIMIZE"}}"#;
        let file =
            |action: &str, change: bool| format!(r#"{{"{action}":{{"path":"a","dataChange":{change}}}}}"#);
        let packed = [info.to_owned(), file("remove", false), file("add", false)].join("\n");
        assert!(keeps_the_rows(info.as_bytes()) && keeps_the_rows(packed.as_bytes()));
        for change in [file("add", true), file("remove", true), r#"{"metaData":{}}"#.to_owned()] {
            assert!(!keeps_the_rows(format!("{packed}\n{change}").as_bytes()), "{change}");
        }
    }

    #[test]
    fn only_our_commits_are_ours() {
        let ours = r#"{"commitInfo":{"operation":"WRITE","headwater":{"node":"model.p.m","run_id":"r","fingerprint":{"statement":"f"},
            "inputs":{"model.p.a":{"delta":{"version":3}},"source.p.f.b":{"source":{"digest":"x"}}},"rows":2,"digest":"d","tool_version":"1"}}}"#;
        let read = of_commit(ours.replace('\n', "").as_bytes()).unwrap();
        assert_eq!(read.rows, 2);
        assert_eq!(read.inputs[&NodeId::model("p", "a")], InputVersion::Delta { version: 3 });
        assert_eq!(of_commit(b"{\"commitInfo\":{\"operation\":\"WRITE\"}}\n{\"add\":{}}"), None);
        assert_eq!(of_commit(b"not json"), None);
    }

    #[test]
    fn only_the_provenance_is_replaced() {
        let entry = br#"{"commitInfo":{"timestamp":7,"operation":"WRITE","headwater":{"node":"m","run_id":"r","fingerprint":{"statement":"f"},"inputs":{},"tool_version":"1"}}}
{"add":{"path":"a"}}"#;
        let mut provenance = of_commit(entry).unwrap();
        provenance.metrics.insert("sum".into(), 1.5);
        let changed = replaced(entry, &provenance).unwrap();
        assert_eq!(of_commit(&changed), Some(provenance));
        let text = String::from_utf8(changed).unwrap();
        assert!(
            text.starts_with(r#"{"commitInfo":{"timestamp":7,"operation":"WRITE","headwater":{"node":"m","#)
        );
        assert!(text.ends_with("\n{\"add\":{\"path\":\"a\"}}"));
        assert_eq!(told(entry).at, DateTime::from_timestamp_millis(7));
    }
}
