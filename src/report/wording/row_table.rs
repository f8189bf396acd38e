//! Row tables: the rows of a sample as aligned lines.

use crate::{
    engine::rows::output::{align, one_line},
    outcome::{Cells, DifferenceCounts, RowDifference, RowSample, SampleRow},
};

/// The maximum width of a printed value; longer values are truncated.
const WIDEST: usize = 40;

/// Formats the rows as an aligned table with a header of column names. The rows of a comparison have a mark
/// in front, and a line with their counts follows.
pub(in crate::report) fn lines(sample: &RowSample) -> Vec<String> {
    let names = sample.columns.iter().map(|column| column.name.clone());
    let numbers = sample.columns.iter().map(|column| column.is_number);
    let Some(counts) = sample.differences else {
        if sample.rows.is_empty() {
            return Vec::new();
        }
        let mut rows: Vec<Vec<String>> = vec![names.collect()];
        rows.extend(sample.rows.iter().map(|row| shown_cells(&row.cells)));
        return align(&rows, &numbers.collect::<Vec<_>>());
    };
    let mut rows: Vec<Vec<String>> = vec![std::iter::once(String::new()).chain(names).collect()];
    rows.extend(sample.rows.iter().map(compared));
    let mut lines = align(&rows, &std::iter::once(false).chain(numbers).collect::<Vec<_>>());
    let more = counts.total().saturating_sub(sample.rows.len());
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines.push(total(&counts));
    lines
}

fn total(counts: &DifferenceCounts) -> String {
    let counts = [
        (counts.changed, "changed"),
        (counts.missing, "missing"),
        (counts.surplus, "surplus"),
        (counts.equal, "as expected"),
    ];
    let shown = counts.iter().filter(|(number, _)| *number > 0);
    shown.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

/// Returns the cells of a row of a comparison, after its mark.
fn compared(row: &SampleRow) -> Vec<String> {
    let mark = match row.difference {
        Some(RowDifference::Changed) => "≠",
        Some(RowDifference::Missing) => "-",
        Some(RowDifference::Surplus) => "+",
        None => "",
    };
    let cells = match &row.expected {
        None => shown_cells(&row.cells),
        Some(expected) => {
            let pairs = expected.iter().zip(&row.cells).map(|(expected, actual)| {
                let before = shown(expected.as_deref());
                if expected == actual { before } else { format!("{before} → {}", shown(actual.as_deref())) }
            });
            pairs.collect()
        }
    };
    std::iter::once(mark.to_owned()).chain(cells).collect()
}

fn shown_cells(cells: &Cells) -> Vec<String> {
    cells.iter().map(|cell| shown(cell.as_deref())).collect()
}

/// Formats a value for a table: on one line, truncated, with `·` for NULL.
fn shown(cell: Option<&str>) -> String {
    let text = one_line(cell.unwrap_or("·"));
    if text.chars().count() <= WIDEST {
        return text;
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::SampleColumn;

    fn columns() -> Vec<SampleColumn> {
        [("day", false), ("product", false), ("kwh", true)]
            .map(|(name, is_number)| SampleColumn { name: name.to_owned(), is_number })
            .into()
    }

    fn cells(cells: [&str; 3]) -> Cells {
        cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect()
    }

    #[test]
    fn rows_are_aligned() {
        let row = |row| SampleRow { cells: cells(row), ..SampleRow::default() };
        let rows = vec![row(["2024-01-01", "a\nb", "1.5"]), row(["2024-01-02", &"x".repeat(50), ""])];
        let sample = RowSample { columns: columns(), rows, differences: None };
        assert_eq!(
            lines(&sample),
            [
                format!("{:<10}  {:<40}  kwh", "day", "product"),
                format!("{}  {}  ───", "─".repeat(10), "─".repeat(40)),
                format!("2024-01-01  {:<40}  1.5", "a b"),
                format!("2024-01-02  {}…    ·", "x".repeat(39)),
            ]
        );
        assert!(lines(&RowSample { columns: columns(), ..RowSample::default() }).is_empty());
    }

    #[test]
    fn differences_are_shown_cell_by_cell() {
        let row = |difference, row, expected: Option<[&str; 3]>| SampleRow {
            difference: Some(difference),
            cells: cells(row),
            expected: expected.map(cells),
        };
        let rows = vec![
            row(
                RowDifference::Changed,
                ["2024-01-01", "Fixed", "1.25"],
                Some(["2024-01-01", "Fixed", "1.5"]),
            ),
            row(
                RowDifference::Changed,
                ["2024-01-01", "Variable", ""],
                Some(["2024-01-01", "Variable", "2.5"]),
            ),
            row(RowDifference::Missing, ["2024-01-02", "Fixed", "3.0"], None),
            row(RowDifference::Surplus, ["2025-12-31", "Heat pump", "12.0"], None),
        ];
        let differences = Some(DifferenceCounts { changed: 2, missing: 1, surplus: 6, equal: 1 });
        let shown = lines(&RowSample { columns: columns(), rows, differences });
        insta::assert_snapshot!(shown.join("\n"), @r"
           day         product           kwh
        ─  ──────────  ─────────  ──────────
        ≠  2024-01-01  Fixed      1.5 → 1.25
        ≠  2024-01-01  Variable      2.5 → ·
        -  2024-01-02  Fixed             3.0
        +  2025-12-31  Heat pump        12.0
        … and 5 more
        2 changed, 1 missing, 6 surplus, 1 as expected
        ");
    }
}
