//! Headwater runs a directory of SQL models as a pipeline and keeps every model as a Delta table.
//!
//! ```text
//! Project ──▶ Manifest ──▶ Selection ──▶ Compiled ──▶ Plan ──▶ Event* ──▶ RunResult
//!  files as     names        which         every        what      facts,      fold of
//!  declared     resolved     nodes         schema,      will be   in order    the events
//!               + graph                    every type   done, and why
//! ```
//!
//! Each arrow is a module, each word a type that does not change once made. A module imports only from its own row
//! or the rows above it; the unit test at the foot of this file holds the code to that.
//!
//! | row | modules | own |
//! |---|---|---|
//! | 0 | [`text`], [`secret`], [`parallel`], [`name`], [`interval`], [`stamp`], [`diag`] | places in files, secrets, work side by side, names, stretches of time, file stamps, findings |
//! | 1 | [`project`], [`jinja`], [`graph`] | files as declared; the template language; order |
//! | 2 | [`parse`], [`select`], [`manifest`] | what templates ask for; which nodes; names resolved |
//! | 3 | [`plan`], [`outcome`], [`event`] | what will be done, what became of it, facts about both |
//! | 4 | [`engine`], [`lake`], [`ingest`] | all of DataFusion; all of Delta; which files are new |
//! | 5 | [`compile`], [`lineage`], [`run`] | everything checked; where columns come from; everything done |
//! | 6 | [`artifact`], [`report`], [`docs`] | dbt's files; what people and programs are told; the documentation site |
//! | 7 | [`cli`] | arguments in, exit code out |
//!
//! To follow a run, begin at `cli::build`, then [`compile::compile`], [`run::scheduler::run`] and [`run::worker`].

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
pub mod stamp;
pub mod text;

#[cfg(test)]
mod layers;
