//! The SQL engine: the only code that names DataFusion.
//!
//! - [`session`]: one [`Engine`] per invocation: memory pool, spill directory, dialect, functions
//! - [`query`]: SQL text → a type-checked [`Query`] over tables with known schemas but no rows yet
//! - `dialect`: the semantics of SQL: syntax, operators, casts, types
//! - [`small_result`]: queries with small results
//! - [`row_rule`], [`test_query`], [`quarantine`]: rules about single rows: declared, counted, and used to
//!   reject rows
//! - [`row_spool`], [`key_range`], [`row_changes`]: new rows, the key range they reach in a table, and the
//!   changes they make
//! - [`change_feed`]: the rows inserted and deleted between two versions of a table
//! - [`event_time`], `batch_scope`: rows by time interval, and whether a query can build many intervals at
//!   once
//! - [`lineage`]: the source columns of a query's columns
//! - [`delta_testing`]: the part of a table that a test must read after a small change
//! - [`value_counts`]: row counts by value
//! - [`fixture`], [`row_diff`]: fixture rows, and how actual rows differ from them
//! - [`binding`]: replaces declared schemas in a query with actual tables
//! - [`exact_cast`]: casts that keep every value
//! - [`execution`], [`joins`]: runs a bound query as streams of rows
//! - [`checked_scan`]: tables whose filters are always applied by the query
//! - `function`: the SQL functions of dialect `duckdb`
//! - `nan`: floats that file statistics leave out
//! - `pushdown_guard`, `comparisons`, `constant_not_in`, `hidden_constants`, `null_keys`: workarounds for
//!   optimizer bugs that lose or add rows; `merge_keys`: for joins that couldn't spill; `replay`: for a join
//!   that loses rows when it spills
//! - [`memory`]: the shares of a memory limit
//! - `spill_folder`: the directory for rows that don't fit in memory
//! - `distinct_aggregates`: distinct aggregates that can spill
//! - `read_cost`: the size of a plan; `window_partitions`: windows that hold one partition at a time
//! - [`row_output`]: formats rows as text
//! - [`error`]: SQL errors in the user's terms, with positions in the statement; `message`: the text of
//!   errors, without the engine's internals
//! - [`source`]: files and databases as tables
//! - [`row_digest`]: a content hash of a table's rows
//!
//! Must not name deltalake or know about nodes and the graph. Start at [`Engine::plan`].

mod batch_scope;
pub mod binding;
pub mod change_feed;
pub mod checked_scan;
mod comparisons;
mod constant_not_in;
pub mod delta_testing;
mod dialect;
mod distinct_aggregates;
pub mod error;
pub mod event_time;
pub mod exact_cast;
pub mod execution;
pub mod fixture;
mod function;
mod hidden_constants;
pub mod joins;
pub mod key_range;
pub mod lineage;
pub mod memory;
mod merge_keys;
mod message;
mod nan;
mod null_keys;
mod pushdown_guard;
pub mod quarantine;
pub mod query;
mod read_cost;
mod replay;
pub mod row_changes;
pub mod row_diff;
pub mod row_digest;
pub mod row_output;
pub mod row_rule;
#[cfg(test)]
mod row_rule_tests;
pub mod row_spool;
pub mod session;
pub mod small_result;
pub mod source;
mod spill_folder;
pub mod test_query;
pub mod value_counts;
mod window_partitions;

use std::sync::Arc;

pub use datafusion::{
    arrow,
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    execution::SendableRecordBatchStream,
};

pub use self::{
    error::SqlError,
    message::{message, without_stack},
    query::Query,
    session::{Engine, EngineSettings},
};

/// The session of the engine, as needed by a table's scan.
pub type Session = datafusion::execution::SessionState;

/// A table that can be scanned.
pub type Table = Arc<dyn datafusion::catalog::TableProvider>;

/// The partitions of a query's result, each a stream of batches.
pub type Streams = Vec<SendableRecordBatchStream>;

/// An error while a query runs.
pub type EngineError = datafusion::error::DataFusionError;
