//! What became of a step: data, never a Rust error.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    interval::Interval,
    name::{NodeId, Relation},
};

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
        /// What new rows did to those that were there, if the table was not made anew.
        #[serde(skip_serializing_if = "Option::is_none")]
        changed: Option<Box<RowChanges>>,
        /// What the step's sources set aside, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<Rejected>,
        /// What the model's own rules took out, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        quarantined: Option<Quarantined>,
    },
    /// The rows came out as those that are published: nothing was published, and nothing downstream has to run.
    Unchanged {
        /// The Delta version that stands.
        version: u64,
        /// Rows in it.
        rows: u64,
        /// What was looked at, if the table was not made anew.
        #[serde(skip_serializing_if = "Option::is_none")]
        changed: Option<Box<RowChanges>>,
        /// What the step's sources set aside, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<Rejected>,
        /// What the model's own rules took out, if anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        quarantined: Option<Quarantined>,
    },
    /// Some of the model's batches could not be made. The others are visible; these are made again the next time.
    Partial(Box<Partial>),
    /// What stands there is what it would come to, or a test has passed on just these rows: nothing was done.
    Reused {
        /// What the sources of the table set aside when it was built, if anything that nobody acknowledged.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<Rejected>,
    },
    /// A view was checked; nothing was written.
    Checked,
    /// The new version was built and judged, and nobody will see it; the last good version stands.
    Withheld(Withheld),
    /// A data test or unit test came to a verdict.
    Tested(Verdict),
    /// A source's age is known.
    Aged(Age),
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
        match self {
            Self::Published { .. } | Self::Unchanged { .. } | Self::Reused { .. } | Self::Checked => true,
            Self::Tested(verdict) => verdict.status != TestStatus::Fail,
            Self::Aged(age) => age.status != AgeStatus::Error,
            Self::Withheld(_) | Self::Failed { .. } | Self::Partial(_) => false,
        }
    }
}

/// What became of a model of which some batches could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partial {
    /// The Delta version that stands now.
    pub version: u64,
    /// Rows in it.
    pub rows: u64,
    /// What the other batches did to the rows that were there.
    pub changed: RowChanges,
    /// The batches that were made.
    pub done: Vec<Interval>,
    /// Those that could not be.
    pub failed: Vec<FailedBatch>,
}

/// A batch that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedBatch {
    /// As people call it: `2021-01-02`.
    pub batch: String,
    /// Its time.
    pub time: Interval,
    /// What happened, for a person.
    pub message: String,
}

/// What taking new rows into a table did to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RowChanges {
    /// Rows that came.
    pub inserted: u64,
    /// Rows that are others now.
    pub updated: u64,
    /// Rows that went.
    pub deleted: u64,
    /// What it did about files, if it loads them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileChanges>,
    /// How many batches of time were made, if it is made of batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batches: Option<u64>,
}

/// What loading files did about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileChanges {
    /// Files that were new.
    pub loaded: u64,
    /// Files that took the place of the rows they had.
    pub reloaded: u64,
    /// Files whose rows went since they are gone.
    pub removed: u64,
    /// Files that turned out to be gone, and whose rows stay.
    pub vanished: u64,
    /// Files that changed, and whose rows stay.
    pub left: u64,
}

impl RowChanges {
    /// All rows that it did something to.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// Input that was set aside while a step read its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Rows set aside alone.
    pub rows: u64,
    /// Files set aside whole.
    pub files: u64,
    /// The table that holds them.
    pub relation: Relation,
    /// A few of them, for the summary: `file:row: reason`.
    pub sample: Vec<String>,
    /// The sources that set them aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// How the columns of files differ from what is declared, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Rows of a model that its own rules kept out of its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Rows that lie in quarantine.
    pub rows: u64,
    /// Rows that a rule said to drop.
    pub dropped: u64,
    /// The table that holds the quarantined ones; none if no rule quarantines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
}

/// A version that failed its tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Withheld {
    /// Rows in it.
    pub rows: u64,
    /// The tests that failed or could not be run.
    pub tests: Vec<NodeId>,
    /// The version that readers go on to see; none if there never was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<u64>,
    /// Where its rows can be queried, if they were to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Relation>,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    #[serde(rename = "verdict")]
    pub status: TestStatus,
    /// What it counted, usually rows that should not be.
    pub failures: u64,
    /// What was found and what is allowed, unless it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The first of the rows found, or the difference to the rows expected, as aligned lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample: Vec<String>,
    /// The compiled SQL's file, relative to the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiled: Option<String>,
    /// The table that holds the rows found, if they are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<Relation>,
}

impl Verdict {
    /// Nothing was found.
    #[must_use]
    pub fn pass() -> Self {
        Self {
            status: TestStatus::Pass,
            failures: 0,
            message: None,
            sample: Vec::new(),
            compiled: None,
            stored: None,
        }
    }
}

/// How a test ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    /// All is as it should be.
    Pass,
    /// Not all, but nothing is withheld for it.
    Warn,
    /// Not all, and what was tested is not published.
    Fail,
}

/// When a source was last loaded, and whether that is fresh enough.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Age {
    /// How that is judged.
    #[serde(rename = "freshness")]
    pub status: AgeStatus,
    /// When its newest row or file came.
    pub max_loaded_at: DateTime<Utc>,
    /// When that was asked.
    pub snapshotted_at: DateTime<Utc>,
    /// What is fresh enough, as `sources.json` says it: `warn_after`, `error_after`, `filter`.
    pub criteria: serde_json::Value,
}

impl Age {
    /// Seconds from the newest row or file to the question.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.snapshotted_at - self.max_loaded_at).as_seconds_f64()
    }
}

/// How a source's age is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeStatus {
    /// Fresh enough.
    Pass,
    /// Older than `warn_after`.
    Warn,
    /// Older than `error_after`.
    Error,
}

/// A run that was killed, and what was removed after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// The run's id.
    pub run: String,
    /// How many files it had left behind.
    pub files: usize,
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
