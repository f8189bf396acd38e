//! The lake: a folder or bucket of Delta tables, and the only code that names deltalake. It knows tables and
//! streams of rows, not models, graphs or SQL.
//!
//! ```text
//! Lake::stage ──▶ Staged ──▶ publish   one atomic commit makes the new version visible
//!                   │   └──▶ abort     deletes the files, which no reader ever saw
//!                   └─ provider        the uncommitted version, for tests to query
//! ```
//!
//! A version is staged by running the commit against an `Overlay` of the table's store, which captures the
//! log entry. Publishing writes that entry to the table's log if its version number is still free. A version
//! prepared on a base that is no longer the newest is never published.
//!
//! Start at [`Lake`]; `place` parses its root, and `mount` is how delta-rs sees a local one.
//! - Writing: `stage` prepares a version, `base` is the version that a change starts from, `cast` conforms
//!   rows to a table's schema, `misfit` finds values that it can't store, `sink` bounds one writer's memory,
//!   `file_writer` writes a file, `commit` builds the log entry, `constraint` binds other writers,
//!   `metadata_commit` commits metadata without rows.
//! - Reading: `difference` compares two versions, `deletion_vector` reads the deleted rows of a file, `known`
//!   caches versions, `history` lists earlier versions, `facts` returns statistics of the newest, `damage`
//!   finds unreadable files.
//! - Upkeep: `log_state` detects changes of a table's log, `notes` stores small texts next to the tables,
//!   `aside` moves damaged tables away, `runs` cleans up after killed runs, and `fault` kills some in tests.

mod aside;
mod base;
mod cast;
mod commit;
mod constraint;
mod damage;
mod deletion_vector;
mod difference;
mod error;
mod facts;
mod fault;
mod file_writer;
mod history;
mod known;
mod log_state;
mod metadata_commit;
mod misfit;
mod mount;
mod notes;
mod overlay;
mod place;
mod provenance;
mod runs;
mod schema;
mod sink;
mod stage;
mod staged;
mod store;
#[cfg(test)]
mod tests;

pub use self::{
    base::{Base, Replaces},
    constraint::Constraints,
    damage::Damage,
    difference::VersionDifference,
    error::LakeError,
    facts::Facts,
    fault::Fault,
    history::PastVersion,
    log_state::{has_journals, log_state, notes_state},
    misfit::Misfit,
    provenance::{InputVersion, Judged, Provenance, RejectNote},
    runs::Repair,
    schema::{delta_schema, forbidden},
    stage::Write,
    staged::{Published, Staged},
    store::{Lake, Observed},
};
