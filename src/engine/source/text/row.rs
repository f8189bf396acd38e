//! Reading one row, whatever its layout.

use super::{
    csv::Csv,
    document::Header,
    json::{Cursor, Stop},
    json_row::{self, Objects},
    refusal::Refusal,
};
use crate::engine::source::{drift::Deviation, names::Place, rows::Rows};

/// Reads the rows of one file into [`Rows`].
pub(crate) enum RowReader {
    Arrays(Header),
    Objects(Objects),
    Records(Csv, Header),
}

impl RowReader {
    /// Past what is between two rows of a piece of a document; false at its end.
    pub(super) fn next(&self, cursor: &mut Cursor<'_>) -> bool {
        match self {
            Self::Arrays(_) | Self::Objects(_) => {
                // The bracket is the one that closes the rows: a piece ends one byte past its last row.
                while matches!(cursor.byte(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b']')) {
                    cursor.at += 1;
                }
            }
            Self::Records(csv, header) => while header.places.len() > 1 && csv.blank(cursor) == Ok(true) {},
        }
        cursor.byte().is_some()
    }

    /// Past a row that begins here: into `rows`, as a bad one if it is refused.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> Result<Option<Refusal>, Stop> {
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

    /// Past a row that begins here, unread but for the names in it.
    pub(super) fn skip(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
        match self {
            Self::Arrays(_) => cursor.skip().map(drop),
            Self::Objects(objects) => objects.skip(cursor),
            Self::Records(csv, _) => csv.record(cursor, |_, _| {}),
        }
    }

    /// The columns that the file turned out to have, and how they differ from the declared ones.
    pub(super) fn columns(&self) -> (Vec<String>, Deviation) {
        match self {
            Self::Arrays(header) | Self::Records(_, header) => header.columns(),
            Self::Objects(objects) => objects.columns(),
        }
    }

    /// Returns whether the file has anything of what is declared.
    pub(super) fn knows(&self) -> bool {
        match self {
            Self::Arrays(header) | Self::Records(_, header) => {
                header.places.iter().any(|place| matches!(place, Place::Column(_)))
            }
            Self::Objects(objects) => objects.knows(),
        }
    }
}
