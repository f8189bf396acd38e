//! Reads source ages from the previous `sources.json`.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::Path,
};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{local_file, name::NodeId};

/// A source's age at its last freshness check.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LastAge {
    unique_id: NodeId,
    /// dbt's status.
    pub status: String,
    /// The time of its newest row.
    #[serde(default)]
    pub max_loaded_at: Option<DateTime<Utc>>,
    /// The time of the check.
    #[serde(default)]
    pub snapshotted_at: Option<DateTime<Utc>>,
    /// The age in seconds.
    #[serde(default, rename = "max_loaded_at_time_ago_in_s")]
    pub seconds: Option<f64>,
}

#[derive(Deserialize)]
struct SourcesArtifact {
    results: Vec<LastAge>,
}

/// Reads the artifact. Returns an empty map if it doesn't exist.
///
/// # Errors
/// If the file can't be read or isn't valid.
pub fn last_ages(path: &Path) -> io::Result<BTreeMap<NodeId, LastAge>> {
    let bytes = match local_file::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let sources: SourcesArtifact = serde_json::from_slice(&bytes)?;
    Ok(sources.results.into_iter().map(|age| (age.unique_id.clone(), age)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ages_are_read_and_sources_that_could_not_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources.json");
        assert_eq!(last_ages(&path).unwrap(), BTreeMap::new());
        let query = r#"{"unique_id": "source.p.s.t", "status": "warn", "max_loaded_at": "2026-01-02T03:04:05.000000Z",
            "snapshotted_at": "2026-01-02T03:04:15.000000Z", "max_loaded_at_time_ago_in_s": 10.0}"#;
        let failed = r#"{"unique_id": "source.p.s.u", "status": "runtime error", "error": "no such column"}"#;
        fs::write(&path, format!(r#"{{"results": [{query}, {failed}]}}"#)).unwrap();
        let ages = last_ages(&path).unwrap();
        let shown: Vec<_> = ages.values().map(|age| (age.status.as_str(), age.seconds)).collect();
        assert_eq!(shown, [("warn", Some(10.0)), ("runtime error", None)]);
        fs::write(&path, "[]").unwrap();
        assert!(last_ages(&path).is_err());
    }
}
