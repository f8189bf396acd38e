//! JSON and CSV, read row by row.
//!
//! ```text
//! Document      walks a file's frame: where rows begin, what its header says      (json_frame, csv)
//! RowReader     reads one row into Rows, or says why it is refused                (json_row, csv)
//! whole         a small file: both in one pass over its text
//! index         a big file, first pass: the frame alone, in a bounded window; remembers where chunks of rows begin
//! chunk         a big file, second pass: the rows of one chunk
//! scan          which partition of a query does what; here the threads are
//! ```
//!
//! Everything below `scan` is plain blocking code over text in memory.

mod chunk;
mod csv;
mod document;
mod index;
mod json;
mod json_frame;
mod json_row;
mod pace;
mod refusal;
mod row;
mod scan;
mod table;
#[cfg(test)]
mod tests;
mod whole;
mod window;

pub(crate) use csv::Csv;
pub(in crate::engine::source) use csv::{Field, blank};
pub(crate) use document::{Format, Layout};
pub(in crate::engine::source) use json::{Cursor, Stop};
pub(crate) use pace::Pace;
pub(crate) use refusal::excerpt;
pub(crate) use table::TextTable;
