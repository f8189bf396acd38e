//! The outcome of a step, or why it didn't run.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::dbt_outcome,
    sample::SampleJson,
    table::{IntervalJson, RelationJson},
};
use crate::{
    name::NodeId,
    outcome::{
        FailedBatch, FileChanges, Outcome, Partial, Quarantined, Rejected, Repaired, RowChanges, Skipped,
        SourceAge, Verdict, Withheld,
    },
};

/// The outcome of a step.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub(in crate::report) enum OutcomeJson<'a> {
    Published(VersionJson<'a>),
    Unchanged(VersionJson<'a>),
    Partial(PartialJson<'a>),
    Reused {
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<RejectedJson<'a>>,
    },
    Checked,
    Withheld(WithheldJson<'a>),
    Tested(VerdictJson<'a>),
    Aged(AgeJson<'a>),
    Failed {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        compiled: Option<&'a str>,
    },
}

/// A table's new version, or the current one that equals it.
#[derive(Serialize)]
pub(in crate::report) struct VersionJson<'a> {
    version: u64,
    rows: u64,
    /// The size of the files written, for a new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<ChangesJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<RejectedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantined: Option<QuarantinedJson<'a>>,
}

/// The version of a model with failed batches.
#[derive(Serialize)]
pub(in crate::report) struct PartialJson<'a> {
    version: u64,
    rows: u64,
    changed: ChangesJson,
    done: Vec<IntervalJson>,
    failed: Vec<BatchJson<'a>>,
}

/// A failed batch.
#[derive(Serialize)]
struct BatchJson<'a> {
    batch: &'a str,
    time: IntervalJson,
    message: &'a str,
}

/// The numbers of changed rows.
#[derive(Serialize)]
struct ChangesJson {
    inserted: u64,
    updated: u64,
    deleted: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<FilesJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batches: Option<u64>,
}

/// The numbers of files that a load processed.
#[derive(Serialize)]
struct FilesJson {
    loaded: u64,
    reloaded: u64,
    removed: u64,
    vanished: u64,
    left: u64,
}

/// Rejected rows and files.
#[derive(Serialize)]
pub(in crate::report) struct RejectedJson<'a> {
    rows: u64,
    files: u64,
    relation: RelationJson<'a>,
    sample: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    sources: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

/// Quarantined and dropped rows.
#[derive(Serialize)]
struct QuarantinedJson<'a> {
    rows: u64,
    dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    relation: Option<RelationJson<'a>>,
}

/// A version that failed its tests.
#[derive(Serialize)]
pub(in crate::report) struct WithheldJson<'a> {
    rows: u64,
    tests: &'a [NodeId],
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<RelationJson<'a>>,
}

/// The result of a test.
#[derive(Serialize)]
pub(in crate::report) struct VerdictJson<'a> {
    verdict: &'static str,
    failures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<SampleJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compiled: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<RelationJson<'a>>,
}

/// The age of a source.
#[derive(Serialize)]
pub(in crate::report) struct AgeJson<'a> {
    freshness: &'static str,
    max_loaded_at: DateTime<Utc>,
    snapshotted_at: DateTime<Utc>,
    criteria: &'a Value,
}

/// The reason why a step didn't run.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub(in crate::report) enum SkippedJson<'a> {
    Upstream { failed: &'a NodeId },
    FailFast,
    Cancelled,
}

/// A killed run that was cleaned up.
#[derive(Serialize)]
pub(in crate::report) struct RepairedJson<'a> {
    run: &'a str,
    files: usize,
}

impl<'a> From<&'a Outcome> for OutcomeJson<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Published { version, rows, bytes, changed, rejected, quarantined } => {
                Self::Published(VersionJson {
                    version: *version,
                    rows: *rows,
                    bytes: Some(*bytes),
                    changed: changed.as_deref().map(ChangesJson::from),
                    rejected: rejected.as_ref().map(RejectedJson::from),
                    quarantined: quarantined.as_ref().map(QuarantinedJson::from),
                })
            }
            Outcome::Unchanged { version, rows, changed, rejected, quarantined } => {
                Self::Unchanged(VersionJson {
                    version: *version,
                    rows: *rows,
                    bytes: None,
                    changed: changed.as_deref().map(ChangesJson::from),
                    rejected: rejected.as_ref().map(RejectedJson::from),
                    quarantined: quarantined.as_ref().map(QuarantinedJson::from),
                })
            }
            Outcome::Partial(partial) => Self::Partial((&**partial).into()),
            Outcome::Reused { rejected } => {
                Self::Reused { rejected: rejected.as_ref().map(RejectedJson::from) }
            }
            Outcome::Checked => Self::Checked,
            Outcome::Withheld(withheld) => Self::Withheld(withheld.into()),
            Outcome::Tested(verdict) => Self::Tested(verdict.into()),
            Outcome::Aged(age) => Self::Aged(age.into()),
            Outcome::Failed { message, compiled } => Self::Failed { message, compiled: compiled.as_deref() },
        }
    }
}

