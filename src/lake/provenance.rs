//! Provenance: the origin of each version of a table, recorded in the commit that made it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{interval::Intervals, manifest::fingerprint::Fingerprint, name::NodeId, source::SourceState};

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
    pub tests: BTreeMap<NodeId, PassedTest>,
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
pub struct PassedTest {
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
    Delta { version: u64 },
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
