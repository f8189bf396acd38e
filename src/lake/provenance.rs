//! What each version of a table says about how it came to be, kept in the commit that made it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    engine::source::SourceState, interval::Intervals, manifest::fingerprint::Fingerprint, name::NodeId,
};

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
    pub fingerprint: Fingerprint,
    /// What it was made from, by the input's unique id.
    pub inputs: BTreeMap<NodeId, InputVersion>,
    /// How many rows it has. Filled in while they are written.
    #[serde(default)]
    pub rows: u64,
    /// The digest of its rows. Filled in while they are written.
    #[serde(default)]
    pub digest: String,
    /// How long it took to compute and write them, in milliseconds. Filled in when they are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// What tests measured of it, by the test: later versions are compared with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// The tests that judged it and did not fail.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tests: BTreeMap<NodeId, Judged>,
    /// The version whose rows this speaks of, where that is not the one this was committed with: the rows turned out
    /// to be what today's inputs give, or passed more tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<u64>,
    /// The time whose batches are in it, if it is built batch by batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<Intervals>,
    /// When it was made; never before the version that stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<DateTime<Utc>>,
    /// What its sources have rejected, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<RejectNote>,
    /// The version of Headwater.
    pub tool_version: String,
}

/// What the sources of a table have rejected of the files that it was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectNote {
    /// Rows that were rejected alone.
    pub rows: u64,
    /// Files that were set aside whole.
    pub files: u64,
    /// Of the rows, those that were acknowledged.
    #[serde(default)]
    pub accepted_rows: u64,
    /// Of the files, those that were acknowledged.
    #[serde(default)]
    pub accepted_files: u64,
    /// Who acknowledged rejects last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// The sources, as people call them.
    #[serde(default)]
    pub sources: BTreeSet<String>,
    /// A few of the rejects: `file:line: reason`.
    #[serde(default)]
    pub sample: Vec<String>,
}

/// How rows came through a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// A digest of what was asked of them.
    pub asked: String,
    /// What was found, and is allowed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Which state of an input was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
        /// How many files it is.
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
    /// Of rows that are about to be made by a run, of which nothing is known yet.
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

/// What a commit says of itself, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    /// When it was made.
    pub(super) at: Option<DateTime<Utc>>,
    /// How its version came to be; `None` if somebody else made it.
    pub(super) provenance: Option<Provenance>,
}

/// Reads what a commit's text says of itself. What is of a form that we don't know counts as not said.
pub(super) fn told(entry: &[u8]) -> Told {
    /// The one action that is looked for.
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
    // Only the line that could be it is parsed: a commit of many files is long.
    let Some(line) = lines(entry).find(|line| line.starts_with(COMMIT_INFO)) else { return Told::default() };
    Told {
        at: read::<At>(line).and_then(|info| DateTime::from_timestamp_millis(info.timestamp)),
        provenance: read::<Ours>(line).map(|info| info.headwater),
    }
}

/// Whether a commit leaves the table's rows, columns and settings as they were: files were packed anew, a vacuum was
/// noted, or nothing but the commit itself was said.
pub(super) fn keeps_the_rows(entry: &[u8]) -> bool {
    lines(entry).filter(|line| !line.is_empty()).all(|line| {
        let Ok(action) = serde_json::from_slice::<serde_json::Value>(line) else { return false };
        let says = |key: &str| action.get(key).and_then(|file| file.get("dataChange")) == Some(&false.into());
        ["commitInfo", "txn"].iter().any(|key| action.get(key).is_some()) || says("add") || says("remove")
    })
}

/// A commit that says how a version came to be and changes nothing.
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

/// How the line begins that says what a commit is.
const COMMIT_INFO: &[u8] = b"{\"commitInfo\"";

fn lines(entry: &[u8]) -> impl Iterator<Item = &[u8]> {
    entry.split(|byte| *byte == b'\n')
}

/// The log entry with another provenance; nothing if it has none.
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
            "inputs":{"model.p.a":{"delta":{"version":3}},"b":{"source":{"digest":"x"}}},"rows":2,"digest":"d","tool_version":"1"}}}"#;
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
