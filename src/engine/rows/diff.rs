//! Row diff: compares two small tables for people. Lists missing rows, unexpected rows and rows with changed
//! cells; ignores the order of rows.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        compute::{can_cast_types, cast},
        util::display::{ArrayFormatter, FormatOptions},
    },
    error::Result,
};

use super::test_query::{cell, sample_columns};
use crate::{
    engine::RecordBatch,
    outcome::{Cells, DifferenceCounts, RowDifference, RowSample, SampleRow},
};

/// The maximum number of rows that are listed.
const LISTED: usize = 20;
/// The relative tolerance for floating-point numbers; closer numbers count as equal.
const TOLERANCE: f64 = 1e-9;

/// Compares two batches of the same columns in the same order. Returns the first differences, or `None` if
/// there are none.
pub fn diff(expected: &RecordBatch, actual: &RecordBatch) -> Result<Option<RowSample>> {
    let actual_columns: Vec<ArrayRef> = expected
        .columns()
        .iter()
        .zip(actual.columns())
        .map(|(expected, actual)| {
            let (from, to) = (actual.data_type(), expected.data_type());
            if from != to && can_cast_types(from, to) { Ok(cast(actual, to)?) } else { Ok(actual.clone()) }
        })
        .collect::<Result<_>>()?;
    let mut missing = texts(expected.columns(), expected.num_rows())?;
    let mut surplus = texts(&actual_columns, actual.num_rows())?;
    // Rows arrive in any order.
    surplus.sort();
    let before = missing.len();
    pair(&mut missing, &mut surplus, |expected, actual| (differing(expected, actual) == 0).then_some(0));
    let equal = before - missing.len();
    let width = expected.num_columns();
    // Rows that agree in at least half of their cells count as the same row, the closest pairs first.
    let mut changed = Vec::new();
    for allowed in 1..=width / 2 {
        changed.extend(pair(&mut missing, &mut surplus, |expected, actual| {
            (differing(expected, actual) == allowed).then_some(allowed)
        }));
    }
    let counts =
        DifferenceCounts { changed: changed.len(), missing: missing.len(), surplus: surplus.len(), equal };
    let one = |difference| move |cells| SampleRow { difference: Some(difference), cells, expected: None };
    let rows: Vec<SampleRow> = changed
        .into_iter()
        .map(|(expected, actual)| changed_row(expected, actual))
        .chain(missing.into_iter().map(one(RowDifference::Missing)))
        .chain(surplus.into_iter().map(one(RowDifference::Surplus)))
        .take(LISTED)
        .collect();
    let columns = sample_columns(&expected.schema());
    Ok((!rows.is_empty()).then_some(RowSample { columns, rows, differences: Some(counts) }))
}

fn changed_row(expected: Cells, actual: Cells) -> SampleRow {
    // Numbers that differ by rounding count as equal.
    let cell = |(expected, actual): (&Option<String>, Option<String>)| {
        if same(expected.as_deref(), actual.as_deref()) { expected.clone() } else { actual }
    };
    let cells = expected.iter().zip(actual).map(cell).collect();
    SampleRow { difference: Some(RowDifference::Changed), cells, expected: Some(expected) }
}

