//! Seed inspection: reads a CSV file from its first byte to its last, and finds its column names, the type of
//! each column (unless declared), and every fault.
//!
//! - here: the walk over the file
//! - `fault`: the faults in it
//! - `inference`: the type of a column
//!
//! Builds no rows; they are read afterwards, like those of any CSV source. Start at [`header`], then
//! [`types`].

mod fault;
mod inference;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, ops::Range};

use datafusion::arrow::datatypes::DataType;

pub use self::fault::{SeedFault, SeedFaults};
use self::inference::SeedInference;
use super::{
    excerpt::excerpt,
    json::Cursor,
    kind::ColumnKind,
    spec::{DateUnit, Nulls, SOURCE_FILE, SOURCE_ROW, SourceFormat},
    text::{Csv, CsvField},
};

/// The number of a value's bytes that a message quotes.
const QUOTED: usize = 80;

/// The format of a seed's file.
#[derive(Debug, Clone)]
pub struct SeedFormat {
    /// The separator between two values.
    pub delimiter: u8,
    /// The quote around values that contain delimiters or line ends.
    pub quote: u8,
    /// The texts that are NULL.
    pub nulls: Nulls,
}

/// A column's name, as in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedHeading {
    pub name: String,
    /// The byte range in the text.
    pub at: Range<usize>,
}

impl SeedFormat {
    /// Returns the format of the source that reads such a file.
    #[must_use]
    pub fn source(&self) -> SourceFormat {
        let Self { delimiter, quote, nulls } = self.clone();
        SourceFormat::Csv {
            delimiter: Some(delimiter),
            header: Some(true),
            quote: Some(quote),
            nulls: Some(nulls),
        }
    }

    fn csv(&self) -> Csv {
        let Self { delimiter, quote, nulls } = self.clone();
        Csv { delimiter, header: true, quote, newline: b'\n', nulls: Some(nulls) }
    }
}

/// Returns the names of the columns.
///
/// # Errors
/// If the file has no header, if a column has no name, or if Delta would treat two names as equal.
pub fn header(text: &str, format: &SeedFormat) -> Result<Vec<SeedHeading>, SeedFaults> {
    let (headings, _) = headed(text, &format.csv())?;
    let (mut faults, mut seen) = (SeedFaults::default(), HashSet::with_capacity(headings.len()));
    for (at, heading) in headings.iter().enumerate() {
        let lower = heading.name.to_lowercase();
        let problem = if lower.is_empty() {
            Some(("seed-header", format!("column {} has no name", at + 1), "name every column in the header"))
        } else if [SOURCE_FILE, SOURCE_ROW].contains(&heading.name.as_str()) {
            let message =
                format!("a column can't be called `{}`, because that name is reserved", heading.name);
            Some(("seed-header", message, "rename the column in the header"))
        } else if !seen.insert(lower) {
            let message = format!("two columns are called `{}`", heading.name);
            Some((
                "duplicate-column",
                message,
                "rename one of them in the header; case does not tell them apart",
            ))
        } else {
            None
        };
        if let Some((code, message, cure)) = problem {
            faults.add(code, message, heading.at.clone(), cure.to_owned());
        }
    }
    faults.or(headings)
}

