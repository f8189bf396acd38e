//! Headwater runs a directory of SQL models as a pipeline and keeps every model as a Delta table.
//!
//! ```text
//! Project ──▶ Manifest ──▶ Selection ──▶ Compiled ──▶ Plan ──▶ Event* ──▶ RunResult
//!  files as     names        which         every        what      facts,      fold of
//!  declared     resolved     nodes         schema,      will be   in order    the events
//!               + graph                    every type   done, and why
//! ```

pub mod diag;
pub mod event;
pub mod name;
pub mod outcome;
pub mod plan;
pub mod text;
