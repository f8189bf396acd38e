//! Outcomes of steps: data, never a Rust error. Not a wire format: what programs read is in `report`. Types
//! that can be serialized are part of the record that an unchanged run leaves for the next one.

mod row_sample;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    interval::Interval,
    name::{NodeId, Relation},
};

pub use self::row_sample::{Cells, DifferenceCounts, RowDifference, RowSample, SampleColumn, SampleRow};

/// The outcome of one step.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The table's new version is visible.
    Published {
        /// The Delta version.
        version: u64,
        /// The number of rows in the new version.
        rows: u64,
        /// The size of the data files written, in bytes.
        bytes: u64,
        /// The changes to existing rows, unless the table was rebuilt.
        changed: Option<Box<RowChanges>>,
        /// The rejects of the step's sources, if any.
        rejected: Option<Rejected>,
        /// The rows removed by the model's own rules, if any.
        quarantined: Option<Quarantined>,
    },
    /// The rows equal the published ones: nothing was published, and nothing downstream has to run.
    Unchanged {
        /// The current Delta version.
        version: u64,
        /// The number of rows in it.
        rows: u64,
        /// The part that was examined, unless the table was rebuilt.
        changed: Option<Box<RowChanges>>,
        /// The rejects of the step's sources, if any.
        rejected: Option<Rejected>,
        /// The rows removed by the model's own rules, if any.
        quarantined: Option<Quarantined>,
    },
    /// Some of the model's batches failed. The others are visible; failed ones are retried by the next run.
    Partial(Box<Partial>),
    /// Skipped: the table is up to date, or the test has already passed on the current rows.
    Reused {
        /// The unacknowledged rejects from when the table was built, if any.
        rejected: Option<Rejected>,
    },
    /// A view was checked; nothing was written.
    Checked,
    /// The new version was built but failed its tests, so it isn't published; the last good version stays
    /// current.
    Withheld(Withheld),
    /// A data test or unit test finished.
    Tested(Verdict),
    /// A source's freshness was checked.
    Aged(SourceAge),
    /// The step failed; the last good version stays current.
    Failed {
        /// The error message.
        message: String,
        /// The path of the compiled SQL relative to the project, if there is any.
        compiled: Option<String>,
    },
}

impl Outcome {
    /// Returns true if downstream steps may run.
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

/// The outcome of a model with failed batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// The current Delta version.
    pub version: u64,
    /// The number of rows in it.
    pub rows: u64,
    /// The changes that the successful batches made to existing rows.
    pub changed: RowChanges,
    /// The successful batches.
    pub done: Vec<Interval>,
    /// The failed batches.
    pub failed: Vec<FailedBatch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedBatch {
    /// Its label: `2021-01-02`.
    pub batch: String,
    /// Its time range.
    pub time: Interval,
    /// The error message.
    pub message: String,
}

/// The changes that an incremental update made to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowChanges {
    /// The number of inserted rows.
    pub inserted: u64,
    /// The number of updated rows.
    pub updated: u64,
    /// The number of deleted rows.
    pub deleted: u64,
    /// The changes to its files, if it loads files.
    pub files: Option<FileChanges>,
    /// The number of batches built, for microbatch models.
    pub batches: Option<u64>,
}

/// The files that a load processed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileChanges {
    /// New files.
    pub loaded: u64,
    /// Changed files whose rows were replaced.
    pub reloaded: u64,
    /// Removed files whose rows were deleted.
    pub removed: u64,
    /// Removed files whose rows stay.
    pub vanished: u64,
    /// Changed files whose old rows stay.
    pub left: u64,
}

impl RowChanges {
    /// Returns the total number of changed rows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

/// Input that was set aside while a step read its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The number of rows rejected individually.
    pub rows: u64,
    /// The number of files rejected as a whole.
    pub files: u64,
    /// The table that holds them.
    pub relation: Relation,
    /// Sample rejects for the summary: `file:row: reason`.
    pub sample: Vec<String>,
    /// The sources that set them aside.
    pub sources: Vec<String>,
    /// The differences between the files' columns and the declared ones, as messages.
    pub notes: Vec<String>,
}

/// The rows that a model's own rules kept out of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The number of quarantined rows.
    pub rows: u64,
    /// The number of dropped rows.
    pub dropped: u64,
    /// The table of quarantined rows, or `None` if no rule quarantines.
    pub relation: Option<Relation>,
}

/// A version that failed its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The number of rows in it.
    pub rows: u64,
    /// The tests that failed or couldn't run.
    pub tests: Vec<NodeId>,
    /// The version that stays current, or `None` if there is none.
    pub standing: Option<u64>,
    /// The table of its rows, if they were kept.
    pub kept: Option<Relation>,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub status: TestStatus,
    /// The count, usually of violating rows.
    pub failures: u64,
    /// The message about the count and the allowed values, unless the test passed.
    pub message: Option<String>,
    /// The first of the rows found, or of the differences to the rows expected.
    pub sample: Option<Box<RowSample>>,
    /// The path of the compiled SQL, relative to the project.
    pub compiled: Option<String>,
    /// The table of the rows found, if they are stored.
    pub stored: Option<Relation>,
}

impl Verdict {
    /// Returns the verdict of a test that found nothing.
    #[must_use]
    pub fn pass() -> Self {
        Self {
            status: TestStatus::Pass,
            failures: 0,
            message: None,
            sample: None,
            compiled: None,
            stored: None,
        }
    }
}

/// The status of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TestStatus {
    /// The test passed.
    Pass,
    /// The test found failures, but doesn't withhold the version.
    Warn,
    /// The test found failures and withholds the version.
    Fail,
}

/// A source's age and freshness.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceAge {
    /// The freshness status.
    pub status: AgeStatus,
    /// The time of its newest row or file.
    pub max_loaded_at: DateTime<Utc>,
    /// The time of the check.
    pub snapshotted_at: DateTime<Utc>,
    /// The thresholds, as in `sources.json`: `warn_after`, `error_after`, `filter`.
    pub criteria: serde_json::Value,
}

impl SourceAge {
    /// Returns the age in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.snapshotted_at - self.max_loaded_at).as_seconds_f64()
    }
}

/// The freshness of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeStatus {
    /// Fresh enough.
    Pass,
    /// Older than `warn_after`.
    Warn,
    /// Older than `error_after`.
    Error,
}

/// A killed run that was cleaned up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The run's id.
    pub run: String,
    /// The number of files that were removed.
    pub files: usize,
}

/// The reason why a step didn't run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skipped {
    /// An upstream node failed; this names the root of the failure.
    Upstream {
        /// The node that failed.
        failed: NodeId,
    },
    /// Another node failed under `--fail-fast`.
    FailFast,
    /// The run was cancelled before the step started, or while it ran.
    Cancelled,
}
