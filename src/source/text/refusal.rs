//! The reasons for rejecting a row, and their messages.

use std::ops::Range;

use crate::source::{excerpt::excerpt, kind::ColumnKind};

/// The maximum number of bytes of a rejected text.
const RAW: usize = 1024;
/// The maximum number of bytes of a value that a reason quotes.
const QUOTED: usize = 80;

/// The reason for rejecting a row. Positions are offsets in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The value doesn't fit the declared column.
    Cell {
        column: usize,
        value: Range<usize>,
    },
    NotAnArray,
    NotAnObject,
    /// The row has more or fewer values than there are columns.
    Width {
        found: usize,
        wanted: usize,
    },
    /// The row has the declared column twice.
    Twice {
        column: usize,
    },
    /// There is text between a closing quote and the next delimiter.
    Quoting,
    /// The line isn't JSON.
    Invalid(String),
}

/// A rejected row, and its position in the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusedRow {
    /// The row's number in its file, from 1.
    pub(crate) row: u64,
    pub(crate) raw: Range<usize>,
    pub(crate) refusal: Refusal,
}

impl Refusal {
    /// Returns the message. `kind` returns a column's kind, and whether it was inferred from files.
    pub(crate) fn reason(
        &self,
        text: &str,
        names: &[String],
        kind: impl Fn(usize) -> (ColumnKind, bool),
    ) -> String {
        match self {
            Self::Cell { column, value } => {
                let value = excerpt(text[value.clone()].as_bytes(), QUOTED);
                let (kind, is_inferred) = kind(*column);
                let inferred = if is_inferred { ", the type inferred from other values" } else { "" };
                format!("{}: {value} is not {kind}{inferred}", names[*column])
            }
            Self::NotAnArray => "the row is not an array".to_owned(),
            Self::NotAnObject => "the row is not an object".to_owned(),
            Self::Width { found, wanted } => {
                let plural = if *found == 1 { "" } else { "s" };
                format!("{found} value{plural} for {wanted} columns")
            }
            Self::Twice { column } => format!("{} is given twice", names[*column]),
            Self::Quoting => "text after a closing quote".to_owned(),
            Self::Invalid(reason) => reason.clone(),
        }
    }
}

/// Returns the rejected text, truncated if it is long.
pub(crate) fn raw(bytes: &[u8]) -> String {
    excerpt(bytes, RAW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_bounded_and_cut_between_characters() {
        assert_eq!(excerpt("short".as_bytes(), 8), "short");
        assert_eq!(excerpt("ééééééé".as_bytes(), 8), "éé…");
        let long = raw("é".repeat(4000).as_bytes());
        assert!(long.len() <= RAW && long.ends_with('…'));
    }
}
