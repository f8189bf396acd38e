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

use super::{RecordBatch, row_output, test_query::shown};

/// The differences between expected and actual rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The number of rows that are as expected.
    pub equal: usize,
    columns: Vec<String>,
    numbers: Vec<bool>,
    rows: Vec<RowDifference>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RowDifference {
    /// An expected row that is missing.
    Missing(Cells),
    /// An unexpected row.
    Surplus(Cells),
    /// A row with other cells than expected: the expected cells and the actual ones.
    Changed(Cells, Cells),
}

type Cells = Vec<Option<String>>;

/// The maximum number of rows that are listed.
const LISTED: usize = 20;
/// The relative tolerance for floating-point numbers; closer numbers count as equal.
const TOLERANCE: f64 = 1e-9;

impl Diff {
    /// Returns whether there are no differences.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Formats the differences as an aligned table, followed by a line with their counts.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let head = std::iter::once(String::new()).chain(self.columns.iter().cloned()).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        rows.extend(self.rows.iter().take(LISTED).map(RowDifference::cells));
        let right: Vec<bool> = std::iter::once(false).chain(self.numbers.iter().copied()).collect();
        let mut lines = row_output::align(&rows, &right);
        if self.rows.len() > LISTED {
            lines.push(format!("… and {} more", self.rows.len() - LISTED));
        }
        lines.push(self.total());
        lines
    }

    fn total(&self) -> String {
        let count = |of: fn(&RowDifference) -> bool| self.rows.iter().filter(|row| of(row)).count();
        let counts = [
            (count(|row| matches!(row, RowDifference::Changed(..))), "changed"),
            (count(|row| matches!(row, RowDifference::Missing(_))), "missing"),
            (count(|row| matches!(row, RowDifference::Surplus(_))), "surplus"),
            (self.equal, "as expected"),
        ];
        let told = counts.iter().filter(|(number, _)| *number > 0);
        told.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
    }
}

impl RowDifference {
    fn cells(&self) -> Vec<String> {
        let plain = |mark: &str, cells: &Cells| {
            let cells = cells.iter().map(|cell| shown(cell.as_deref()));
            std::iter::once(mark.to_owned()).chain(cells).collect()
        };
        match self {
            Self::Missing(cells) => plain("-", cells),
            Self::Surplus(cells) => plain("+", cells),
            Self::Changed(expected, actual) => {
                let cells = expected.iter().zip(actual).map(|(expected, actual)| {
                    let (before, after) = (shown(expected.as_deref()), shown(actual.as_deref()));
                    if same(expected.as_deref(), actual.as_deref()) {
                        before
                    } else {
                        format!("{before} → {after}")
                    }
                });
                std::iter::once("≠".to_owned()).chain(cells).collect()
            }
        }
    }
}

/// Compares two batches of the same columns in the same order.
pub fn diff(expected: &RecordBatch, actual: &RecordBatch) -> Result<Diff> {
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
    let schema = expected.schema();
    let rows = changed
        .into_iter()
        .map(|(expected, actual)| RowDifference::Changed(expected, actual))
        .chain(missing.into_iter().map(RowDifference::Missing))
        .chain(surplus.into_iter().map(RowDifference::Surplus))
        .collect();
    Ok(Diff {
        equal,
        columns: schema.fields().iter().map(|field| field.name().clone()).collect(),
        numbers: schema.fields().iter().map(|field| field.data_type().is_numeric()).collect(),
        rows,
    })
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
    let cell =
        |row: usize, at: usize| (!columns[at].is_null(row)).then(|| formatters[at].value(row).to_string());
    Ok((0..rows).map(|row| (0..columns.len()).map(|at| cell(row, at)).collect()).collect())
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

    fn compared(expected: &str, actual: &str) -> Diff {
        diff(&rows(expected), &rows(actual)).unwrap()
    }

    #[test]
    fn neither_order_nor_the_last_digits_matter() {
        let one = "2024-01-01,a,0.3\n2024-01-02,b,\n2024-01-02,b,\n";
        let other = "2024-01-02,b,\n2024-01-02,b,\n2024-01-01,a,0.30000000000000004\n";
        assert!(compared(one, other).is_empty());
        assert!(
            !compared(one, "2024-01-02,b,\n2024-01-01,a,0.3\n").is_empty(),
            "how often a row occurs does"
        );
    }

    #[test]
    fn differences_are_shown_cell_by_cell() {
        let expected =
            "2024-01-01,Fixed,1.5\n2024-01-01,Variable,2.5\n2024-01-02,Fixed,3\n2024-01-03,Fixed,4\n";
        let actual =
            "2024-01-03,Fixed,4\n2024-01-01,Variable,\n2024-01-01,Fixed,1.25\n2025-12-31,Heat pump,12\n";
        insta::assert_snapshot!(compared(expected, actual).lines().join("\n"), @r"
           day         product           kwh
        ─  ──────────  ─────────  ──────────
        ≠  2024-01-01  Fixed      1.5 → 1.25
        ≠  2024-01-01  Variable      2.5 → ·
        -  2024-01-02  Fixed             3.0
        +  2025-12-31  Heat pump        12.0
        2 changed, 1 missing, 1 surplus, 1 as expected
        ");
    }

    #[test]
    fn of_many_differences_the_first_are_listed() {
        let expected: Vec<String> = (1..=25).map(|n| format!("2024-01-{n:02},p{n},{n}")).collect();
        let lines = compared(&expected.join("\n"), "").lines();
        assert_eq!(lines.len(), 24);
        assert_eq!(lines[22..], ["… and 5 more", "25 missing"]);
    }
}
