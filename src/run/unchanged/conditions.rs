//! Conditions: the state of everything outside the project's files that a run looked at. A run that finds all of it
//! unchanged, under the same command, comes to the same plan.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::{
    compile::{Compiled, FOUND_COLUMNS},
    engine::source::WatchedSource,
    lake::{InputVersion, has_journals, log_state, notes_state},
    manifest::Manifest,
    name::Relation,
    parallel,
    run::{seen::Seen, tables::Tables},
};

/// Tables whose logs one thread lists at least; fewer aren't worth a thread.
const FEWEST: usize = 64;

/// The tables of a project, those beside them, and what the lake keeps for the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedTables {
    /// The lake's folder.
    lake: PathBuf,
    /// Each table, after the folder of the lake that it is in.
    tables: Vec<(PathBuf, Relation)>,
}

impl WatchedTables {
    /// The tables of a project, or `None` if any is not on a local disk.
    #[must_use]
    pub fn new(tables: &Tables, manifest: &Manifest) -> Option<Self> {
        Some(Self { lake: tables.lake().folder()?.to_owned(), tables: tables.folders(manifest)? })
    }

    /// A digest of the state they are in, or `None` if one can't be looked at.
    #[must_use]
    pub fn state(&self, threads: usize) -> Option<u128> {
        let states = parallel::in_parallel(&self.tables, threads, FEWEST, |(lake, relation)| {
            let beside = [
                relation.clone(),
                relation.files(),
                relation.rejected(),
                relation.accepted(),
                relation.quarantine(),
            ];
            beside.map(|relation| log_state(lake, &relation).ok())
        });
        let mut digest = Xxh3::new();
        for state in states.into_iter().flatten() {
            digest.update(&state?.to_le_bytes());
        }
        digest.update(&notes_state(&self.lake, FOUND_COLUMNS).ok()?.to_le_bytes());
        Some(digest.digest128())
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    tables: WatchedTables,
    /// The state of the tables, in hexadecimal.
    tables_state: String,
    sources: Vec<WatchedSource>,
    /// The state of the sources, in hexadecimal.
    sources_state: String,
    /// When the run was planned.
    since: DateTime<Utc>,
    /// When the next batch of time is due.
    until: Option<DateTime<Utc>>,
}

impl Conditions {
    /// The conditions under which a run was planned, or `None` if they can't be watched or changed since then.
    /// `tables_state` is the state of the tables before any of them was read.
    #[must_use]
    pub fn of(
        (tables, tables_state): (WatchedTables, u128),
        (manifest, compiled, seen): (&Manifest, &Compiled, &Seen),
        since: DateTime<Utc>,
        threads: usize,
    ) -> Option<Self> {
        if !compiled.unreadable.is_empty() || !compiled.found.is_empty() || !seen.unreadable.is_empty() {
            return None;
        }
        let mut sources = Vec::new();
        for (id, spec) in &compiled.sources {
            // A seed's file is one of the project's.
            if manifest.source(id).is_none() {
                continue;
            }
            let watched = WatchedSource::new(spec)?;
            let (state, _) = watched.state()?;
            if seen.sources().get(id) != Some(&InputVersion::from(state)) {
                return None;
            }
            sources.push(watched);
        }
        let until = compiled.models.values().filter_map(|model| {
            let by_time = model.by_time()?;
            Some(by_time.settings.batch_size.next(by_time.current))
        });
        let conditions = Self {
            tables_state: hex(tables_state),
            tables,
            sources_state: sources_state(&sources)?,
            sources,
            since,
            until: until.min(),
        };
        conditions.hold(since, threads).then_some(conditions)
    }

    /// Returns whether everything is as it was, at this time.
    #[must_use]
    pub fn hold(&self, now: DateTime<Utc>, threads: usize) -> bool {
        let is_time = now >= self.since && self.until.is_none_or(|until| now < until);
        is_time
            && self.tables.state(threads).map(hex).as_ref() == Some(&self.tables_state)
            && sources_state(&self.sources).as_ref() == Some(&self.sources_state)
    }

    /// Returns whether no run writes to the lake, and none was killed there that must be cleaned up after.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        has_journals(&self.tables.lake).is_ok_and(|has| !has)
    }
}

/// A digest of the states of sources, or `None` if one can't be looked at.
fn sources_state(sources: &[WatchedSource]) -> Option<String> {
    let mut digest = Xxh3::new();
    for source in sources {
        let (state, left_out) = source.state()?;
        digest.update(format!("{} {} {left_out:?}\n", state.digest, state.files).as_bytes());
    }
    Some(hex(digest.digest128()))
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}
