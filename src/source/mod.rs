//! The sources that `sources.yml` declares, as DataFusion tables: JSON, CSV, Parquet and Avro files, and
//! SQLite tables.
//!
//! ```text
//! SourceSpec ──▶ schema()    declared types alone; touches no data
//!            └─▶ provider()  a table that reads, types and validates every row
//!                  decode    compressed files and other encodings, as UTF-8
//!                  text/     JSON and CSV: our own readers, row by row, with bad rows rejected
//!                  columnar  Parquet and Avro: DataFusion's readers, cast to the declared types
//!                  sqlite/   SQLite, opened read-only
//!                └─▶ RejectSink   receives the rejected rows and files
//! ```
//!
//! [`seed`] inspects a CSV file without declarations: it infers the columns, and checks whether every value
//! fits.
//!
//! Two rules hold for every reader that validates rows. A row is validated against all declared columns,
//! whatever the query reads of it, so rejects never depend on the query's columns. And a file that is damaged
//! anywhere yields no row at all. Nothing here knows the lake, the graph or the user's YAML.

mod access;
mod cell;
mod column;
mod columnar;
mod damage;
mod decimal;
mod decode;
mod disk;
mod drift;
mod excerpt;
mod file;
mod file_fit;
mod files;
mod guess;
mod hive;
mod instant;
mod intake;
mod json;
mod kind;
mod local_files;
mod names;
mod provider;
mod rejects;
mod reporting;
mod rows;
mod sample;
pub mod seed;
mod spec;
mod sqlite;
mod state;
mod text;
mod undecodable;
mod unreadable;
mod watched;

pub use access::{
    find_damage, infer_columns, list, list_files, modified, new_columns, open, open_files, read_state,
};
pub use decode::{Compression, Encoding, TextOptions};
pub use drift::{Deviation, Drift, Limit, MaxRejected, OnMissingColumn, OnNewColumn};
pub use file::{Listing, SourceFile};
pub use rejects::{RejectCounts, RejectSink, RejectStream, RejectedFile};
pub use sample::SchemaSample;
pub(crate) use spec::SOURCE_FILE;
pub use spec::{DateUnit, Identity, Nulls, OnError, Orient, SourceFormat, SourceSpec, is_supplied, schema};
pub use state::{SourceState, of_files};
pub use text::{InferenceDepth, InferredColumn, InferredColumns};
pub use unreadable::UnreadableSource;
pub use watched::{WatchedSource, WatchedState};
