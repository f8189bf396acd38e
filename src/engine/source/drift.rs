//! Schema drift: what is done where the columns of a file aren't the declared ones, and how many rows may be rejected.
//!
//! [`judge`] decides once all files of a scan are known: whether a column came later or was renamed can't be told from
//! one file. Pure: reads nothing, reports nothing.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::{damage::DamagedFiles, sample::Sample};
use crate::diag::near;

/// What is declared about files that drift.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// What is done about a declared column that a file lacks.
    pub on_missing_column: OnMissingColumn,
    /// What is done about a column that isn't declared; if not said, it depends on the format.
    pub on_new_column: Option<OnNewColumn>,
    /// How many rows may be rejected.
    pub max_rejected: MaxRejected,
    /// The columns that `on_new_column: add` found in the files: they are read as the declared ones are, but need not be in
    /// every file.
    pub added: Vec<String>,
    /// Whether the columns and their types were inferred from files: a value that would have made its column another type
    /// doesn't fit, since converting it could change it.
    pub is_inferred: bool,
    /// How files that were loaded before differ from what is declared.
    pub earlier: Vec<Deviation>,
    /// Of a Parquet or Avro source that declares no columns: those that all its files have together, where only some of
    /// the files are read.
    pub known: Vec<(String, DataType)>,
    /// Whether the rows join those of earlier files: then a run may come to nothing without leaving an empty table.
    pub is_addition: bool,
    /// Whether findings are only reported, never errors: for looking at a source.
    pub is_lenient: bool,
    /// The files that turned out to be damaged.
    pub damaged: DamagedFiles,
    /// Whether the columns were found in a sample of the files, which the first scan has to bear out.
    pub sample: Sample,
}

/// What is done about a declared column that a file lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnMissingColumn {
    /// An error if no file has it or if the file has an undeclared one in its place; else NULL, with a warning.
    #[default]
    Auto,
    /// An error.
    Fail,
    /// NULL, without a word.
    Null,
    /// The file is set aside.
    RejectFile,
}

/// What is done about a column that isn't declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNewColumn {
    /// It isn't read, with a warning.
    Warn,
    /// It isn't read, without a word.
    Ignore,
    /// An error.
    Fail,
    /// Its values go to `_rescued`, as JSON.
    Rescue,
    /// It becomes a column of the source.
    Add,
}

/// How many of the rows that are read may be rejected; where nothing is said, half of a file's and fewer than all of a run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaxRejected {
    /// Of each file.
    pub per_file: Option<Limit>,
    /// Of all files that a run reads.
    pub per_run: Option<Limit>,
}

/// How many rows are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many millionths of the rows that are read.
    Share(u32),
    /// So many rows.
    Rows(u64),
}

/// How the columns of a file differ from the declared ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deviation {
    /// The declared columns that it lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Its undeclared columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
}

/// What the columns of a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileColumns {
    pub(crate) file: String,
    /// Rows that are used, if that is known.
    pub(crate) rows: Option<u64>,
    /// Its own columns, as it names them.
    pub(crate) own: Vec<String>,
    pub(crate) deviation: Deviation,
}

impl Deviation {
    /// Returns whether the columns are those that are declared.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.new.is_empty()
    }
}

impl Limit {
    const MILLION: u128 = 1_000_000;

    /// Returns whether so many rejected rows are more than is allowed of `rows`.
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

/// As it is written in YAML: `10%` or `100`.
impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Share(millionths) => write!(f, "{}%", f64::from(*millionths) / 10_000.0),
            Self::Rows(rows) => write!(f, "{rows}"),
        }
    }
}

impl Drift {
    /// Returns whether values of undeclared columns go to a column of their own.
    pub(crate) fn is_rescuing(&self) -> bool {
        self.on_new_column == Some(OnNewColumn::Rescue)
    }

    /// All that decides which rows and columns are read, for a fingerprint; nothing where nothing is said.
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