/// Removes matching pairs of rows from both lists and returns them.
fn pair(
    expected: &mut Vec<Cells>,
    actual: &mut Vec<Cells>,
    belong: impl Fn(&Cells, &Cells) -> Option<usize>,
) -> Vec<(Cells, Cells)> {
    let mut pairs = Vec::new();
    expected.retain(|row| match actual.iter().position(|other| belong(row, other).is_some()) {
        Some(at) => {
            pairs.push((row.clone(), actual.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

fn differing(expected: &Cells, actual: &Cells) -> usize {
    expected.iter().zip(actual).filter(|(a, b)| !same(a.as_deref(), b.as_deref())).count()
}

fn same(expected: Option<&str>, actual: Option<&str>) -> bool {
    match (expected, actual) {
        (Some(expected), Some(actual)) => expected == actual || close(expected, actual),
        (expected, actual) => expected == actual,
    }
}

/// Returns whether two texts are floating-point numbers that differ only by rounding.
fn close(expected: &str, actual: &str) -> bool {
    if !expected.contains(['.', 'e', 'E']) || !actual.contains(['.', 'e', 'E']) {
        return false;
    }
    let (Ok(expected), Ok(actual)) = (expected.parse::<f64>(), actual.parse::<f64>()) else { return false };
    (expected - actual).abs() <= TOLERANCE * expected.abs().max(actual.abs())
}

fn texts(columns: &[ArrayRef], rows: usize) -> Result<Vec<Cells>> {
    let options = FormatOptions::new();
    let formatters: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<std::result::Result<_, _>>()?;
    let text = |row: usize, at: usize| {
        (!columns[at].is_null(row)).then(|| cell(formatters[at].value(row).to_string()))
    };
    Ok((0..rows).map(|row| (0..columns.len()).map(|at| text(row, at)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema};

    use super::{
        super::{fixture, fixture::FixtureRows},
        *,
    };

    fn rows(csv: &str) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![
            Field::new("day", DataType::Date32, true),
            Field::new("product", DataType::Utf8, true),
            Field::new("kwh", DataType::Float64, true),
        ]));
        fixture::rows(FixtureRows::Csv(&format!("day,product,kwh\n{csv}")), &schema, false).unwrap()
    }

    fn compared(expected: &str, actual: &str) -> Option<RowSample> {
        diff(&rows(expected), &rows(actual)).unwrap()
    }

    #[test]
    fn neither_order_nor_the_last_digits_matter() {
        let one = "2024-01-01,a,0.3\n2024-01-02,b,\n2024-01-02,b,\n";
        let other = "2024-01-02,b,\n2024-01-02,b,\n2024-01-01,a,0.30000000000000004\n";
        assert_eq!(compared(one, other), None);
        assert!(compared(one, "2024-01-02,b,\n2024-01-01,a,0.3\n").is_some(), "how often a row occurs does");
    }

    #[test]
    fn differences_are_data() {
        let expected =
            "2024-01-01,Fixed,1.5\n2024-01-01,Variable,2.5\n2024-01-02,Fixed,3\n2024-01-03,Fixed,4\n";
        let actual =
            "2024-01-03,Fixed,4\n2024-01-01,Variable,\n2024-01-01,Fixed,1.25\n2025-12-31,Heat pump,12\n";
        let found = compared(expected, actual).unwrap();
        let cells = |cells: [Option<&str>; 3]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
        let row = |difference, row: [Option<&str>; 3], expected: Option<[Option<&str>; 3]>| SampleRow {
            difference: Some(difference),
            cells: cells(row),
            expected: expected.map(cells),
        };
        let (day, fixed, variable) = (Some("2024-01-01"), Some("Fixed"), Some("Variable"));
        assert_eq!(
            found.rows,
            [
                row(RowDifference::Changed, [day, fixed, Some("1.25")], Some([day, fixed, Some("1.5")])),
                row(RowDifference::Changed, [day, variable, None], Some([day, variable, Some("2.5")])),
                row(RowDifference::Missing, [Some("2024-01-02"), fixed, Some("3.0")], None),
                row(RowDifference::Surplus, [Some("2025-12-31"), Some("Heat pump"), Some("12.0")], None),
            ]
        );
        let counts = DifferenceCounts { changed: 2, missing: 1, surplus: 1, equal: 1 };
        assert_eq!(found.differences, Some(counts));
        let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["day", "product", "kwh"]);
        assert!(found.columns[2].is_number && !found.columns[0].is_number);
    }

    #[test]
    fn unexpected_rows_have_a_fixed_order() {
        let one = compared("", "2024-01-02,b,1\n2024-01-01,a,2\n");
        assert!(one.is_some() && one == compared("", "2024-01-01,a,2\n2024-01-02,b,1\n"));
    }

    #[test]
    fn of_many_differences_the_first_are_listed() {
        let expected: Vec<String> = (1..=25).map(|n| format!("2024-01-{n:02},p{n},{n}")).collect();
        let found = compared(&expected.join("\n"), "").unwrap();
        assert_eq!((found.rows.len(), found.differences.unwrap().missing), (LISTED, 25));
    }
}
