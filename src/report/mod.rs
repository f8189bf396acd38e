//! What people and programs are told: of a run, as folds of its [`Event`]s; of a plan and of lineage, as they
//! are.
//!
//! ```text
//! Event ──▶ narrator ──▶ Message ──▶ wording ──▶ Line ──▶ terminal
//!   │        (a fold)    one dbt     for people     └───▶ "msg" of json
//!   │                    event each
//!   ├─────▶ run_results.json, sources.json, OpenLineage's events
//!   └─────▶ RunResult, and with it the exit code
//! ```
//!
//! - [`Reporter`]: hands each event to the sinks; start here
//! - [`Terminal`], [`JsonLines`], [`RunResults`], [`SourcesJson`], [`OpenLineage`]: the sinks
//! - [`RunResult`]: how the run ended, with each [`Trouble`] there was
//! - [`LastRun`], [`LastAge`]: what `run_results.json` and `sources.json` tell the next command
//! - [`TargetPath`]: the folder that artifacts go to
//! - [`plan_text`], [`plan_json`]: a plan as `headwater plan` prints it
//! - [`Description`]: a node, as `headwater describe` tells of it
//! - [`AskedLineage`]: where columns come from, as `headwater lineage` prints it
//!
//! Nothing here calls `run`, reads a clock, the environment or a table, or changes what a run does: the
//! scheduler is given a closure and does not know this module.

mod artifact;
mod describe;
mod ending;
mod json;
mod last_ages;
mod last_run;
mod line;
mod lineage;
mod message;
mod narrator;
mod node;
mod openlineage;
mod plan_view;
mod reporter;
mod result;
mod run_results;
mod running;
#[cfg(test)]
mod sample;
mod sources_json;
mod target;
mod terminal;
mod trouble;
mod width;
mod wording;

use std::io;

use crate::event::Event;

pub use describe::Description;
pub use json::JsonLines;
pub use last_ages::{LastAge, last_ages};
pub use last_run::{LastRun, verdict};
pub use lineage::{Asked as AskedLineage, LineageFormat};
pub use message::Level;
pub use node::{Lookup, NodeFile, no_files};
pub use openlineage::{Datasets, Endpoint, OpenLineage, Parent as LineageParent, Transport, is_ephemeral};
pub use plan_view::{plan_json, plan_text};
pub use reporter::Reporter;
pub use result::{Counts, RunResult};
pub use run_results::RunResults;
pub use sources_json::SourcesJson;
pub use target::{Cleanup, Kept, TargetPath};
pub use terminal::{Look, Terminal};
pub use trouble::Trouble;

/// Somebody who wants to know of every event, in order.
pub trait Sink: Send {
    /// One event.
    fn event(&mut self, event: &Event) -> Result<(), SinkError>;

    /// No more events will come, however the run ended.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// A sink could not write. The run goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what}: {source}")]
pub struct SinkError {
    /// What it was writing, for a person: `the log`, `target/run_results.json`.
    pub what: String,
    /// Why it could not.
    pub source: io::Error,
}

impl SinkError {
    /// A failure to write `what`.
    pub fn new(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { what: what.into(), source: source.into() }
    }

    /// Whether the reader went away, as `| head` does: no reason to say anything.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}
