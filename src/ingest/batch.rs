//! Ingestion batches: decides how to treat each of a source's files, and updates the ledger afterwards.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::ledger::{FileState, FileStatus, Ledger, LedgerEntry, micros};
use crate::source::Deviation;

/// The policy for files that change or disappear after they were loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// True to replace a changed file's old rows by its new ones; false to keep the old ones.
    pub reload_changed: bool,
    /// True to delete the rows of a deleted file.
    pub remove_vanished: bool,
}

/// A batch: the files of a table that a run loads, keeps or removes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The batch number, from 1.
    pub number: u64,
    /// Files to load that never were.
    pub new: BTreeMap<String, FileState>,
    /// Files to load again, replacing any existing rows.
    pub again: BTreeMap<String, FileState>,
    /// Those of the files in `again` that differ from the loaded ones.
    pub changed: BTreeSet<String>,
    /// Files that differ from the loaded ones, and whose old rows stay.
    pub left: BTreeSet<String>,
    /// Deleted files whose rows stay.
    pub vanished: BTreeSet<String>,
    /// Deleted files whose rows are deleted, too.
    pub removed: BTreeSet<String>,
    /// Files that are again as they were when loaded.
    pub back: BTreeSet<String>,
}

/// The result of reading a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileResult {
    /// The number of rows added to the table.
    pub rows: u64,
    /// The number of rejected rows.
    pub rejected_rows: u64,
    /// A digest of all its rejects.
    pub rejected_digest: Option<u64>,
    /// The reason, if the whole file was rejected.
    pub reason: Option<String>,
    /// The deviation of its columns from the declared ones.
    pub drift: Deviation,
}

impl Batch {
    /// Decides how to treat each file. `found` are the existing files, and `committed` is the newest batch
    /// whose rows the table has. With `everything`, all existing files are read again.
    #[must_use]
    pub fn decide(
        ledger: &Ledger,
        found: &BTreeMap<String, FileState>,
        committed: u64,
        policy: Policy,
        everything: bool,
    ) -> Self {
        let mut batch = Self { number: ledger.newest().max(committed) + 1, ..Self::default() };
        for (name, state) in found {
            let Some(entry) = ledger.files.get(name) else {
                batch.new.insert(name.clone(), state.clone());
                continue;
            };
            let is_done = entry.batch <= committed;
            let is_same = entry.state == *state && !matches!(entry.status, FileStatus::Removed);
            let was_changed = is_done && entry.state != *state && entry.status != FileStatus::Removed;
            if everything || !is_done || entry.status == FileStatus::Removed {
                if was_changed {
                    batch.changed.insert(name.clone());
                }
                batch.again.insert(name.clone(), state.clone());
            } else if !is_same && policy.reload_changed {
                batch.changed.insert(name.clone());
                batch.again.insert(name.clone(), state.clone());
            } else if !is_same {
                batch.left.insert(name.clone());
            } else if matches!(entry.status, FileStatus::Changed | FileStatus::Vanished) {
                batch.back.insert(name.clone());
            }
        }
        for (name, entry) in ledger.files.iter().filter(|(name, _)| !found.contains_key(*name)) {
            if entry.batch <= committed && entry.status == FileStatus::Removed {
                continue;
            }
            if policy.remove_vanished {
                batch.removed.insert(name.clone());
            } else {
                batch.vanished.insert(name.clone());
            }
        }
        batch
    }

    /// Returns whether the batch will be in the ledger, because it adds or deletes rows.
    #[must_use]
    pub fn counts(&self) -> bool {
        !(self.new.is_empty() && self.again.is_empty() && self.removed.is_empty())
    }

    /// Returns the files to read.
    #[must_use]
    pub fn read(&self) -> BTreeSet<&str> {
        self.new.keys().chain(self.again.keys()).map(String::as_str).collect()
    }

    /// Returns the files whose existing rows, if any, are deleted.
    #[must_use]
    pub fn gone(&self) -> BTreeSet<String> {
        self.again.keys().chain(&self.removed).cloned().collect()
    }

