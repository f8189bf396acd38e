//! The record's file: a line that says what it is and holds a digest of the rest, a line that says which command it is
//! of, and what to tell.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    artifact::replace,
    event::RunInfo,
    run::unchanged::{conditions::Conditions, steps::RecordedStep},
};

/// How the file begins.
const MAGIC: &str = concat!("headwater ", env!("CARGO_PKG_VERSION"), " partial parse ");

/// The kinds of node that a run counts.
const KINDS: [&str; 7] = ["data test", "exposure", "model", "seed", "snapshot", "source", "unit test"];

/// Which command the record is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// What the other digests are made with, so that nobody can look values up in a table of digests.
    pub(super) salt: String,
    /// A digest of the command.
    pub(super) request: String,
    /// A digest of the project's files.
    pub(super) files: String,
    /// The environment variables that templates asked for.
    pub(super) env_vars: Vec<String>,
    /// A digest of their values.
    pub(super) env: String,
}

/// What else must be as it was, and what to tell then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) conditions: Conditions,
    pub(super) info: RecordedInfo,
    /// The warnings before the run, without colour and in colour.
    pub(super) warnings: [String; 2],
    /// The artifacts that can be renewed, and a digest of each.
    pub(super) artifacts: Vec<(String, String)>,
    /// The files of compiled SQL and their stamps.
    pub(super) compiled: Vec<(PathBuf, String)>,
    pub(super) nodes: Vec<RecordedNode>,
}

/// A step, with what artifacts say of its node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordedNode {
    pub(super) step: RecordedStep,
    pub(super) path: Option<String>,
    pub(super) code: Option<String>,
}

/// What is known when a run starts, but for what is another one for each.
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

    /// The same for another run; `None` if it counts nodes of an unknown kind.
    pub(super) fn info(self, command: &'static str, invocation_id: String, steps: usize) -> Option<RunInfo> {
        let kind = |name: &str| KINDS.into_iter().find(|kind| *kind == name);
        let found = self.found.iter().map(|(name, count)| Some((kind(name)?, *count)));
        let found = found.collect::<Option<_>>()?;
        let Self { project, target, root, threads, .. } = self;
        let repaired = Vec::new();
        Some(RunInfo { command, invocation_id, project, target, root, threads, found, steps, repaired })
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

/// A record as it was read.
pub(super) struct Stored {
    pub(super) head: Head,
    body: String,
}

impl Stored {
    /// What to tell, or `None` if that is damaged.
    pub(super) fn body(&self) -> Option<Body> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Reads a record, or returns `None` if there is none that is whole and of this version.
pub(super) fn read(path: &Path) -> Option<Stored> {
    let text = fs::read_to_string(path).ok()?;
    let (first, rest) = text.strip_prefix(MAGIC)?.split_once('\n')?;
    let (head, body) = rest.split_once('\n')?;
    if first != digest(rest) {
        return None;
    }
    Some(Stored { head: serde_json::from_str(head).ok()?, body: body.to_owned() })
}

/// Writes a record in the place of the one that may be there.
pub(super) fn write(path: &Path, head: &Head, body: &Body) -> io::Result<()> {
    let rest = format!("{}\n{}", serde_json::to_string(head)?, serde_json::to_string(body)?);
    let text = format!("{MAGIC}{}\n{rest}", digest(&rest));
    replace(path, &head.salt, text.as_bytes())
}

fn digest(text: &str) -> String {
    format!("{:032x}", xxh3_128(text.as_bytes()))
}