    /// Why one file is an error by itself, whatever others have.
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

/// Decides about the files of a scan: what is to be said of them.
///
/// # Errors
/// If a declared column is missing in a way that is an error, with the columns of both sides.
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

/// Decides about one column, where some files may lack it. If no columns are declared, it is one that other files have.
///
/// # Errors
/// If that is an error, with the columns of both sides.
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
    // A column that files with the declared one have too is not in its place.
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

/// `3 files, such as data/a.csv`.
fn extent(files: &[&FileColumns]) -> String {
    match files {
        [] => "no file".to_owned(),
        [file] => file.file.clone(),
        [file, ..] => format!("{} files, such as {}", files.len(), file.file),
    }
}

/// Names, as a message lists them.
fn list(names: &[String]) -> String {
    let some = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 if names.is_empty() => "none".to_owned(),
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

/// A file has another column in the place of one that other files have; none is declared.
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

/// Columns that a message lists.
const LISTED: usize = 20;

/// The sign that seems to separate the fields of a header which was read as a single name.
fn delimiter(own: &[String]) -> Option<&'static str> {
    let [only] = own else { return None };
    [(';', "`;`"), ('\t', "a tab"), ('|', "`|`"), (',', "`,`")]
        .into_iter()
        .find(|(sign, _)| only.contains(*sign))
        .map(|(_, shown)| shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, own: &[&str]) -> FileColumns {
        let declared = ["id", "amount"];
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let missing = declared.into_iter().filter(|name| !own.contains(name)).collect();
        let new = own.iter().copied().filter(|name| !declared.contains(name)).collect();
        let deviation = Deviation { missing: owned(missing), new: owned(new) };
        FileColumns { file: name.to_owned(), rows: Some(2), own: owned(own.to_vec()), deviation }
    }

    fn judged(drift: &Drift, files: &[FileColumns]) -> String {
        let declared = ["id".to_owned(), "amount".to_owned()];
        match judge(drift, OnNewColumn::Warn, &declared, files) {
            Ok(notes) => notes.join("\n"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_renamed_column_is_an_error_with_both_headers() {
        let files = [file("a.csv", &["id", "amount"]), file("b.csv", &["id", "amount_eur"])];
        insta::assert_snapshot!(judged(&Drift::default(), &files));
        let by_null = Drift { on_missing_column: OnMissingColumn::Null, ..Drift::default() };
        insta::assert_snapshot!(judged(&by_null, &files), @"the column `amount_eur` isn't declared and isn't read: b.csv");
    }

    #[test]
    fn a_column_that_no_file_has_is_an_error() {
        insta::assert_snapshot!(judged(&Drift::default(), &[file("a.csv", &["id"])]));
        insta::assert_snapshot!(judged(&Drift::default(), &[file("a.csv", &["id;amount"])]));
    }

    #[test]
    fn a_column_that_came_later_is_null_with_a_warning() {
        let files = [file("a.csv", &["id"]), file("b.csv", &["id", "amount"]), file("c.csv", &["id"])];
        insta::assert_snapshot!(judged(&Drift::default(), &files), @"the column `amount` is NULL in 4 rows of files that lack it: 2 files, such as a.csv");
        let earlier = Drift { earlier: vec![Deviation::default()], ..Drift::default() };
        insta::assert_snapshot!(judged(&earlier, &files[..1]), @"the column `amount` is NULL in 2 rows of files that lack it: a.csv");
    }

    #[test]
    fn an_undeclared_column_that_all_files_have_is_in_nobodys_place() {
        let files = [file("a.csv", &["id", "x"]), file("b.csv", &["id", "x", "amount"])];
        insta::assert_snapshot!(judged(&Drift::default(), &files));
        let earlier = Deviation { missing: Vec::new(), new: vec!["x".to_owned()] };
        let earlier = Drift { earlier: vec![earlier], ..Drift::default() };
        assert!(judged(&earlier, &files[..1]).starts_with("the column `amount` is NULL"));
    }

    #[test]
    fn limits_are_shares_or_counts() {
        assert!(!Limit::Share(500_000).is_passed(1, 2) && Limit::Share(500_000).is_passed(2, 3));
        assert!(!Limit::Rows(2).is_passed(2, 9) && Limit::Rows(2).is_passed(3, 9));
        assert!(!Limit::Share(1_000_000).is_passed(5, 5) && Limit::Rows(0).is_passed(1, 9));
        assert_eq!(
            (Limit::Share(100_000).to_string(), Limit::Share(1_500).to_string()),
            ("10%".into(), "0.15%".into())
        );
    }
}
