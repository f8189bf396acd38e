//! Analysis: answers questions about queries from their plans, or from a few rows.
//!
//! - [`lineage`]: the source columns of a query's columns
//! - [`event_time`], `batch_scope`: rows by time interval, and whether a query can build many intervals at
//!   once
//! - [`key_range`]: the key range that new rows reach in a table
//! - [`delta_testing`]: the part of a table that a test must read after a small change

mod batch_scope;
pub mod delta_testing;
pub mod event_time;
pub mod key_range;
pub mod lineage;
