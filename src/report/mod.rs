//! Reports for people and programs: runs, as folds of their [`Event`]s, as well as plans and lineage.
//!
//! ```text
//! Event ──▶ MessageBuilder ──▶ Message ──▶ wording ──▶ Line ──▶ terminal
//!   │        (a fold)          one dbt     for people     └───▶ "msg" of json
//!   │                          event each
//!   ├─────▶ run_results.json, sources.json, OpenLineage's events
//!   └─────▶ RunResult, and with it the exit code
//! ```
//!
//! - [`Reporter`]: dispatches each event to the sinks; start here
//! - [`Terminal`], [`JsonLines`], [`RunResults`], [`SourcesJson`], [`OpenLineage`]: the sinks
//! - [`RunResult`]: the result of the run, with every [`StepProblem`]
//! - [`LastRun`], [`LastAge`]: the previous `run_results.json` and `sources.json`, for the next command
//! - [`TargetPath`]: the folder for artifacts
//! - `wire`: steps, reasons and outcomes as JSON
//! - [`plan_text`], [`plan_json`]: a plan as `headwater plan` prints it
//! - [`Description`]: a node as `headwater describe` prints it
//! - [`LineageQuery`]: column lineage as `headwater lineage` prints it
//!
//! Nothing here calls `run`, reads a clock, the environment or a table, or affects a run: the scheduler gets
//! a closure and doesn't know this module.

mod dbt_outcome;
mod describe;
mod json;
mod last_run;
mod last_source_ages;
mod level;
mod line;
mod lineage;
mod message;
mod message_builder;
mod node;
mod openlineage;
mod plan_view;
mod problem;
mod reporter;
mod run_record;
mod run_result;
mod run_results;
mod running_steps;
#[cfg(test)]
mod sample;
mod sources_json;
mod target_path;
mod terminal;
mod width;
mod wire;
mod wording;

use std::io;

use crate::event::Event;

pub use describe::Description;
pub use json::JsonLines;
pub use last_run::{LastRun, verdict};
pub use last_source_ages::{LastAge, last_ages};
pub use level::Level;
pub use lineage::{LineageFormat, LineageQuery};
pub use node::{FileLookup, NodeFile};
pub use openlineage::{Datasets, Endpoint, OpenLineage, Parent as LineageParent, Transport, is_ephemeral};
pub use plan_view::{plan_json, plan_text};
pub use problem::StepProblem;
pub use reporter::Reporter;
pub use run_result::{RunResult, StepCounts};
pub use run_results::RunResults;
pub use sources_json::SourcesJson;
pub use target_path::{Cleanup, KeepReason, TargetPath};
pub use terminal::{Terminal, TerminalStyle};

/// A subscriber that receives every event in order.
pub trait EventSink: Send {
    /// Handles one event.
    fn event(&mut self, event: &Event) -> Result<(), SinkError>;

    /// Finishes the output. Called once after the last event, however the run ended.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// A sink failed to write. The run goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what}: {source}")]
pub struct SinkError {
    /// The output that failed, for people: `the log`, `target/run_results.json`.
    pub what: String,
    /// The cause.
    pub source: io::Error,
}

impl SinkError {
    /// Creates an error about writing `what`.
    pub fn new(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { what: what.into(), source: source.into() }
    }

    /// Returns true if the reader closed the pipe, as `| head` does. This isn't worth reporting.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}
