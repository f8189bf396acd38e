//! Row reader for all layouts.

use super::{
    csv_dialect::Csv,
    header::TextHeader,
    json_row::{self, Objects},
    refusal::Refusal,
};
use crate::source::{
    drift::Deviation,
    json::{Cursor, JsonStop},
    names::ColumnPlace,
    rows::SourceRows,
};

/// Reads the rows of one file into [`SourceRows`].
pub(crate) enum RowReader {
    Arrays(TextHeader),
    Objects(Objects),
    Records(Csv, TextHeader),
}

impl RowReader {
    /// Skips the separator between two rows of a chunk. Returns false at its end.
    pub(super) fn next(&self, cursor: &mut Cursor<'_>) -> bool {
        match self {
            Self::Arrays(_) | Self::Objects(_) => {
                // The bracket closes the rows, because a chunk ends one byte after its last row.
                while matches!(cursor.byte(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b']')) {
                    cursor.at += 1;
                }
            }
            Self::Records(csv, header) => while header.places.len() > 1 && csv.blank(cursor) == Ok(true) {},
        }
        cursor.byte().is_some()
    }

    /// Reads the row at the cursor into `rows`, marked as bad if it is rejected.
    pub(super) fn read(
        &mut self,
        cursor: &mut Cursor<'_>,
        rows: &mut SourceRows,
    ) -> Result<Option<Refusal>, JsonStop> {
        match self {
            Self::Arrays(header) => json_row::array(header, cursor, rows),
            Self::Objects(objects) => objects.read(cursor, rows),
            Self::Records(csv, header) => csv.read(header, cursor, rows),
        }
    }

    /// Returns whether each row is a line of JSON of its own, so that an invalid one can be refused alone.
    pub(super) fn reads_lines(&self) -> bool {
        matches!(self, Self::Objects(objects) if objects.are_lines())
    }

    /// Skips the row at the cursor, and reads only the names in it.
    pub(super) fn skip(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop> {
        match self {
            Self::Arrays(_) => cursor.skip().map(drop),
            Self::Objects(objects) => objects.skip(cursor),
            Self::Records(csv, _) => csv.record(cursor, |_, _| {}),
        }
    }

    /// Returns the file's own columns, and how they differ from the declared ones.
    pub(super) fn columns(&self) -> (Vec<String>, Deviation) {
        match self {
            Self::Arrays(header) | Self::Records(_, header) => header.columns(),
            Self::Objects(objects) => objects.columns(),
        }
    }

    /// Returns whether the file has any of the declared columns.
    pub(super) fn knows(&self) -> bool {
        match self {
            Self::Arrays(header) | Self::Records(_, header) => {
                header.places.iter().any(|place| matches!(place, ColumnPlace::Column(_)))
            }
            Self::Objects(objects) => objects.knows(),
        }
    }
}
