//! The record's file. The first line identifies the file and holds a digest of the rest, the second line
//! identifies the command, and the third holds the other conditions and the report.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    event::RunInfo,
    local_file,
    report::TargetPath,
    run::unchanged::{conditions::Conditions, steps::RecordedStep},
    secret::scrubbed_artifact,
};

/// The beginning of the file.
const MAGIC: &str = concat!("headwater ", env!("CARGO_PKG_VERSION"), " partial parse ");

/// The kinds of node that a run counts.
const KINDS: [&str; 7] = ["data test", "exposure", "model", "seed", "snapshot", "source", "unit test"];

/// The command, files and environment that the record belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordHead {
    /// The salt of the digests of the command and environment, so that values can't be looked up in a table
    /// of digests.
    pub(super) salt: String,
    /// A digest of the command.
    pub(super) request: String,
    /// A digest of the project's files.
    pub(super) files: String,
    /// The environment variables that templates asked for.
    pub(super) env_vars: Vec<String>,
    /// A digest of the values of those variables.
    pub(super) env: String,
}

/// The other conditions, and the report to repeat if they hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordBody {
    pub(super) conditions: Conditions,
    pub(super) info: RecordedInfo,
    /// The warnings before the run, without colour and in colour.
    pub(super) warnings: [String; 2],
    /// The renewable artifacts and their digests.
    pub(super) artifacts: Vec<(String, String)>,
    /// The files of compiled SQL and their stamps.
    pub(super) compiled: Vec<(PathBuf, String)>,
    pub(super) nodes: Vec<RecordedNode>,
}

/// A step, with the facts about its node that artifacts contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordedNode {
    pub(super) step: RecordedStep,
    pub(super) path: Option<String>,
    pub(super) code: Option<String>,
}

/// The facts known at the start of a run, except those that differ between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordedInfo {
    project: String,
    target: String,
    root: String,
    threads: usize,
    found: Vec<(String, usize)>,
}

impl RecordedInfo {
    pub(super) fn new(info: RunInfo) -> Self {
        let RunInfo { project, target, root, threads, found, .. } = info;
        let found = found.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
        Self { project, target, root, threads, found }
    }

    /// Returns the facts for another run, or `None` if a counted kind of node is unknown.
    pub(super) fn info(self, command: &'static str, invocation_id: String, steps: usize) -> Option<RunInfo> {
        let kind = |name: &str| KINDS.into_iter().find(|kind| *kind == name);
        let found = self.found.iter().map(|(name, count)| Some((kind(name)?, *count)));
        let found = found.collect::<Option<_>>()?;
        let Self { project, target, root, threads, .. } = self;
        let repaired = Vec::new();
        Some(RunInfo { command, invocation_id, project, target, root, threads, found, steps, repaired })
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

/// A record as read from its file.
pub(super) struct Stored {
    pub(super) head: RecordHead,
    body: String,
}

impl Stored {
    /// Parses the body. Returns `None` if it is damaged.
    pub(super) fn body(&self) -> Option<RecordBody> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Reads a record. Returns `None` if it doesn't exist, is damaged or is from another version.
pub(super) fn read(path: &Path) -> Option<Stored> {
    let text = String::from_utf8(local_file::read(path).ok()?).ok()?;
    let (first, rest) = text.strip_prefix(MAGIC)?.split_once('\n')?;
    let (head, body) = rest.split_once('\n')?;
    if first != digest(rest) {
        return None;
    }
    Some(Stored { head: serde_json::from_str(head).ok()?, body: body.to_owned() })
}

/// Writes a record, replacing any existing one.
pub(super) fn write(path: &Path, head: &RecordHead, body: &RecordBody) -> io::Result<()> {
    let rest = format!("{}\n{}", serde_json::to_string(head)?, serde_json::to_string(body)?);
    let rest = scrubbed_artifact(&rest);
    let text = format!("{MAGIC}{}\n{rest}", digest(&rest));
    TargetPath::replace_file(path, &head.salt, text.as_bytes())
}

fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