    /// Returns the ledger after the batch. `results` has the results of the files that were read; a file
    /// without a result had no rows.
    #[must_use]
    pub fn done(
        &self,
        ledger: &Ledger,
        results: &BTreeMap<String, FileResult>,
        at: DateTime<Utc>,
        run_id: &str,
    ) -> Ledger {
        let mut files = ledger.files.clone();
        for (name, state) in self.new.iter().chain(&self.again) {
            let FileResult { rows, rejected_rows, rejected_digest, reason, drift } =
                results.get(name).cloned().unwrap_or_default();
            let status = if reason.is_some() { FileStatus::SetAside } else { FileStatus::Loaded };
            let entry = LedgerEntry {
                state: state.clone(),
                status,
                rows,
                rejected_rows,
                rejected_digest,
                reason,
                drift,
                batch: self.number,
                loaded_at: micros(at),
                run_id: run_id.to_owned(),
            };
            files.insert(name.clone(), entry);
        }
        let kept =
            |names: &BTreeSet<String>, status: FileStatus, files: &mut BTreeMap<String, LedgerEntry>| {
                for name in names {
                    if let Some(entry) = files.get_mut(name) {
                        entry.status = status;
                    }
                }
            };
        kept(&self.back, FileStatus::Loaded, &mut files);
        kept(&self.left, FileStatus::Changed, &mut files);
        kept(&self.vanished, FileStatus::Vanished, &mut files);
        for name in &self.removed {
            if let Some(entry) = files.get_mut(name) {
                entry.status = FileStatus::Removed;
                entry.rows = 0;
                entry.batch = self.number;
                entry.loaded_at = micros(at);
                run_id.clone_into(&mut entry.run_id);
            }
        }
        Ledger { files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(size: u64) -> FileState {
        FileState { size, modified: 7, etag: None }
    }

    fn found(files: &[(&str, u64)]) -> BTreeMap<String, FileState> {
        files.iter().map(|(name, size)| ((*name).to_owned(), state(*size))).collect()
    }

    const KEEP: Policy = Policy { reload_changed: true, remove_vanished: false };

    fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
        names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Runs a batch, and returns it with the ledger afterwards.
    fn run(ledger: &Ledger, files: &[(&str, u64)], committed: u64, policy: Policy) -> (Batch, Ledger) {
        let batch = Batch::decide(ledger, &found(files), committed, policy, false);
        let results = batch
            .read()
            .into_iter()
            .map(|name| (name.to_owned(), FileResult { rows: 3, ..FileResult::default() }));
        let after = batch.done(ledger, &results.collect(), DateTime::UNIX_EPOCH, "run");
        assert_eq!(Ledger::of_batch(&after.to_batch().unwrap()).unwrap(), after, "as a table and back");
        (batch, after)
    }

    #[test]
    fn a_file_is_loaded_once() {
        let (batch, ledger) = run(&Ledger::default(), &[("a", 1), ("b", 1)], 0, KEEP);
        assert_eq!((batch.number, names(batch.new.keys()).as_str()), (1, "a b"));
        let (batch, ledger) = run(&ledger, &[("a", 1), ("b", 1), ("c", 1)], 1, KEEP);
        assert_eq!((batch.number, names(batch.new.keys()).as_str()), (2, "c"));
        assert_eq!(batch.gone().len(), 0, "nobody looks for rows of a new file");
        let (batch, _) = run(&ledger, &[("a", 1), ("b", 1), ("c", 1)], 2, KEEP);
        assert_eq!(batch.read().len(), 0);
    }

    #[test]
    fn what_a_dead_run_left_is_done_again() {
        let (_, ledger) = run(&Ledger::default(), &[("a", 1)], 0, KEEP);
        let (_, ledger) = run(&ledger, &[("a", 2), ("b", 1)], 1, KEEP);
        // The ledger has batch 2, but the table has no rows of it.
        let (batch, ledger) = run(&ledger, &[("a", 2), ("b", 1)], 1, KEEP);
        assert_eq!((batch.number, names(batch.again.keys()).as_str()), (3, "a b"));
        assert_eq!(names(&batch.gone()), "a b", "in the place of whatever rows they have");
        let (batch, _) = run(&ledger, &[("a", 2), ("b", 1)], 3, KEEP);
        assert_eq!(batch.read().len(), 0);
    }

    #[test]
    fn a_changed_file_replaces_its_rows_or_is_left() {
        let (_, ledger) = run(&Ledger::default(), &[("a", 1), ("b", 1)], 0, KEEP);
        let (batch, _) = run(&ledger, &[("a", 2), ("b", 1)], 1, KEEP);
        assert_eq!((names(&batch.gone()).as_str(), names(&batch.changed).as_str()), ("a", "a"));
        let leave = Policy { reload_changed: false, ..KEEP };
        let (batch, ledger) = run(&ledger, &[("a", 2), ("b", 1)], 1, leave);
        assert_eq!((batch.read().len(), names(&batch.left).as_str()), (0, "a"));
        assert_eq!((ledger.files["a"].status, &ledger.files["a"].state), (FileStatus::Changed, &state(1)));
    }

    #[test]
    fn rows_of_a_vanished_file_stay_or_go() {
        let (_, ledger) = run(&Ledger::default(), &[("a", 1), ("b", 1)], 0, KEEP);
        let (batch, after) = run(&ledger, &[("b", 1)], 1, KEEP);
        assert_eq!((batch.gone().len(), names(&batch.vanished).as_str()), (0, "a"));
        assert_eq!((after.files["a"].status, after.files["a"].rows), (FileStatus::Vanished, 3));
        let (batch, back) = run(&after, &[("a", 1), ("b", 1)], 2, KEEP);
        assert_eq!((batch.read().len(), back.files["a"].status), (0, FileStatus::Loaded));
        let remove = Policy { remove_vanished: true, ..KEEP };
        let (batch, after) = run(&ledger, &[("b", 1)], 1, remove);
        assert_eq!(names(&batch.gone()), "a");
        assert_eq!((after.files["a"].status, after.files["a"].rows), (FileStatus::Removed, 0));
        // The file is back, unchanged.
        let (batch, _) = run(&after, &[("a", 1), ("b", 1)], 2, remove);
        assert_eq!(names(batch.again.keys()), "a");
        // A removal that was never committed is repeated.
        let (batch, _) = run(&after, &[("b", 1)], 1, remove);
        assert_eq!(names(&batch.gone()), "a");
    }

    #[test]
    fn everything_is_read_again_but_what_is_gone() {
        let (_, ledger) = run(&Ledger::default(), &[("a", 1), ("b", 1)], 0, KEEP);
        let batch = Batch::decide(&ledger, &found(&[("a", 1), ("c", 1)]), 1, KEEP, true);
        assert_eq!((names(batch.again.keys()).as_str(), names(batch.new.keys()).as_str()), ("a", "c"));
        assert_eq!(names(&batch.vanished), "b");
    }
}
