//! Runs in which nothing changed: what a later run must find unchanged to end the same way, and the steps that it tells
//! again then.
//!
//! - [`conditions`]: what is looked at outside the project: tables, sources and the time
//! - [`steps`]: the steps of a run, and whether they are worth recording
//!
//! The decision is always the cautious one: what can't be watched, or was not merely reused, is not recorded.

pub mod conditions;
pub mod steps;
