//! Unchanged runs: if nothing changed since a command last ran, reports that run's outcome again without
//! parsing the project.
//!
//! ```text
//! files, options, environment ──▶ RecordedRequest ──▶ record of the last run ──▶ conditions hold ──▶ Replay
//!                                            └── no record, or something changed ──▶ full run ──▶ new record
//! ```
//!
//! - [`RecordedRequest`]: the command, and the state of the project's files; start here
//! - `record`: the record that a run leaves for the next one, in `partial_parse.cache`
//! - `replay`: reports the recorded run again
//! - `next_run`: finds what to record after a run that built something

mod next_run;
mod record;
mod recorded_request;
mod replay;

pub(super) use self::{next_run::EndedRun, recorded_request::Done};
pub use self::{recorded_request::RecordedRequest, replay::Replay};
