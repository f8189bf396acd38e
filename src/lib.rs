//! Headwater runs a directory of SQL models as a pipeline and keeps every model as a Delta table.
//!
//! ```text
//! Project ──▶ Manifest ──▶ Selection ──▶ Compiled ──▶ Plan ──▶ Event* ──▶ RunResult
//!  files as     names        selected      every        steps      facts,      fold of
//!  declared     resolved     nodes         schema,      and        in order    the events
//!               + graph                    every type   reasons
//! ```
//!
//! Each arrow is a module, each word an immutable type. A module imports only from its own row or from rows
//! above it; the unit test in `layers` checks this.
//!
//! - Row 0: `text`, `secret`, `parallel`, `panics`, `name`, `interval`, `local_file`,
//!   `stamp`, `diag`: source spans, secrets, thread pools, expected panics, names, time intervals, local
//!   files, file stamps, diagnostics
//! - Row 1: `project`, `jinja`, `graph`: files as declared, the template language, the dependency graph
//! - Row 2: `parse`, `select`, `manifest`, `deps`: template references, the selection language, name
//!   resolution, packages of other projects
//! - Row 3: `plan`, `outcome`, `event`: planned steps, their outcomes, events about both
//! - Row 4: `engine`, `source`, `lake`, `ingest`: queries, all of DataFusion; files and databases as
//!   tables; all of Delta; the ingestion of files
//! - Row 5: `compile`, `lineage`, `run`: compilation, column lineage, execution
//! - Row 6: `artifact`, `report`, `docs`: dbt's artifacts, output for people and programs, the
//!   documentation site
//! - Row 7: `workspace`: loads, prepares and runs a project for any way in
//! - Row 8: `cli`: arguments in, exit code out
//!
//! To follow a run, start at `workspace::Workspace::load` and `workspace::Workspace::prepare`, then
//! `compile::compile`, `run::scheduler::run` and `run::worker`.
//!
//! Only the items at the end of this file are public, for the binary, `examples/sql_probe` and `benches`.
//! `pub` on others marks what a module offers to the other modules; `pub(super)` and `pub(in …)` stay inside
//! of it.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read clocks and set the scene"))]

mod artifact;
#[allow(rustdoc::invalid_html_tags, reason = "the docs of arguments are their help texts")]
mod cli;
mod compile;
mod deps;
mod diag;
mod docs;
mod engine;
mod event;
mod graph;
mod ingest;
mod interval;
mod jinja;
mod lake;
mod lineage;
mod local_file;
mod manifest;
mod name;
mod outcome;
mod panics;
mod parallel;
mod parse;
mod plan;
mod project;
mod report;
mod run;
mod secret;
mod select;
mod source;
mod stamp;
mod text;
mod workspace;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod layers;

pub use self::{cli::main, engine::memory::on_pressure};

/// Single statements over tables in memory, for `examples/sql_probe`.
pub mod probe {
    pub use crate::{
        engine::{Engine, EngineError, EngineSettings, Table, exec::binding::Bound, message},
        lake::delta_schema,
        name::Relation,
    };
}

/// Inner loops, for `benches/micro`.
pub mod bench {
    pub use crate::{
        engine::{Engine, EngineSettings, RecordBatch, arrow, rows::digest::RowDigest},
        name::Relation,
    };

    /// Files as tables.
    pub mod source {
        pub use crate::source::{
            DateUnit, Drift, Identity, OnError, Orient, SourceFormat, SourceSpec, TextOptions, open,
        };
    }
}
