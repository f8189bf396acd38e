//! Numbers of rows and files, and ages, in words.

use crate::outcome::{FileChanges, Partial, Quarantined, Rejected, RowChanges, SourceAge, Withheld};

use super::super::node;

/// `1 row`, `1,440 rows`.
pub(in crate::report) fn rows_of(rows: u64) -> String {
    match rows {
        1 => "1 row".to_owned(),
        _ => format!("{} rows", thousands(rows)),
    }
}

/// `1,440`.
pub(super) fn thousands(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `3 rows and 2 files`, without zero counts.
pub(super) fn extent(rejected: &Rejected) -> String {
    let files = match rejected.files {
        1 => "1 file".to_owned(),
        files => format!("{} files", thousands(files)),
    };
    match (rejected.rows, rejected.files) {
        (rows, 0) => rows_of(rows),
        (0, _) => files,
        (rows, _) => format!("{} and {files}", rows_of(rows)),
    }
}

/// Describes the rows that didn't reach the table: `3 rows set aside, 12 rows quarantined, 1 row dropped`.
pub(super) fn taken_out(rejected: Option<&Rejected>, quarantined: Option<&Quarantined>) -> Option<String> {
    let counted = rejected.filter(|it| it.rows + it.files > 0);
    let mut parts: Vec<String> = counted.map(|it| format!("{} set aside", extent(it))).into_iter().collect();
    parts.extend(rejected.and_then(|it| match it.notes.len() {
        0 => None,
        1 => Some("1 warning about columns".to_owned()),
        notes => Some(format!("{notes} warnings about columns")),
    }));
    if let Some(Quarantined { rows, dropped, .. }) = quarantined {
        let counted = [(*rows, "quarantined"), (*dropped, "dropped")];
        parts.extend(
            counted
                .into_iter()
                .filter(|(rows, _)| *rows > 0)
                .map(|(rows, how)| format!("{} {how}", rows_of(rows))),
        );
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Describes the changes to a table's rows: `1,234 inserted, 56 updated`.
pub(super) fn changed(changed: &RowChanges) -> Option<String> {
    let parts = [(changed.inserted, "inserted"), (changed.updated, "updated"), (changed.deleted, "deleted")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, how)| format!("{} {how}", thousands(rows)))
        .collect();
    let files = changed.files.map(files).unwrap_or_default();
    let batches = changed.batches.filter(|batches| *batches > 0).map(|batches| match batches {
        1 => "1 batch".to_owned(),
        _ => format!("{} batches", thousands(batches)),
    });
    let descriptions: Vec<String> = [batches.unwrap_or_default(), parts.join(", "), files]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    (!descriptions.is_empty()).then(|| descriptions.join("; "))
}

/// Describes a model's batches: `PARTIAL SUCCESS (4/5)`.
pub(in crate::report) fn batches(partial: &Partial) -> String {
    let done = partial.done.len();
    format!("PARTIAL SUCCESS ({done}/{})", done + partial.failed.len())
}

/// Describes changes to files: `10 files loaded, 1 vanished`.
fn files(changed: FileChanges) -> String {
    let FileChanges { loaded, reloaded, removed, vanished, left } = changed;
    let counted = [
        (loaded, "loaded"),
        (reloaded, "reloaded"),
        (removed, "removed"),
        (vanished, "vanished"),
        (left, "changed and left"),
    ];
    let parts = counted.into_iter().filter(|(files, _)| *files > 0).enumerate().map(|(at, (files, how))| {
        let noun = match (at, files) {
            (0, 1) => " file",
            (0, _) => " files",
            _ => "",
        };
        format!("{}{noun} {how}", thousands(files))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// `2 tests failed`.
pub(super) fn tests_failed(withheld: &Withheld) -> String {
    format!("{} failed", node::count(withheld.tests.len(), "test"))
}

/// Describes a withheld version in one sentence.
pub(in crate::report) fn withheld(withheld: &Withheld) -> String {
    format!("withheld: {}; {}", tests_failed(withheld), unpublished(withheld))
}

/// `1,440 rows were not published; version 3 is still current`.
pub(super) fn unpublished(withheld: &Withheld) -> String {
    let rows = rows_of(withheld.rows);
    let were = if withheld.rows == 1 { "was" } else { "were" };
    match withheld.standing {
        Some(version) => format!("{rows} {were} not published; version {version} is still current"),
        None => format!("{rows} {were} not published, and there is no earlier version"),
    }
}

/// `2 hours old`, in the largest unit that gives at least 2.
pub(super) fn old(age: &SourceAge) -> String {
    let seconds = (age.snapshotted_at - age.max_loaded_at).num_seconds();
    let Ok(seconds) = usize::try_from(seconds) else { return "from the future".to_owned() };
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let (length, unit) = units.into_iter().find(|(length, _)| seconds >= 2 * length).unwrap_or((1, "second"));
    format!("{} old", node::count(seconds / length, unit))
}

/// `warn after 12 hours, error after 1 day`, without unset thresholds.
pub(super) fn limits(age: &SourceAge) -> Option<String> {
    let limit = |key: &str, word| {
        let after = age.criteria.get(key)?;
        let count = usize::try_from(after.get("count")?.as_u64()?).ok()?;
        Some(format!("{word} after {}", node::count(count, after.get("period")?.as_str()?)))
    };
    let limits: Vec<_> =
        [limit("warn_after", "warn"), limit("error_after", "error")].into_iter().flatten().collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::outcome::AgeStatus;

    fn aged(seconds: i64) -> SourceAge {
        SourceAge {
            status: AgeStatus::Pass,
            max_loaded_at: DateTime::UNIX_EPOCH,
            snapshotted_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds),
            criteria: serde_json::json!({
                "warn_after": { "count": null, "period": null },
                "error_after": { "count": 1, "period": "day" },
                "filter": null,
            }),
        }
    }

    #[test]
    fn ages_are_told_in_units_of_which_there_are_some() {
        let shown = [-1, 1, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|seconds| old(&aged(seconds)));
        insta::assert_snapshot!(shown.join(", "), @"from the future, 1 second old, 119 seconds old, 2 minutes old, 119 minutes old, 2 hours old, 47 hours old, 2 days old");
    }

    #[test]
    fn a_limit_that_is_not_set_is_left_out() {
        assert_eq!(limits(&aged(0)).as_deref(), Some("error after 1 day"));
    }

    #[test]
    fn rows_are_told_by_what_took_them_out() {
        let quarantined = |rows, dropped| Quarantined { rows, dropped, relation: None };
        let shown = |rows, dropped| taken_out(None, Some(&quarantined(rows, dropped)));
        assert_eq!(shown(12, 1).as_deref(), Some("12 rows quarantined, 1 row dropped"));
        assert_eq!(shown(0, 3).as_deref(), Some("3 rows dropped"));
        assert_eq!(shown(0, 0), None);
    }
}
