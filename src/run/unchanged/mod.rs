//! Unchanged runs: the conditions under which a later run would end the same way, and the steps that it then
//! reports again.
//!
//! - [`conditions`]: the state outside the project: tables, sources and the time
//! - [`steps`]: the steps of a run, and whether they are worth recording
//!
//! Decisions are cautious: a run isn't recorded if anything it read can't be watched, or if any step did
//! something.

pub mod conditions;
pub mod steps;
