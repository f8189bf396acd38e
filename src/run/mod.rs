//! A plan, carried out: observe → plan → schedule → step.
//!
//! - [`tables`]: where each node's Delta table lies and what stands there
//! - [`planning`]: what is to be done and why
//! - [`scheduler`]: the one loop: what starts when, and every fact told once
//! - `queue`: which steps may start now
//! - [`step`]: one step, from its inputs to its publication
//! - `rejects`: what a step's sources set aside
//!
//! Must not print, and knows no reporter: facts go to the function it is given.

pub mod planning;
mod queue;
mod rejects;
pub mod scheduler;
pub mod step;
pub mod tables;
