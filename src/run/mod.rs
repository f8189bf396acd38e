//! Runs: observe the current state, plan, schedule jobs and execute them.
//!
//! - [`tables`]: the location of each node's Delta table and its current state
//! - [`observed`], `staleness`: the observed state of the lake and sources, and staleness
//! - [`operation`]: templates that belong to no node, and the statements that they run
//! - [`planning`]: which nodes to build or test, and why
//! - [`scheduler`]: the event loop: starts jobs and emits every event once
//! - `queue`: which jobs may start now
//! - [`worker`], `step_error`: the state that all jobs share, and their errors
//! - `execute`: executes one job: builds a node, then runs its tests
//! - `task`: steps with the compiled nodes that they execute
//! - `late`, [`late_compiler`]: compiles nodes whose templates query what this run builds
//! - `model`: builds a model: from its inputs to its publication
//! - `build`: stages a model's next version, with a file for each strategy
//! - [`changed_batches`]: the changed batches of tables that several models read
//! - [`version_history`]: the cause of each table version
//! - [`rejects`], `reject_notes`: the rejects of a table's sources, until they are gone or acknowledged
//! - [`unchanged`]: replays no-op runs without planning them
//! - `reuse`: skips up-to-date tables, and runs only tests that haven't passed on the current rows
//! - `companion_tables`: the tables that are published with a model's own
//! - `audit`, `verdict`: data tests of staged or published tables
//! - `damage`: damaged tables and their cures
//! - `delta_testing`: the part of a version that a test must read
//! - `history_tests`, `anomaly`: tests that compare a table with its earlier versions
//! - `unit_test`, `freshness`: unit tests and source freshness
//!
//! Must not print or depend on a reporter: events go to the function that the caller passes.

mod anomaly;
mod audit;
mod build;
pub mod changed_batches;
mod clock;
mod companion_tables;
mod damage;
mod delta_testing;
mod execute;
mod freshness;
mod history_tests;
mod late;
pub mod late_compiler;
mod model;
pub mod observed;
pub mod operation;
pub mod planning;
mod queue;
mod reject_notes;
pub mod rejects;
mod reuse;
pub mod scheduler;
mod staleness;
mod step_error;
pub mod tables;
mod task;
pub mod unchanged;
mod unit_test;
mod verdict;
pub mod version_history;
pub mod worker;
