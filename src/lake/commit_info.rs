//! The `commitInfo` of a log entry: reads and writes the provenance in it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::provenance::Provenance;

/// The key of [`Provenance`] in a commit's `commitInfo`.
pub(super) const KEY: &str = "headwater";

/// The relevant contents of a commit's `commitInfo`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CommitInfo {
    /// The commit time.
    pub(super) at: Option<DateTime<Utc>>,
    /// The provenance, or `None` if another writer made the commit.
    pub(super) provenance: Option<Provenance>,
}

/// Reads a commit's `commitInfo`. Contents in an unknown format count as missing.
pub(super) fn commit_info(entry: &[u8]) -> CommitInfo {
    /// The one action of interest.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CommitLine<Info> {
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
        serde_json::from_slice::<CommitLine<Info>>(line).ok().map(|line| line.commit_info)
    }
    // Commits of many files are long, so parse only the line that can match.
    let Some(line) = lines(entry).find(|line| line.starts_with(COMMIT_INFO)) else {
        return CommitInfo::default();
    };
    CommitInfo {
        at: read::<At>(line).and_then(|info| DateTime::from_timestamp_millis(info.timestamp)),
        provenance: read::<Ours>(line).map(|info| info.headwater),
    }
}

/// Returns true if a commit leaves the table's rows, columns and settings unchanged: it compacted files,
/// recorded a vacuum, or only added commit information.
pub(super) fn retains_rows(entry: &[u8]) -> bool {
    lines(entry).filter(|line| !line.is_empty()).all(|line| {
        let Ok(action) = serde_json::from_slice::<serde_json::Value>(line) else { return false };
        let says = |key: &str| action.get(key).and_then(|file| file.get("dataChange")) == Some(&false.into());
        ["commitInfo", "txn"].iter().any(|key| action.get(key).is_some()) || says("add") || says("remove")
    })
}

/// Builds a commit that records provenance and changes nothing.
pub(super) fn metadata_entry(
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

/// Returns a log entry with its provenance replaced. Returns `None` if it has none.
pub(super) fn with_provenance(entry: &[u8], provenance: &Provenance) -> Option<Vec<u8>> {
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
    use crate::{lake::InputVersion, name::NodeId};

    fn of_commit(entry: &[u8]) -> Option<Provenance> {
        commit_info(entry).provenance
    }

    #[test]
    fn a_commit_that_changes_no_row_is_told_from_one_that_does() {
        let info = r#"{"commitInfo":{"operation":"OPTIMIZE"}}"#;
        let file =
            |action: &str, change: bool| format!(r#"{{"{action}":{{"path":"a","dataChange":{change}}}}}"#);
        let packed = [info.to_owned(), file("remove", false), file("add", false)].join("\n");
        assert!(retains_rows(info.as_bytes()) && retains_rows(packed.as_bytes()));
        for change in [file("add", true), file("remove", true), r#"{"metaData":{}}"#.to_owned()] {
            assert!(!retains_rows(format!("{packed}\n{change}").as_bytes()), "{change}");
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
        let changed = with_provenance(entry, &provenance).unwrap();
        assert_eq!(of_commit(&changed), Some(provenance));
        let text = String::from_utf8(changed).unwrap();
        assert!(
            text.starts_with(r#"{"commitInfo":{"timestamp":7,"operation":"WRITE","headwater":{"node":"m","#)
        );
        assert!(text.ends_with("\n{\"add\":{\"path\":\"a\"}}"));
        assert_eq!(commit_info(entry).at, DateTime::from_timestamp_millis(7));
    }
}