impl<'a> From<&'a Partial> for PartialJson<'a> {
    fn from(Partial { version, rows, changed, done, failed }: &'a Partial) -> Self {
        Self {
            version: *version,
            rows: *rows,
            changed: changed.into(),
            done: done.iter().map(IntervalJson::from).collect(),
            failed: failed.iter().map(BatchJson::from).collect(),
        }
    }
}

impl<'a> From<&'a FailedBatch> for BatchJson<'a> {
    fn from(FailedBatch { batch, time, message }: &'a FailedBatch) -> Self {
        Self { batch, time: time.into(), message }
    }
}

impl From<&RowChanges> for ChangesJson {
    fn from(&RowChanges { inserted, updated, deleted, files, batches }: &RowChanges) -> Self {
        Self { inserted, updated, deleted, files: files.map(FilesJson::from), batches }
    }
}

impl From<FileChanges> for FilesJson {
    fn from(FileChanges { loaded, reloaded, removed, vanished, left }: FileChanges) -> Self {
        Self { loaded, reloaded, removed, vanished, left }
    }
}

impl<'a> From<&'a Rejected> for RejectedJson<'a> {
    fn from(Rejected { rows, files, relation, sample, sources, notes }: &'a Rejected) -> Self {
        Self { rows: *rows, files: *files, relation: relation.into(), sample, sources, notes }
    }
}

impl<'a> From<&'a Quarantined> for QuarantinedJson<'a> {
    fn from(Quarantined { rows, dropped, relation }: &'a Quarantined) -> Self {
        Self { rows: *rows, dropped: *dropped, relation: relation.as_ref().map(RelationJson::from) }
    }
}

impl<'a> From<&'a Withheld> for WithheldJson<'a> {
    fn from(Withheld { rows, tests, standing, kept }: &'a Withheld) -> Self {
        Self { rows: *rows, tests, standing: *standing, kept: kept.as_ref().map(RelationJson::from) }
    }
}

impl<'a> From<&'a Verdict> for VerdictJson<'a> {
    fn from(Verdict { status, failures, message, sample, compiled, stored }: &'a Verdict) -> Self {
        Self {
            verdict: dbt_outcome::test_status(*status),
            failures: *failures,
            message: message.as_deref(),
            sample: sample.as_deref().map(SampleJson::from),
            compiled: compiled.as_deref(),
            stored: stored.as_ref().map(RelationJson::from),
        }
    }
}

impl<'a> From<&'a SourceAge> for AgeJson<'a> {
    fn from(SourceAge { status, max_loaded_at, snapshotted_at, criteria }: &'a SourceAge) -> Self {
        let (max_loaded_at, snapshotted_at) = (*max_loaded_at, *snapshotted_at);
        Self { freshness: dbt_outcome::age_status(*status), max_loaded_at, snapshotted_at, criteria }
    }
}

impl<'a> From<&'a Skipped> for SkippedJson<'a> {
    fn from(skipped: &'a Skipped) -> Self {
        match skipped {
            Skipped::Upstream { failed } => Self::Upstream { failed },
            Skipped::FailFast => Self::FailFast,
            Skipped::Cancelled => Self::Cancelled,
        }
    }
}

impl<'a> From<&'a Repaired> for RepairedJson<'a> {
    fn from(Repaired { run, files }: &'a Repaired) -> Self {
        Self { run, files: *files }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partial_success_lists_its_batches() {
        let day = |text: &str| text.parse().unwrap();
        let time = crate::interval::Interval {
            start: day("2021-01-01T00:00:00Z"),
            end: day("2021-01-02T00:00:00Z"),
        };
        let failed = FailedBatch { batch: "2021-01-01".to_owned(), time, message: "no room".to_owned() };
        let changed = RowChanges { inserted: 2, batches: Some(1), ..RowChanges::default() };
        let partial = Partial { version: 3, rows: 7, changed, done: vec![time], failed: vec![failed] };
        let range = json!({ "start": "2021-01-01T00:00:00Z", "end": "2021-01-02T00:00:00Z" });
        let expected = json!({
            "status": "partial",
            "version": 3,
            "rows": 7,
            "changed": { "inserted": 2, "updated": 0, "deleted": 0, "batches": 1 },
            "done": [range],
            "failed": [{ "batch": "2021-01-01", "time": range, "message": "no room" }],
        });
        assert_eq!(
            json!(OutcomeJson::from(&Outcome::Partial(Box::new(partial)))).to_string(),
            expected.to_string()
        );
    }
}
