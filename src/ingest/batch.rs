//! What is to be done about a source's files, and what the ledger says once it is done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::ledger::{Entry, Ledger, State, Status, micros};
use crate::engine::source::Deviation;

/// What is done about files that are no longer as they were loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether a changed file's rows take the place of those it had; else they stay as they were.
    pub reload_changed: bool,
    /// Whether the rows of a file that is gone go too.
    pub remove_vanished: bool,
}

/// What a run does about the files of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Its number, from 1.
    pub number: u64,
    /// Files that are read, and never were.
    pub new: BTreeMap<String, State>,
    /// Files that are read in the place of the rows they may have.
    pub again: BTreeMap<String, State>,
    /// Of these, the ones that are other files than those that were loaded.
    pub changed: BTreeSet<String>,
    /// Files that are other ones than those that were loaded, and whose rows stay.
    pub left: BTreeSet<String>,
    /// Files that are gone, and whose rows stay.
    pub vanished: BTreeSet<String>,
    /// Files whose rows go since they are gone.
    pub removed: BTreeSet<String>,
    /// Files that are again as they were loaded.
    pub back: BTreeSet<String>,
}

/// What came of reading a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Came {
    /// Rows that reached the table.
    pub rows: u64,
    /// Rows that were set aside.
    pub rejected_rows: u64,
    /// A digest of all that was.
    pub rejected_digest: Option<u64>,
    /// Why the whole file was.
    pub reason: Option<String>,
    /// How its columns differ from the declared ones.
    pub drift: Deviation,
}

impl Batch {
    /// What is to be done: `found` are the files that are there, `committed` is the newest batch of which the table holds
    /// the rows. If `everything` is wanted, all that is there is read again.
    #[must_use]
    pub fn decide(
        ledger: &Ledger,
        found: &BTreeMap<String, State>,
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
            let is_same = entry.state == *state && !matches!(entry.status, Status::Removed);
            let was_changed = is_done && entry.state != *state && entry.status != Status::Removed;
            if everything || !is_done || entry.status == Status::Removed {
                if was_changed {
                    batch.changed.insert(name.clone());
                }
                batch.again.insert(name.clone(), state.clone());
            } else if !is_same && policy.reload_changed {
                batch.changed.insert(name.clone());
                batch.again.insert(name.clone(), state.clone());
            } else if !is_same {
                batch.left.insert(name.clone());
            } else if matches!(entry.status, Status::Changed | Status::Vanished) {
                batch.back.insert(name.clone());
            }
        }
        for (name, entry) in ledger.files.iter().filter(|(name, _)| !found.contains_key(*name)) {
            if entry.batch <= committed && entry.status == Status::Removed {
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

    /// Whether the ledger will speak of this batch: some rows come or go.
    #[must_use]
    pub fn counts(&self) -> bool {
        !(self.new.is_empty() && self.again.is_empty() && self.removed.is_empty())
    }

    /// The files that are read.
    #[must_use]
    pub fn read(&self) -> BTreeSet<&str> {
        self.new.keys().chain(self.again.keys()).map(String::as_str).collect()
    }

    /// The files whose rows, if they have any, leave the table.
    #[must_use]
    pub fn gone(&self) -> BTreeSet<String> {
        self.again.keys().chain(&self.removed).cloned().collect()
    }

    /// What is known once it is done. `came` tells of the files that were read; one that is not among them had no rows.
    #[must_use]
    pub fn done(
        &self,
        ledger: &Ledger,
        came: &BTreeMap<String, Came>,
        at: DateTime<Utc>,
        run_id: &str,
    ) -> Ledger {
        let mut files = ledger.files.clone();
        for (name, state) in self.new.iter().chain(&self.again) {
            let Came { rows, rejected_rows, rejected_digest, reason, drift } =
                came.get(name).cloned().unwrap_or_default();
            let status = if reason.is_some() { Status::SetAside } else { Status::Loaded };
            let entry = Entry {
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
        let kept = |names: &BTreeSet<String>, status: Status, files: &mut BTreeMap<String, Entry>| {
            for name in names {
                if let Some(entry) = files.get_mut(name) {
                    entry.status = status;
                }
            }
        };
        kept(&self.back, Status::Loaded, &mut files);
        kept(&self.left, Status::Changed, &mut files);
        kept(&self.vanished, Status::Vanished, &mut files);
        for name in &self.removed {
            if let Some(entry) = files.get_mut(name) {
                entry.status = Status::Removed;
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

    fn state(size: u64) -> State {
        State { size, modified: 7, etag: None }
    }

    fn found(files: &[(&str, u64)]) -> BTreeMap<String, State> {
        files.iter().map(|(name, size)| ((*name).to_owned(), state(*size))).collect()
    }

    const KEEP: Policy = Policy { reload_changed: true, remove_vanished: false };

    fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
        names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// What a run does, and what is known after it.
    fn run(ledger: &Ledger, files: &[(&str, u64)], committed: u64, policy: Policy) -> (Batch, Ledger) {
        let batch = Batch::decide(ledger, &found(files), committed, policy, false);
        let came =
            batch.read().into_iter().map(|name| (name.to_owned(), Came { rows: 3, ..Came::default() }));
        let after = batch.done(ledger, &came.collect(), DateTime::UNIX_EPOCH, "run");
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
        // The ledger speaks of batch 2, of which the table has no rows.
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
        assert_eq!((ledger.files["a"].status, &ledger.files["a"].state), (Status::Changed, &state(1)));
    }

    #[test]
    fn rows_of_a_vanished_file_stay_or_go() {
        let (_, ledger) = run(&Ledger::default(), &[("a", 1), ("b", 1)], 0, KEEP);
        let (batch, after) = run(&ledger, &[("b", 1)], 1, KEEP);
        assert_eq!((batch.gone().len(), names(&batch.vanished).as_str()), (0, "a"));
        assert_eq!((after.files["a"].status, after.files["a"].rows), (Status::Vanished, 3));
        let (batch, back) = run(&after, &[("a", 1), ("b", 1)], 2, KEEP);
        assert_eq!((batch.read().len(), back.files["a"].status), (0, Status::Loaded));
        let remove = Policy { remove_vanished: true, ..KEEP };
        let (batch, after) = run(&ledger, &[("b", 1)], 1, remove);
        assert_eq!(names(&batch.gone()), "a");
        assert_eq!((after.files["a"].status, after.files["a"].rows), (Status::Removed, 0));
        // It comes back, as it was.
        let (batch, _) = run(&after, &[("a", 1), ("b", 1)], 2, remove);
        assert_eq!(names(batch.again.keys()), "a");
        // A removal that no commit carried is done again.
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
