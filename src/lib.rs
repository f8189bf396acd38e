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
//! - Row 0, source spans, secrets, thread pools, names, time intervals and diagnostics: [`text`], [`secret`],
//!   [`parallel`], [`name`], [`interval`], [`diag`]
//! - Row 1, files as declared, the template language and the dependency graph: [`project`], [`jinja`],
//!   [`graph`]
//! - Row 2, template references, the selection language and name resolution: [`parse`], [`select`],
//!   [`manifest`]
//! - Row 3, planned steps, their outcomes and the events about both: [`plan`], [`outcome`], [`event`]
//! - Row 4, all of DataFusion, all of Delta and the ingestion of files: [`engine`], [`lake`], [`ingest`]
//! - Row 5, compilation, column lineage and execution: [`compile`], [`lineage`], [`run`]
//! - Row 6, dbt's artifacts, output for people and programs, and the documentation site: [`artifact`],
//!   [`report`], [`docs`]
//! - Row 7, arguments in, exit code out: [`cli`]
//!
//! To follow a run, start at `cli::build`, then [`compile::compile`], [`run::scheduler::run`] and
//! [`run::worker`].

pub mod artifact;
pub mod cli;
pub mod compile;
pub mod diag;
pub mod docs;
pub mod engine;
pub mod event;
pub mod graph;
pub mod ingest;
pub mod interval;
pub mod jinja;
pub mod lake;
pub mod lineage;
pub mod manifest;
pub mod name;
pub mod outcome;
pub mod parallel;
pub mod parse;
pub mod plan;
pub mod project;
pub mod report;
pub mod run;
pub mod secret;
pub mod select;
pub mod text;

#[cfg(test)]
mod layers;
