//! The rows that a test found.

use serde::Serialize;

use crate::outcome::{Cells, DifferenceCounts, RowDifference, RowSample, SampleColumn, SampleRow};

/// The first rows that a test found, or the first differences to the expected ones.
#[derive(Serialize)]
pub(super) struct SampleJson<'a> {
    columns: Vec<ColumnJson<'a>>,
    rows: Vec<RowJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<DifferencesJson>,
}

#[derive(Serialize)]
struct ColumnJson<'a> {
    name: &'a str,
    is_number: bool,
}

/// A row, whose values are texts or null.
#[derive(Serialize)]
struct RowJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<&'static str>,
    cells: &'a Cells,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a Cells>,
}

/// The numbers of rows in a comparison.
#[derive(Serialize)]
struct DifferencesJson {
    changed: usize,
    missing: usize,
    surplus: usize,
    equal: usize,
}

impl<'a> From<&'a RowSample> for SampleJson<'a> {
    fn from(RowSample { columns, rows, differences }: &'a RowSample) -> Self {
        Self {
            columns: columns.iter().map(ColumnJson::from).collect(),
            rows: rows.iter().map(RowJson::from).collect(),
            differences: differences.map(DifferencesJson::from),
        }
    }
}

impl<'a> From<&'a SampleColumn> for ColumnJson<'a> {
    fn from(column: &'a SampleColumn) -> Self {
        Self { name: &column.name, is_number: column.is_number }
    }
}

impl<'a> From<&'a SampleRow> for RowJson<'a> {
    fn from(SampleRow { difference, cells, expected }: &'a SampleRow) -> Self {
        Self { difference: difference.map(word), cells, expected: expected.as_ref() }
    }
}

impl From<DifferenceCounts> for DifferencesJson {
    fn from(DifferenceCounts { changed, missing, surplus, equal }: DifferenceCounts) -> Self {
        Self { changed, missing, surplus, equal }
    }
}

fn word(difference: RowDifference) -> &'static str {
    match difference {
        RowDifference::Changed => "changed",
        RowDifference::Missing => "missing",
        RowDifference::Surplus => "surplus",
    }
}
