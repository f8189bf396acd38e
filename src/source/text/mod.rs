//! JSON and CSV readers, row by row.
//!
//! ```text
//! infer         the columns of files that declare none; `shape` summarizes the values of a column
//! sniff         detects a file's format, where it isn't declared
//! Document      walks a file's frame: where rows begin, what its header says      (json_frame, csv)
//! RowReader     reads one row into Rows, or rejects it with a reason              (json_row, csv)
//! whole         a small file: both in one pass over its text
//! index         a large file, first pass: the frame alone, in a bounded window; finds the chunks of rows
//! chunk         a large file, second pass: the rows of one chunk
//! scan          distributes the work over a query's partitions and threads
//! ```
//!
//! Everything below `scan` is plain blocking code over text in memory.

mod broken;
mod chunk;
mod csv;
mod csv_dialect;
mod document;
mod format;
mod header;
mod index;
mod infer;
mod inferred;
mod json_frame;
mod json_row;
mod observed;
mod pace;
mod refusal;
mod row;
mod scan;
mod shape;
mod shared_scan;
mod sink;
mod sniff;
mod table;
#[cfg(test)]
mod tests;
mod whole;
mod window;

pub(in crate::source) use csv::CsvField;
pub(crate) use csv_dialect::{Csv, CsvDialect};
pub(crate) use format::{RowLayout, TextFormat};
pub use infer::InferenceDepth;
pub(in crate::source) use infer::infer;
pub use inferred::{InferredColumn, InferredColumns};
pub(crate) use pace::ReadSizes;
pub(crate) use table::TextTable;
