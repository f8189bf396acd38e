//! Schema drift: the policy for files whose columns differ from the declared ones, and the limits on rejected
//! rows.
//!
//! [`judge`] decides once all files of a scan are known, because one file alone doesn't show whether a column
//! was added or renamed. Pure: reads nothing, reports nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::{damage::DamagedFiles, sample::SchemaSample};
use crate::diag::near;

/// The declared drift policy of a source, and what earlier loads found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// The policy for a declared column that a file lacks.
    pub on_missing_column: OnMissingColumn,
    /// The policy for an undeclared column. `None` means the format's default.
    pub on_new_column: Option<OnNewColumn>,
    /// The limits on rejected rows.
    pub max_rejected: MaxRejected,
    /// The columns that `on_new_column: add` found in the files. They are read like declared ones, but a file
    /// may lack them.
    pub added: Vec<String>,
    /// True if columns and types were inferred from files. Then a value that would have led to another type
    /// doesn't fit, because converting it could change it.
    pub is_inferred: bool,
    /// The deviations of the files loaded earlier from the declared columns.
    pub earlier: Vec<Deviation>,
    /// For a Parquet or Avro source without declared columns that reads only some of its files: the columns
    /// of all files together.
    pub known: Vec<(String, DataType)>,
    /// True if the rows are added to those of earlier files. Then a run may fail without leaving an empty
    /// table.
    pub is_addition: bool,
    /// True if findings are only reported and never errors, for inspecting a source.
    pub is_lenient: bool,
    /// The files found to be damaged.
    pub damaged: DamagedFiles,
    /// The state of columns inferred from a sample of the files. The first full scan must confirm them.
    pub sample: SchemaSample,
}

/// The policy for a declared column that a file lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMissingColumn {
    /// An error if no file has the column, or if the file has an undeclared one in its place. Otherwise NULL,
    /// with a warning.
    #[default]
    Auto,
    /// An error.
    Fail,
    /// NULL, without a warning.
    Null,
    /// The file is rejected.
    RejectFile,
}

/// The policy for an undeclared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNewColumn {
    /// The column isn't read, with a warning.
    Warn,
    /// The column isn't read, without a warning.
    Ignore,
    /// An error.
    Fail,
    /// The column's values go to `_rescued`, as JSON.
    Rescue,
    /// The column becomes a column of the source.
    Add,
}

/// The limits on rejected rows. By default up to half of a file's rows, and fewer than all of a run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaxRejected {
    /// The limit for each file.
    pub per_file: Option<Limit>,
    /// The limit for all files that a run reads.
    pub per_run: Option<Limit>,
}

/// A maximum number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Millionths of the rows read.
    Share(u32),
    /// A number of rows.
    Rows(u64),
}

/// The deviation of a file's columns from the declared ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deviation {
    /// The declared columns that the file lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The file's undeclared columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
}

/// The columns found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileColumns {
    pub(crate) file: String,
    /// The number of valid rows, if known.
    pub(crate) rows: Option<u64>,
    /// The file's own columns, as it spells them.
    pub(crate) own: Vec<String>,
    pub(crate) deviation: Deviation,
}

impl Deviation {
    /// Returns whether the columns are exactly the declared ones.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.new.is_empty()
    }
}

impl Limit {
    const MILLION: u128 = 1_000_000;

    /// Returns whether `rejected` of `rows` rows exceed the limit.
    #[must_use]
    pub fn is_passed(self, rejected: u64, rows: u64) -> bool {
        match self {
            Self::Share(millionths) => {
                u128::from(rejected) * Self::MILLION > u128::from(rows) * u128::from(millionths)
            }
            Self::Rows(limit) => rejected > limit,
        }
    }
}

/// Formats as in YAML: `10%` or `100`.
impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(millionths) => write!(f, "{}%", f64::from(*millionths) / 10_000.0),
            Self::Rows(rows) => write!(f, "{rows}"),
        }
    }
}

impl Drift {
    /// Returns whether the values of undeclared columns go to `_rescued`.
    pub(crate) fn is_rescuing(&self) -> bool {
        self.on_new_column == Some(OnNewColumn::Rescue)
    }

    /// Describes everything that affects which rows and columns are read, for a fingerprint. Defaults add
    /// nothing.
    pub(super) fn describe(&self) -> String {
        let mut text = String::new();
        if self.on_missing_column != OnMissingColumn::Auto {
            text.extend([" missing ", &format!("{:?}", self.on_missing_column)]);
        }
        if let Some(on_new) = self.on_new_column.filter(|on_new| *on_new != OnNewColumn::Warn) {
            text.extend([" new ", &format!("{on_new:?}"), " ", &self.added.join(", ")]);
        }
        text
    }

    /// Returns why a file is an error by itself, whatever other files have.
    pub(crate) fn refuse(
        &self,
        on_new: OnNewColumn,
        declared: &[String],
        file: &FileColumns,
    ) -> Option<String> {
        let FileColumns { deviation, .. } = file;
        if self.on_missing_column == OnMissingColumn::Fail
            && let Some(missing) = deviation.missing.first()
        {
            let what = format!("{} lacks the declared column `{missing}`", file.file);
            return Some(explained(&what, declared, file, &deviation.new, "on_missing_column"));
        }
        if on_new == OnNewColumn::Fail
            && let Some(new) = deviation.new.first()
        {
            let what = format!("{} has the column `{new}`, which isn't declared", file.file);
            return Some(explained(&what, declared, file, &[], "on_new_column"));
        }
        None
    }
}

