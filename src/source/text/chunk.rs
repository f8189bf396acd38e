//! Row decoding for a chunk of a document whose frame is already known to be valid.

use super::{
    json_frame::skip_invalid_line,
    refusal::{Refusal, RefusedRow},
    row::RowReader,
};
use crate::source::{
    json::{Cursor, JsonStop},
    rows::SourceRows,
};

/// Reads the rows of `text` into `rows`. The first row is number `first` of its file. Returns the rejected
/// rows, and the number of all rows.
pub(super) fn decode(
    text: &str,
    reader: &mut RowReader,
    first: u64,
    rows: &mut SourceRows,
) -> Result<(Vec<RefusedRow>, u64), JsonStop> {
    let mut cursor = Cursor::new(text, true);
    let mut refused = Vec::new();
    let mut row = first;
    while reader.next(&mut cursor) {
        let start = cursor.at;
        let refusal = match reader.read(&mut cursor, rows) {
            Ok(refusal) => refusal,
            Err(stop) if reader.reads_lines() => {
                rows.end_row(false);
                Some(Refusal::Invalid(skip_invalid_line(&mut cursor, start, stop)))
            }
            Err(stop) => return Err(stop),
        };
        if let Some(refusal) = refusal {
            refused.push(RefusedRow { row, raw: start..cursor.at, refusal });
        }
        row += 1;
    }
    Ok((refused, row - first))
}

impl RefusedRow {
    /// Shifts the positions by `by` bytes, for a text with that many more bytes at its start.
    pub(super) fn shift(&mut self, by: usize) {
        self.raw = self.raw.start + by..self.raw.end + by;
        if let Refusal::Cell { value, .. } = &mut self.refusal {
            *value = value.start + by..value.end + by;
        }
    }
}
