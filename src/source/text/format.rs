//! The format of a text file.

use std::sync::Arc;

use super::csv_dialect::{Csv, CsvDialect};
use crate::source::{decode::TextOptions, drift::Drift, spec::DateUnit};

/// The format of a file, and the source's declarations.
#[derive(Debug, Clone)]
pub(crate) struct TextFormat {
    pub(crate) layout: RowLayout,
    pub(crate) unit: DateUnit,
    /// The compression and encoding.
    pub(crate) text: TextOptions,
    /// The declared columns that files supply.
    pub(crate) names: Arc<[String]>,
    /// The policy for files with other columns.
    pub(crate) drift: Arc<Drift>,
}

/// The layout of the rows in a file.
#[derive(Debug, Clone)]
pub(crate) enum RowLayout {
    Split,
    Records,
    Lines,
    Csv(Csv),
    /// JSON of any layout, detected for each file.
    AnyJson,
    /// CSV whose dialect is (partly) detected for each file.
    AnyCsv(CsvDialect),
}