/// Applies the policy to the files of a scan, and returns notes for the user.
///
/// # Errors
/// If a missing column is an error. The message lists the declared and the found columns.
pub(crate) fn judge(
    drift: &Drift,
    on_new: OnNewColumn,
    declared: &[String],
    files: &[FileColumns],
) -> Result<Vec<String>, String> {
    let mut notes = Vec::new();
    if drift.on_missing_column == OnMissingColumn::Auto {
        for column in declared {
            notes.extend(missing(drift, Some(declared), column, files)?);
        }
    }
    if on_new == OnNewColumn::Warn {
        let new: BTreeSet<&String> = files.iter().flat_map(|file| &file.deviation.new).collect();
        for column in new {
            let having: Vec<&FileColumns> =
                files.iter().filter(|file| file.deviation.new.contains(column)).collect();
            notes.push(format!("the column `{column}` isn't declared and isn't read: {}", extent(&having)));
        }
    }
    Ok(notes)
}

/// Applies the policy to one column that some files may lack. If no columns are declared, it is a column of
/// other files.
///
/// # Errors
/// If the missing column is an error. The message lists the columns of both sides.
pub(crate) fn missing(
    drift: &Drift,
    declared: Option<&[String]>,
    column: &String,
    files: &[FileColumns],
) -> Result<Option<String>, String> {
    let (lacking, having): (Vec<&FileColumns>, Vec<_>) =
        files.iter().partition(|file| file.deviation.missing.contains(column));
    let Some(first) = lacking.first() else { return Ok(None) };
    let here = having.iter().map(|file| &file.deviation);
    let before = drift.earlier.iter().filter(|earlier| !earlier.missing.contains(column));
    let others: Vec<&Deviation> = here.chain(before).collect();
    // A new column that also exists in files with the missing one isn't its replacement.
    let beside: BTreeSet<&String> = others.iter().flat_map(|other| &other.new).collect();
    let in_place = |file: &FileColumns| -> Vec<String> {
        file.deviation.new.iter().filter(|new| !beside.contains(new)).cloned().collect()
    };
    if let Some((file, new)) =
        lacking.iter().map(|file| (file, in_place(file))).find(|(_, new)| !new.is_empty())
    {
        let near = near::names(column, new.iter().map(String::as_str));
        let (likely, word) = match near.first() {
            Some(likely) => (*likely, ""),
            None => (new[0].as_str(), if new.len() == 1 { "" } else { "for example " }),
        };
        let Some(declared) = declared else {
            let expected: Vec<String> = beside.into_iter().cloned().collect();
            return Err(renamed(file, column, &format!("{word}`{likely}`"), &expected));
        };
        let what = format!(
            "{} lacks the declared column `{column}`, and has {word}`{likely}`, which isn't declared, in its place",
            file.file
        );
        return Err(explained(&what, declared, file, &new, "on_missing_column"));
    }
    if let Some(declared) = declared.filter(|_| others.is_empty()) {
        let what = match files {
            [_] => format!("{} lacks the declared column `{column}`", first.file),
            _ => format!("no file has the declared column `{column}`; the first is {}", first.file),
        };
        return Err(explained(&what, declared, first, &[], "on_missing_column"));
    }
    let rows: Option<u64> = lacking.iter().map(|file| file.rows).sum();
    let rows = match rows {
        None => String::new(),
        Some(1) => "1 row of ".to_owned(),
        Some(rows) => format!("{rows} rows of "),
    };
    Ok(Some(format!("the column `{column}` is NULL in {rows}files that lack it: {}", extent(&lacking))))
}

/// Formats as `3 files, such as data/a.csv`.
fn extent(files: &[&FileColumns]) -> String {
    match files {
        [] => "no file".to_owned(),
        [file] => file.file.clone(),
        [file, ..] => format!("{} files, such as {}", files.len(), file.file),
    }
}

/// Formats names as a list for a message.
fn list(names: &[String]) -> String {
    let some = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 if names.is_empty() => "none".to_owned(),
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

/// Returns the message for a file that, without declared columns, has another column in the place of one that
/// other files have.
fn renamed(file: &FileColumns, column: &str, new: &str, expected: &[String]) -> String {
    let FileColumns { file: name, own, .. } = file;
    format!(
        "{name} lacks the column `{column}` that other files have, and has {new} in its place\n  in other files: {}\n  in \
         the file: {}\n  hint: if it was renamed, rename it in the file; or list the `columns:`; or set \
         `on_missing_column: null` to read NULL",
        list(expected),
        list(own)
    )
}

fn explained(what: &str, declared: &[String], file: &FileColumns, new: &[String], key: &str) -> String {
    let hint = match (delimiter(&file.own), key) {
        (Some(delimiter), _) => format!(
            "the file has one column, `{}`: its delimiter may be {delimiter}; set `delimiter` under `options:`",
            file.own[0]
        ),
        (None, "on_new_column") => {
            "declare the column, or set `on_new_column` to warn, ignore, rescue or add".to_owned()
        }
        (None, _) if new.is_empty() => {
            "declare the columns that the files have, or set `on_missing_column: null` to read NULL"
                .to_owned()
        }
        (None, _) => {
            "if it was renamed, rename it in `columns:` too; or set `on_missing_column: null` to read NULL"
                .to_owned()
        }
    };
    format!("{what}\n  declared: {}\n  in the file: {}\n  hint: {hint}", list(declared), list(&file.own))
}

/// The maximum number of columns that a message lists.
const LISTED: usize = 20;

/// Returns the likely delimiter of a header that was read as a single name.
fn delimiter(own: &[String]) -> Option<&'static str> {
    let [only] = own else { return None };
    [(';', "`;`"), ('\t', "a tab"), ('|', "`|`"), (',', "`,`")]
        .into_iter()
        .find(|(sign, _)| only.contains(*sign))
        .map(|(_, shown)| shown)
}
