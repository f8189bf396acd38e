//! Conditions: the state of everything outside the project's files that a run read. While all of it stays
//! unchanged, the same command gets the same plan.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::{
    compile::{Compiled, FOUND_COLUMNS},
    lake::{has_journals, log_state, records_state},
    manifest::Manifest,
    name::Relation,
    parallel,
    run::{observed::ObservedState, tables::Tables},
    source::{WatchedSource, WatchedState},
};

/// The minimum number of tables per thread: listing the logs of fewer isn't worth a thread.
const FEWEST: usize = 64;

/// A project's tables, their companion tables, and the lake's notes for the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedTables {
    /// The lake's folder.
    lake: PathBuf,
    /// Each table, with the folder of its lake.
    tables: Vec<(PathBuf, Relation)>,
}

impl WatchedTables {
    /// Finds the tables of a project. Returns `None` if any isn't on a local disk.
    #[must_use]
    pub fn new(tables: &Tables, manifest: &Manifest) -> Option<Self> {
        Some(Self { lake: tables.lake().folder()?.to_owned(), tables: tables.folders(manifest)? })
    }

    /// Returns the tables' current state, or `None` if one can't be inspected.
    #[must_use]
    pub fn state(&self, threads: usize) -> Option<TablesState> {
        let states = parallel::in_parallel(&self.tables, threads, FEWEST, |(lake, relation)| {
            let companions = relation.companions().map(|companion| log_state(lake, &companion).ok());
            (log_state(lake, relation).ok(), companions)
        });
        let mut digest = Xxh3::new();
        for state in states.into_iter().flat_map(|(own, companions)| [own].into_iter().chain(companions)) {
            digest.update(&state?.to_le_bytes());
        }
        let notes = records_state(&self.lake, FOUND_COLUMNS).ok()?;
        Some(TablesState { logs: hex(digest.digest128()), notes: hex(notes) })
    }
}

/// The state of a project's tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablesState {
    /// A digest of their logs, in hexadecimal.
    logs: String,
    /// A digest of the lake's notes for the project, in hexadecimal.
    pub notes: String,
}

/// The conditions of a run; see the module docs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    tables: WatchedTables,
    tables_state: TablesState,
    sources: Vec<WatchedSource>,
    /// A digest of the sources' states, in hexadecimal.
    sources_state: String,
    /// The time as of which the run was planned.
    since: DateTime<Utc>,
    /// The time at which the next batch is due.
    until: Option<DateTime<Utc>>,
}

impl Conditions {
    /// Returns the conditions under which a run was planned, or `None` if they can't be watched or have
    /// changed since. `tables_state` is the state of the tables before any of them was read.
    #[must_use]
    pub fn of(
        (tables, tables_state): (WatchedTables, TablesState),
        (manifest, compiled, observed): (&Manifest, &Compiled, &ObservedState),
        since: DateTime<Utc>,
        threads: usize,
    ) -> Option<Self> {
        if !compiled.unreadable.is_empty() || !compiled.found.is_empty() || !observed.unreadable.is_empty() {
            return None;
        }
        // Seed files are part of the project's files.
        let sources = compiled.sources.keys().filter(|id| manifest.source(id).is_some());
        let sources = sources.map(|id| compiled.watched.get(id)).collect::<Option<Vec<_>>>()?;
        let mut sources_state = Xxh3::new();
        for (_, state) in &sources {
            add(&mut sources_state, state);
        }
        let until = compiled.models.values().filter_map(|model| {
            let batches = model.strategy.time_batches()?;
            Some(batches.settings.batch_size.next(batches.current))
        });
        let conditions = Self {
            tables_state,
            tables,
            sources_state: hex(sources_state.digest128()),
            sources: sources.into_iter().map(|(source, _)| source.clone()).collect(),
            since,
            until: until.min(),
        };
        conditions.hold(since, threads).then_some(conditions)
    }

    /// Returns whether everything is unchanged at this time.
    #[must_use]
    pub fn hold(&self, now: DateTime<Utc>, threads: usize) -> bool {
        let is_time = now >= self.since && self.until.is_none_or(|until| now < until);
        is_time
            && self.tables.state(threads).as_ref() == Some(&self.tables_state)
            && sources_state(&self.sources).as_ref() == Some(&self.sources_state)
    }

    /// Returns whether no run is writing to the lake, and no killed run is waiting to be cleaned up.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        has_journals(&self.tables.lake).is_ok_and(|has| !has)
    }
}

/// Returns a digest of the sources' states, or `None` if one can't be inspected.
fn sources_state(sources: &[WatchedSource]) -> Option<String> {
    let mut digest = Xxh3::new();
    for source in sources {
        add(&mut digest, &source.state()?);
    }
    Some(hex(digest.digest128()))
}

fn add(digest: &mut Xxh3, WatchedState { data, left_out }: &WatchedState) {
    digest.update(format!("{} {} {left_out:?}\n", data.digest, data.files).as_bytes());
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use chrono::TimeDelta;

    use super::*;

    fn conditions(lake: &Path, until: Option<DateTime<Utc>>) -> Conditions {
        let tables = vec![(lake.to_owned(), Relation::new("main", "a"))];
        let tables = WatchedTables { lake: lake.to_owned(), tables };
        Conditions {
            tables_state: tables.state(2).unwrap(),
            tables,
            sources_state: sources_state(&[]).unwrap(),
            sources: Vec::new(),
            since: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            until,
        }
    }

    #[test]
    fn the_time_of_a_batch_comes() {
        let folder = tempfile::tempdir().unwrap();
        let since = conditions(folder.path(), None).since;
        let until = since + TimeDelta::hours(1);
        let due = conditions(folder.path(), Some(until));
        assert!(due.hold(since, 1) && due.hold(until - TimeDelta::milliseconds(1), 1));
        assert!(!due.hold(until, 1), "a batch is due");
        assert!(!due.hold(since - TimeDelta::seconds(1), 1), "the clock was set back");
        assert!(conditions(folder.path(), None).hold(until, 1));
    }

    #[test]
    fn tables_and_those_beside_them_count() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path();
        let kept = conditions(lake, None);
        let holds = || kept.hold(kept.since, 2);
        for table in
            ["main/a", "main/a_files", "main/a_rejected", "main/a_rejected_accepted", "main_quarantine/a"]
        {
            let log = lake.join(table).join("_delta_log");
            assert!(holds());
            fs::create_dir_all(&log).unwrap();
            fs::write(log.join("0.json"), "{}").unwrap();
            assert!(!holds(), "{table}");
            fs::remove_dir_all(lake.join(table)).unwrap();
        }
        fs::create_dir_all(lake.join("main/b/_delta_log")).unwrap();
        assert!(holds(), "other tables don't count");
        let notes = lake.join("_headwater").join(FOUND_COLUMNS);
        fs::create_dir_all(&notes).unwrap();
        fs::write(notes.join("source.json"), "{}").unwrap();
        assert!(!holds());
    }
}
