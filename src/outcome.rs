//! What became of a step: data, never a Rust error.

use serde::Serialize;

use crate::name::{NodeId, Relation};

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Outcome {
    /// The table's new version is visible.
    Published {
        /// The Delta version.
        version: u64,
        /// Rows in the new version.
        rows: u64,
        /// Bytes of the data files written.
        bytes: u64,
        /// What the step's sources set aside, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<Rejected>,
    },
    /// A view was checked; nothing was written.
    Checked,
    /// The step went wrong; the last good version stands.
    Failed {
        /// What happened, for a person.
        message: String,
        /// The compiled SQL's file, relative to the project, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        compiled: Option<String>,
    },
}

impl Outcome {
    /// Whether descendants may go on.
    #[must_use]
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}

/// Input that was set aside while a step read its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Rows set aside alone.
    pub rows: u64,
    /// Files set aside whole.
    pub files: u64,
    /// The table that holds them.
    pub relation: Relation,
    /// A few of them, for the summary: `file:row: reason`.
    pub sample: Vec<String>,
}

/// Why a step did not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Skipped {
    /// An ancestor failed; this is the one at the root of it.
    Upstream {
        /// The node that failed.
        failed: NodeId,
    },
    /// Another node failed under `--fail-fast`.
    FailFast,
    /// The run was cancelled before the step started, or while it ran.
    Cancelled,
}
