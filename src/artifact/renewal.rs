//! Renewal: updates an artifact that would differ only in which invocation wrote it and when. Overwrites only
//! its metadata, which must keep its length.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use super::{ArtifactOrigin, timestamp};

/// The beginnings of renewable artifacts: before the metadata, or before a lone invocation id.
const BEGINNINGS: [&str; 2] = ["{\"metadata\":", "{\"_invocation_id\":"];

/// The metadata keys whose values differ between invocations.
const OWN: [&str; 4] = ["generated_at", "invocation_id", "invocation_started_at", "run_started_at"];

/// An existing artifact that can be renewed.
#[derive(Debug)]
pub struct Renewal {
    path: PathBuf,
    bytes: Vec<u8>,
    /// The offset of the metadata or id.
    start: usize,
    /// The metadata or id.
    head: Value,
    /// The offset of the rest.
    end: usize,
}

impl Renewal {
    /// Reads the artifact at a path. Returns `None` if it doesn't exist, has another form or has several hard
    /// links.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        if !metadata.is_file() || is_shared(&metadata) {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let start = BEGINNINGS.into_iter().find(|start| bytes.starts_with(start.as_bytes()))?.len();
        let mut values = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<Value>();
        let head = values.next()?.ok()?;
        let end = start + values.byte_offset();
        Some(Self { path: path.to_owned(), start, head, end, bytes })
    }

    /// Returns a hexadecimal digest of everything that a renewal keeps.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut head = self.head.clone();
        match &mut head {
            Value::Object(metadata) => metadata.retain(|key, _| !OWN.contains(&key.as_str())),
            other => *other = Value::Null,
        }
        let mut digest = Xxh3::new();
        digest.update(&self.bytes[..self.start]);
        digest.update(head.to_string().as_bytes());
        digest.update(&self.bytes[self.end..]);
        format!("{:032x}", digest.digest128())
    }

    /// Returns the bytes to write for another invocation, or `None` if their number would change.
    #[must_use]
    pub fn prepare(self, origin: &ArtifactOrigin<'_>) -> Option<Renewed> {
        let mut head = self.head;
        match &mut head {
            Value::Object(metadata) => {
                for key in OWN {
                    if let Some(value) = metadata.get_mut(key) {
                        *value = own(key, origin).into();
                    }
                }
            }
            other => *other = origin.invocation_id.into(),
        }
        let head = head.to_string();
        if head.len() != self.end - self.start {
            return None;
        }
        let mut bytes = self.bytes[..self.start].to_vec();
        bytes.extend(head.as_bytes());
        Some(Renewed { path: self.path, bytes })
    }
}

/// The new beginning of an artifact.
#[derive(Debug)]
pub struct Renewed {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Renewed {
    /// Overwrites the beginning of the artifact.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&self) -> io::Result<()> {
        let mut file = File::options().write(true).open(&self.path)?;
        file.write_all(&self.bytes)
    }
}

fn own(key: &str, origin: &ArtifactOrigin<'_>) -> String {
    match key {
        "generated_at" => timestamp(origin.generated),
        "invocation_id" => origin.invocation_id.to_owned(),
        "invocation_started_at" => timestamp(origin.started),
        _ => local_timestamp(origin),
    }
}

/// Formats the start time like `run_started_at` in the manifest.
pub(super) fn local_timestamp(origin: &ArtifactOrigin<'_>) -> String {
    origin.started.to_rfc3339_opts(chrono::SecondsFormat::Micros, false)
}

/// Returns whether a file has several hard links: a write would change all of them.
#[cfg(unix)]
fn is_shared(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) != 1
}

#[cfg(not(unix))]
fn is_shared(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_who_wrote_it_and_when_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let env = BTreeMap::new();
        let origin = |id: &'static str, seconds| {
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            ArtifactOrigin { invocation_id: id, started: at, generated: at, env: &env }
        };
        let (one, other) = (origin("one", 1_700_000_000), origin("two", 1_800_000_000));
        let artifact = |origin: &ArtifactOrigin<'_>| {
            let mut metadata = origin.metadata("v1");
            metadata["run_started_at"] = local_timestamp(origin).into();
            json!({ "metadata": metadata, "nodes": { "invocation_id": "stays" } }).to_string()
        };
        fs::write(&path, artifact(&one)).unwrap();
        let renewal = Renewal::of(&path).unwrap();
        let digest = renewal.digest();
        renewal.prepare(&other).unwrap().write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), artifact(&other));
        assert_eq!(Renewal::of(&path).unwrap().digest(), digest);
        fs::write(&path, artifact(&one).replace("stays", "goes!")).unwrap();
        assert_ne!(Renewal::of(&path).unwrap().digest(), digest);
        // An id of another length doesn't fit.
        assert!(Renewal::of(&path).unwrap().prepare(&origin("three", 1)).is_none());

        fs::write(&path, r#"{"_invocation_id":"one","linked":{}}"#).unwrap();
        Renewal::of(&path).unwrap().prepare(&other).unwrap().write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"_invocation_id":"two","linked":{}}"#);
        #[cfg(unix)]
        {
            fs::hard_link(&path, folder.path().join("copy")).unwrap();
            assert!(Renewal::of(&path).is_none());
        }
        for damaged in ["", "{}", r#"{"metadata":{"#] {
            fs::write(folder.path().join("damaged"), damaged).unwrap();
            assert!(Renewal::of(&folder.path().join("damaged")).is_none());
        }
    }
}
