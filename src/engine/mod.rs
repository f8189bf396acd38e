//! The SQL engine: the only code that names DataFusion.
//!
//! - [`session`]: one [`Engine`] per invocation: memory pool, spill directory, dialect, functions
//! - `dialect`, `function`: the semantics of SQL: syntax, operators, casts, types; the functions of DuckDB
//!   and PostgreSQL
//! - `cast`, `json`, `operation`, `grammar`, `ast`: types and casts, JSON documents, operators, the parser's
//!   grammar, and expressions that rewrites insert, for both
//! - [`query`]: SQL text → a type-checked [`Query`] over tables with known schemas but no rows yet
//! - [`plan`]: rules for plans, in addition to DataFusion's own
//! - [`exec`]: a query, bound to data, as streams of rows
//! - [`rows`]: rows judged, compared, kept and printed
//! - [`analyze`]: lineage and other analyses of plans
//! - [`memory`]: the shares of a memory limit; `spill_folder`: the directory for rows that don't fit
//! - [`types`]: SQL names of Arrow types
//! - [`error`]: SQL errors in the user's terms, with positions in the statement; `message`: the text of
//!   errors, without the engine's internals
//!
//! Must not name deltalake or know about nodes and the graph. Start at [`Engine::plan`].

pub mod analyze;
mod ast;
mod cast;
mod dialect;
pub mod error;
pub mod exec;
mod function;
mod grammar;
mod json;
pub mod memory;
mod message;
mod operation;
mod parse_budget;
pub mod plan;
pub mod query;
pub mod rows;
pub mod session;
mod spill_folder;
pub mod statement;
pub mod types;

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
