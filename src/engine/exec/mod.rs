//! Execution: a query, bound to data, as streams of rows.
//!
//! - [`binding`]: replaces declared schemas in a query with actual tables
//! - [`crash`]: panics within queries, as errors
//! - [`streams`]: runs a bound query as streams of rows
//! - [`small_result`]: queries with small results

pub mod binding;
pub mod crash;
pub mod small_result;
pub mod streams;
