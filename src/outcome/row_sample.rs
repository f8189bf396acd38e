//! Row samples: a few of the rows that a test found, as data.

use serde::{Deserialize, Serialize};

/// The first rows that a test found, or the first differences to the rows that a unit test expects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSample {
    /// The columns of every row.
    pub columns: Vec<SampleColumn>,
    pub rows: Vec<SampleRow>,
    /// The number of differences of each kind, listed or not, in a comparison.
    pub differences: Option<DifferenceCounts>,
}

/// A column of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleColumn {
    pub name: String,
    /// Whether its values are numbers.
    pub is_number: bool,
}

/// The values of a row as text; NULL is `None`.
pub type Cells = Vec<Option<String>>;

/// A row of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRow {
    /// The difference that the row is, in a comparison.
    pub difference: Option<RowDifference>,
    /// The values: those found, or those expected if the row is missing.
    pub cells: Cells,
    /// The values expected instead, if the row is a changed one. Values that count as equal are the same
    /// text.
    pub expected: Option<Cells>,
}

/// A kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowDifference {
    /// An expected row with other values.
    Changed,
    /// An expected row that is missing.
    Missing,
    /// An unexpected row.
    Surplus,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceCounts {
    /// Expected rows with other values.
    pub changed: usize,
    /// Expected rows that are missing.
    pub missing: usize,
    /// Unexpected rows.
    pub surplus: usize,
    /// Rows that are as expected.
    pub equal: usize,
}

impl RowSample {
    /// Formats each row as `column = value, …`, for messages.
    pub fn named(&self) -> impl Iterator<Item = String> {
        self.rows.iter().map(|row| {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
            let pairs = self.columns.iter().zip(&row.cells);
            pairs
                .map(|(column, cell)| format!("{} = {}", column.name, value(cell)))
                .collect::<Vec<_>>()
                .join(", ")
        })
    }
}

impl DifferenceCounts {
    /// Returns the number of differences.
    #[must_use]
    pub fn total(&self) -> usize {
        self.changed + self.missing + self.surplus
    }
}
