//! The lake: a folder or bucket of Delta tables, and the only code that names deltalake. It knows tables and
//! streams of rows, not models, graphs or SQL.
//!
//! ```text
//! LakeWriter::stage ──▶ Staged ──▶ publish   one atomic commit makes the new version visible
//!                         │   └──▶ abort     deletes the files, which no reader ever saw
//!                         └─ provider        the uncommitted version, for tests to query
//! ```
//!
//! A version is staged by running the commit against an `Overlay` of the table's store, which captures the
//! log entry. Publishing writes that entry to the table's log if its version number is still free. A version
//! prepared on a base that is no longer the newest is never published.
//!
//! Start at [`Lake`] in `store`, which reads, and [`LakeWriter`] in `writer`, which writes; `root` parses the
//! location. `mount` is how delta-rs sees a local lake, over a `synced_disk`; `guarded_store` finds damage in
//! logs that the kernel overlooks.
//! - Reading: `observe` finds a table's `current_version` if its `protocol` is known, `version_cache` caches
//!   versions, `base` reads the version that a change starts from, `history` lists earlier ones, `difference`
//!   compares two, `deletion_vector` reads the deleted rows of a file, `table_statistics` returns sizes,
//!   `damage` finds unreadable files.
//! - Writing: `stage` prepares the version that a `write` describes: `row_writers` write its rows, `cast`
//!   conforms them to the table's schema, `misfit` finds values that the table can't store,
//!   `nesting` limits the depth of types,
//!   `partition_writer` bounds one writer's memory, `file_writer` writes a file with these `file_settings`,
//!   `commit` builds the log entry, `constraint` binds other writers.
//! - Publishing: `staged` is a prepared version, `staged_files` are its files, `metadata_commit` commits
//!   `provenance` without rows, `commit_info` reads and writes provenance in a log entry.
//! - Upkeep: `log_state` detects changes of a table's log, `project_records` stores small texts next to the
//!   tables, `damaged_table` moves damaged tables away, `runs` cleans up after killed runs,
//!   `fault_injection` kills some in crash tests, and only in builds with the feature `failpoints`.

mod base;
mod cast;
mod commit;
mod commit_info;
mod constraint;
mod current_version;
mod damage;
mod damaged_table;
mod deletion_vector;
mod difference;
mod directories;
mod error;
mod error_cause;
mod error_text;
#[cfg(any(test, feature = "failpoints"))]
mod fault_injection;
mod file_settings;
mod file_writer;
mod guarded_store;
mod history;
mod layout;
mod log_state;
mod metadata_commit;
mod misfit;
mod mount;
mod nesting;
mod observe;
mod operation;
mod overlay;
mod partition_writer;
mod project_records;
mod protocol;
mod provenance;
mod root;
mod root_problem;
mod row_writers;
mod runs;
mod schema;
mod spelling;
mod stage;
mod staged;
mod staged_files;
mod store;
mod synced_disk;
mod table_statistics;
#[cfg(test)]
mod tests;
mod version_cache;
mod write;
mod writer;
mod written_paths;

#[cfg(any(test, feature = "failpoints"))]
pub use self::fault_injection::FaultInjection;
pub use self::{
    base::Base,
    constraint::Constraints,
    current_version::CurrentVersion,
    damage::Damage,
    difference::VersionDifference,
    error::LakeError,
    history::PastVersion,
    log_state::{has_journals, log_state, records_state},
    misfit::Misfit,
    provenance::{InputVersion, PassedTest, Provenance, RejectNote},
    schema::{delta_schema, forbidden},
    staged::Staged,
    store::Lake,
    table_statistics::TableStatistics,
    write::{Replaces, Write},
    writer::LakeWriter,
};
