//! A plan, carried out: observe → plan → schedule → do.
//!
//! - [`tables`]: where each node's Delta table lies and what stands there
//! - [`seen`], `stale`: what stands there, and whether it is what it would come to
//! - [`planning`]: what is to be done and why
//! - [`scheduler`]: the one loop: what starts when, and every fact told once
//! - `queue`: which jobs may start now
//! - [`worker`]: one job: what makes a node, then what judges it
//! - `model`: a model's new version, from its inputs to its publication
//! - `increment`: taking new rows into a table that is there
//! - `changes`: what came into the tables that a model reads, and went
//! - `batches`: building a model batch by batch of time
//! - `ingest`: loading files once each
//! - `snapshot`: what rows are now, beside the versions that are kept
//! - [`came_of`]: why each version of a table was made
//! - [`rejects`]: what sources have rejected, until it is gone or acknowledged
//! - [`unchanged`]: runs in which nothing changed, told again without planning them
//! - `reuse`: tables that stand, and the tests they have not passed yet
//! - `version`, `side`: what is staged, and the tables beside it
//! - `audit`, `verdict`: data tests, over what is staged or published
//! - `narrow`: what tests must look at of a version that is mostly known
//! - `past`, `anomaly`: those that compare a table with its earlier versions
//! - `unit_test`, `freshness`: the other judges
//!
//! Must not print, and knows no reporter: facts go to the function it is given.

mod anomaly;
mod audit;
pub mod batches;
pub mod came_of;
mod changes;
mod clock;
mod freshness;
mod increment;
mod ingest;
mod model;
mod narrow;
mod past;

pub mod planning;
mod queue;
pub mod rejects;
mod reuse;
pub mod scheduler;
pub mod seen;
mod side;
mod snapshot;
mod stale;
pub mod tables;
pub mod unchanged;
mod unit_test;
mod verdict;
mod version;
pub mod worker;
