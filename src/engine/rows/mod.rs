//! Rows: how they are judged, compared, kept and printed.
//!
//! - [`rule`], [`test_query`], [`quarantine`]: rules about single rows: declared, counted, and used to reject
//!   rows
//! - [`spool`], [`changes`]: new rows, and the changes they make to a table
//! - [`change_feed`]: the rows inserted and deleted between two versions of a table
//! - [`digest`]: a content hash of a table's rows
//! - [`fixture`], [`diff`]: fixture rows, and how actual rows differ from them
//! - [`value_counts`]: row counts by value
//! - [`output`]: formats rows as text

pub mod change_feed;
pub mod changes;
pub mod diff;
pub mod digest;
pub mod fixture;
pub mod output;
pub mod quarantine;
pub mod rule;
#[cfg(test)]
mod rule_tests;
pub mod spool;
pub mod test_query;
pub mod value_counts;
