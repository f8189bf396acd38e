//! The SQL engine: the only code that names DataFusion.
//!
//! - [`session`]: one [`Engine`] per invocation: memory pool, spill directory, dialect, functions
//! - [`query`]: SQL text → a type-checked [`Query`] over tables with known schemas but no rows yet
//! - `dialect`: the semantics of SQL: syntax, operators, casts, types
//! - [`answer`]: queries with small results
//! - [`rule`], [`audit`], [`quarantine`]: rules about single rows: declared, counted, and used to reject rows
//! - [`spool`], [`key_range`], [`change`]: new rows, the key range they reach in a table, and the changes they
//!   make
//! - [`change_feed`]: the rows inserted and deleted between two versions of a table
//! - [`batch`], `batch_scope`: rows by time interval, and whether a query can build many intervals at once
//! - [`lineage`]: the source columns of a query's columns
//! - [`delta_testing`]: the part of a table that a test must read after a small change
//! - [`value_counts`]: row counts by value
//! - [`fixture`], [`diff`]: fixture rows, and how actual rows differ from them
//! - [`bind`]: replaces declared schemas in a query with actual tables
//! - [`exact`]: casts that keep every value
//! - [`execute`]: runs a bound query as streams of rows
//! - [`checked_scan`]: tables whose filters are always applied by the query
//! - `function`: the SQL functions of dialect `duckdb`
//! - `nan`: floats that file statistics leave out
//! - `guard`, `comparisons`, `constant_not_in`, `hidden_constants`, `null_keys`: workarounds for optimizer
//!   bugs that lose or add rows; `merge_keys`: for joins that couldn't spill; `replay`: for a join that loses
//!   rows when it spills
//! - [`memory`]: the shares of a memory limit
//! - `spill`: the directory for rows that don't fit in memory
//! - `distinct`: distinct aggregates that can spill
//! - `reads`: the size of a plan; `window_parts`: windows that hold one partition at a time
//! - [`print`]: formats rows as text
//! - [`error`]: SQL errors in the user's terms, with positions in the statement
//! - [`source`]: files and databases as tables
//! - [`digest`]: a content hash of a table's rows
//!
//! Must not name deltalake or know about nodes and the graph. Start at [`Engine::plan`].

pub mod answer;
pub mod audit;
pub mod batch;
mod batch_scope;
pub mod bind;
pub mod change;
pub mod change_feed;
pub mod checked_scan;
mod comparisons;
mod constant_not_in;
pub mod delta_testing;
mod dialect;
pub mod diff;
pub mod digest;
mod distinct;
pub mod error;
pub mod exact;
pub mod execute;
pub mod fixture;
mod function;
mod guard;
mod hidden_constants;
pub mod key_range;
pub mod lineage;
pub mod memory;
mod merge_keys;
mod nan;
mod null_keys;
pub mod print;
pub mod quarantine;
pub mod query;
mod reads;
mod replay;
pub mod rule;
#[cfg(test)]
mod rule_tests;
pub mod session;
pub mod source;
mod spill;
pub mod spool;
pub mod value_counts;
mod window_parts;

use std::sync::Arc;

pub use datafusion::{
    arrow,
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    execution::SendableRecordBatchStream,
};

pub use self::{
    error::{SqlError, message},
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
