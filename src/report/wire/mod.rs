//! Wire types: how the JSON log and `plan --output json` write steps and outcomes. Programs rely on these
//! names and fields, so the domain's types can change without them.
//!
//! - `outcome`: the outcome of a step, or why it didn't run
//! - `reason`: the action of a planned step, and the reason for it
//! - `sample`: the rows that a test found
//! - `table`: the location of a table, and a time range

mod outcome;
mod reason;
mod sample;
mod table;

pub(super) use self::{
    outcome::{OutcomeJson, RepairedJson, SkippedJson},
    reason::{ReasonJson, action},
    table::RelationJson,
};
