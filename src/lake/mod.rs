//! The lake: a folder or bucket of Delta tables, and the only code that names deltalake. It knows tables and
//! streams of rows, not models, graphs or SQL.
//!
//! ```text
//! Lake::stage ──▶ Staged ──▶ publish   one commit makes the new version visible, whole
//!                   │   └──▶ abort     the files are deleted; nobody ever saw them
//!                   └─ provider        the version as it will be, for tests to query
//! ```
//!
//! A version is staged by running the commit against an `Overlay` of the table's store, which keeps the log
//! entry to itself; publishing puts that very entry into the table's log, if its number is still free. A
//! version that was prepared on a state that is no longer the newest is never published.
//!
//! Start at [`Lake`]; `place` is where it lies, `mount` how delta-rs sees it. `stage` writes, `base` is what
//! a change starts from, `between` how two versions differ, `deletion_vector` which rows of a file no longer
//! count, `known` which were read already, `log_state` tells whether anybody committed. `cast` brings rows into a table's form, `misfit` names values that
//! it can't hold, `sink` is one writer's memory, `file_writer` writes a file, `commit` makes the log entry,
//! `constraint` binds other writers, `past` tells of earlier versions, `facts` of the newest, `damage` of a file that can't be read, `attest` says
//! more of the rows that are there, `notes` are small texts beside the tables, `runs` cleans up after runs
//! that were killed, of which `fault` makes some for tests.

mod aside;
mod attest;
mod base;
mod between;
mod cast;
mod commit;
mod constraint;
mod damage;
mod deletion_vector;
mod error;
mod facts;
mod fault;
mod file_writer;
mod known;
mod log_state;
mod misfit;
mod mount;
mod notes;
mod overlay;
mod past;
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
    between::Between,
    constraint::Constraints,
    damage::Damage,
    error::LakeError,
    facts::Facts,
    fault::Fault,
    log_state::{has_journals, log_state, notes_state},
    misfit::Misfit,
    past::Past,
    provenance::{InputVersion, Judged, Provenance, RejectNote},
    runs::Repair,
    schema::{delta_schema, forbidden},
    stage::Write,
    staged::{Published, Staged},
    store::{Lake, Observed},
};
