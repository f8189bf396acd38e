//! The SQL engine: the only code that names DataFusion.
//!
//! - [`session`]: one [`Engine`] an invocation: memory pool, spill directory, dialect, functions
//! - [`query`]: SQL text → a type-checked [`Query`] over tables of which only the schema is known
//! - `dialect`: what SQL means: syntax, operators, casts, types
//! - [`answer`]: a query whose whole result is small
//! - [`rule`], [`audit`], [`split`]: what is asked of rows one by one, counted and taken out
//! - [`spool`], [`reach`], [`change`]: new rows, what they reach of a table, and what they do to it
//! - [`net`]: what came into a table and went, between two of its versions
//! - [`batch`], `separable`: rows by stretches of time, and whether a query keeps these apart
//! - [`lineage`]: which columns a query's columns are made of
//! - [`narrow`]: what a test must look at of a table of which little changed
//! - [`tally`]: rows counted by a value
//! - [`given`], [`diff`]: rows that somebody wrote, and how others differ from them
//! - [`bind`]: a query's tables, from schemas to data
//! - [`exact`]: casts that keep every value
//! - [`execute`]: a bound query as streams of rows
//! - [`checked_scan`]: a table whose filters the query applies itself
//! - `function`: the SQL functions of dialect `duckdb`
//! - `nan`: numbers that statistics leave out
//! - `guard`, `comparisons`, `constant_not_in`, `hidden_constants`, `null_keys`, `merge_keys`: against an optimizer that would lose or find rows, and joins that
//!   could not spill; `replay`: against a join that would lose rows when it spills
//! - [`memory`]: who may hold how much of a memory limit
//! - `spill`: where rows go that memory has no room for
//! - `distinct`: distinct aggregates that can spill
//! - `reads`: how large a plan becomes; `window_parts`: windows that hold one partition at a time
//! - [`print`]: rows as text
//! - [`error`]: what DataFusion has against a statement, with places in it
//! - [`source`]: files and databases as tables
//! - [`digest`]: what rows a table holds, in one number
//!
//! Must not name deltalake, nor know of nodes and the graph. Start at [`Engine::plan`].

pub mod answer;
pub mod audit;
pub mod batch;
pub mod bind;
pub mod change;
pub mod checked_scan;
mod comparisons;
mod constant_not_in;
mod dialect;
pub mod diff;
pub mod digest;
mod distinct;
pub mod error;
pub mod exact;
pub mod execute;
mod function;
pub mod given;
mod guard;
mod hidden_constants;
pub mod lineage;
pub mod memory;
mod merge_keys;
mod nan;
pub mod narrow;
pub mod net;
mod null_keys;
pub mod print;
pub mod query;
pub mod reach;
mod reads;
mod replay;
pub mod rule;
#[cfg(test)]
mod rule_tests;
mod separable;
pub mod session;
pub mod source;
mod spill;
pub mod split;
pub mod spool;
pub mod tally;
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

/// What a table needs to know of the engine that scans it.
pub type Session = datafusion::execution::SessionState;

/// A table that can be scanned.
pub type Table = Arc<dyn datafusion::catalog::TableProvider>;

/// The partitions of a query, each a stream of batches.
pub type Streams = Vec<SendableRecordBatchStream>;

/// What goes wrong while a query runs.
pub type EngineError = datafusion::error::DataFusionError;