/// Returns the type of each column: the one in `declared`, or the one that dbt infers from all of its values.
///
/// # Errors
/// For every row that can't be read: too many or too few values, misplaced quotes, or a value that doesn't
/// fit the declared type.
pub fn types(
    text: &str,
    format: &SeedFormat,
    declared: &[Option<DataType>],
) -> Result<Vec<DataType>, SeedFaults> {
    let csv = format.csv();
    let (headings, mut cursor) = headed(text, &csv)?;
    let mut columns: Vec<SeedColumn> = headings
        .into_iter()
        .enumerate()
        .map(|(at, heading)| SeedColumn::new(heading.name, declared.get(at).cloned().flatten()))
        .collect();
    let (width, delimiter) = (columns.len(), char::from(format.delimiter));
    let mut faults = SeedFaults::default();
    loop {
        // In a file with a single column, an empty line is a row whose only value is empty.
        if width > 1 && csv.blank(&mut cursor) == Ok(true) {
            continue;
        }
        if cursor.byte().is_none() {
            break;
        }
        let (start, mut found, mut fault) = (cursor.at, 0, None);
        let read = csv.record(&mut cursor, |place, field| {
            found = place + 1;
            if let (Some(column), None) = (columns.get_mut(place), &fault) {
                fault = column.see(field, &csv);
            }
        });
        if let Err(stop) = read {
            faults.unended(&cursor, &stop);
            break;
        }
        if found != width {
            let (verb, values) = if found == 1 { ("is", "value") } else { ("are", "values") };
            let columns = if width == 1 { "column" } else { "columns" };
            let message = format!("there {verb} {found} {values} here for {width} {columns}");
            let cure = if found > width {
                format!("put quotes around a value that holds a `{delimiter}`")
            } else {
                format!(
                    "write a `{delimiter}` for each value that is missing, or set `delimiter` if it is another"
                )
            };
            let end = start + text[start..cursor.at].trim_end_matches(['\r', '\n']).len();
            fault = Some(SeedFault { code: "seed-row", message, at: start..end, cure });
        }
        if let Some(fault) = fault {
            faults.push(fault);
        }
    }
    faults.or(columns.into_iter().map(SeedColumn::data_type).collect())
}

/// Parses the header. The cursor is behind it.
fn headed<'a>(text: &'a str, csv: &Csv) -> Result<(Vec<SeedHeading>, Cursor<'a>), SeedFaults> {
    let mut cursor = Cursor::new(text, true);
    let mut faults = SeedFaults::default();
    while csv.blank(&mut cursor) == Ok(true) {}
    if cursor.byte().is_none() {
        let cure = "a seed begins with a line that names its columns";
        faults.add("empty-seed", "the file is empty".to_owned(), 0..0, cure.to_owned());
        return Err(faults);
    }
    let mut headings = Vec::new();
    let read = csv.record(&mut cursor, |_, field| {
        headings.push(SeedHeading { name: field.text.trim().to_owned(), at: field.start..field.end });
        if field.torn {
            faults.push(torn(field, csv));
        }
    });
    if let Err(stop) = read {
        faults.unended(&cursor, &stop);
    }
    faults.or((headings, cursor))
}

/// A column during the inspection.
enum SeedColumn {
    Declared { name: String, kind: Option<ColumnKind>, data_type: DataType },
    Open(SeedInference),
}

impl SeedColumn {
    fn new(name: String, declared: Option<DataType>) -> Self {
        match declared {
            Some(data_type) => Self::Declared { name, kind: ColumnKind::from_arrow(&data_type), data_type },
            None => Self::Open(SeedInference::new()),
        }
    }

    /// Adds a value, and returns the fault if there is one.
    fn see(&mut self, field: &CsvField<'_>, csv: &Csv) -> Option<SeedFault> {
        if field.torn {
            return Some(torn(field, csv));
        }
        match self {
            Self::Open(inference) => {
                if !csv.is_null(field, false) {
                    inference.see(&field.text);
                }
                None
            }
            Self::Declared { name, kind: Some(kind), .. } => {
                let fits = csv.token(field, *kind).fit(*kind, DateUnit::default()).is_some();
                (!fits).then(|| SeedFault {
                    code: "seed-value",
                    message: format!(
                        "`{}` is not {kind}, which column `{name}` is declared to be",
                        excerpt(field.text.as_bytes(), QUOTED)
                    ),
                    at: field.start..field.end,
                    cure: "correct it, give the column another type in `column_types`, or add it to `null_values`"
                        .to_owned(),
                })
            }
            Self::Declared { .. } => None,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Declared { data_type, .. } => data_type,
            Self::Open(inference) => inference.data_type(),
        }
    }
}

fn torn(field: &CsvField<'_>, csv: &Csv) -> SeedFault {
    let quote = char::from(csv.quote);
    SeedFault {
        code: "seed-quote",
        message: "unexpected text after a closing quote".to_owned(),
        at: field.start..field.end,
        cure: format!("write a quote that belongs to a value twice: `{quote}{quote}`"),
    }
}
