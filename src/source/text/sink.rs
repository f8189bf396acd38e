//! The receiver of a document's parts.

use std::ops::Range;

use crate::source::json::{Cursor, JsonStop};

/// Processes the parts of a document.
pub(super) trait DocumentSink {
    /// Receives the columns' names, in the order of the values in a row. An error rejects the file.
    fn header(&mut self, names: Vec<String>) -> Result<(), String>;
    /// Skips the row at the cursor.
    fn row(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonStop>;
    /// Past a row at `at` that [`Self::row`] couldn't read, and that is refused alone.
    fn invalid(&mut self, text: &str, at: Range<usize>, reason: String);
}
