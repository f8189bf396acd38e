//! The dialect of CSV: what separates records and fields.

use std::sync::Arc;

use crate::source::{kind::ColumnKind, spec::Nulls};

/// The declared parts of a CSV dialect. Whatever is `None` is detected.
#[derive(Debug, Clone)]
pub(crate) struct CsvDialect {
    pub(crate) delimiter: Option<u8>,
    pub(crate) header: Option<bool>,
    pub(crate) quote: Option<u8>,
    pub(crate) nulls: Option<Nulls>,
    /// The kinds of the declared columns.
    pub(crate) kinds: Arc<[ColumnKind]>,
}

impl CsvDialect {
    /// Returns the declared dialect, with RFC 4180's rules for what isn't declared.
    pub(crate) fn plain(&self) -> Csv {
        Csv {
            delimiter: self.delimiter.unwrap_or(b','),
            header: self.header.unwrap_or(true),
            quote: self.quote.unwrap_or(b'"'),
            newline: b'\n',
            nulls: self.nulls.clone(),
        }
    }
}

/// The dialect of a file. All its special characters are ASCII.
#[derive(Debug, Clone)]
pub(crate) struct Csv {
    pub(crate) delimiter: u8,
    pub(crate) header: bool,
    pub(crate) quote: u8,
    /// The last byte of a line end: a line feed, with or without a carriage return before it, or a lone
    /// carriage return.
    pub(crate) newline: u8,
    pub(crate) nulls: Option<Nulls>,
}
