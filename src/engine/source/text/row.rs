//! Reading one row, whatever its layout.

use std::sync::Arc;

use super::{
    csv::Csv,
    json::{Cursor, Stop},
    json_row::{self, Objects},
    refusal::Refusal,
};
use crate::engine::source::rows::Rows;

/// Reads the rows of one file into [`Rows`].
pub(crate) enum RowReader {
    /// For each value of a row, its declared column.
    Arrays(Vec<Option<usize>>),
    Objects(Objects),
    Records(Csv, Vec<Option<usize>>),
}

impl RowReader {
    pub(super) fn arrays(places: Vec<Option<usize>>) -> Self {
        Self::Arrays(places)
    }

    pub(super) fn objects(names: &Arc<[String]>) -> Self {
        Self::Objects(Objects::new(names))
    }

    pub(super) fn records(csv: Csv, places: Vec<Option<usize>>) -> Self {
        Self::Records(csv, places)
    }

    /// Past what stands between two rows of a piece of a document; false at its end.
    pub(super) fn next(&self, cursor: &mut Cursor<'_>) -> bool {
        match self {
            Self::Arrays(_) | Self::Objects(_) => {
                // The bracket is the one that closes the rows: a piece ends one byte past its last row.
                while matches!(cursor.byte(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',' | b']')) {
                    cursor.at += 1;
                }
            }
            Self::Records(csv, places) => while places.len() > 1 && csv.blank(cursor) == Ok(true) {},
        }
        cursor.byte().is_some()
    }

    /// Past a row that begins here: into `rows`, as a bad one if it is refused.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>, rows: &mut Rows) -> Result<Option<Refusal>, Stop> {
        match self {
            Self::Arrays(places) => json_row::array(places, cursor, rows),
            Self::Objects(objects) => objects.read(cursor, rows),
            Self::Records(csv, places) => csv.read(places, cursor, rows),
        }
    }

    /// Past a row that begins here, unread; its text.
    pub(super) fn skip<'a>(&self, cursor: &mut Cursor<'a>) -> Result<&'a str, Stop> {
        match self {
            Self::Arrays(_) | Self::Objects(_) => cursor.skip(),
            Self::Records(csv, _) => {
                let start = cursor.at;
                csv.record(cursor, |_, _| {})?;
                Ok(&cursor.text[start..cursor.at])
            }
        }
    }

    /// Whether rows so far had anything of what is declared; `skipped` is one that was not read.
    pub(super) fn knows(&mut self, skipped: Option<&str>) -> bool {
        match self {
            Self::Arrays(places) | Self::Records(_, places) => places.iter().any(Option::is_some),
            Self::Objects(objects) => {
                objects.any = objects.any || skipped.is_some_and(|text| objects.knows(text));
                objects.any
            }
        }
    }
}
