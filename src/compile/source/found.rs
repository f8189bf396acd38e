//! Inferred columns of sources that declare none: detected in all files on the first load and recorded, and
//! treated like declared columns from then on.

use serde::{Deserialize, Serialize};

use super::NotLooked;
use crate::{
    diag::Diagnostic,
    engine::{
        Engine,
        arrow::datatypes::DataType,
        message,
        types::{data_type, declared_name},
    },
    source::{self, InferenceDepth, InferredColumns, SchemaSample, SourceFile, SourceSpec, UnreadableSource},
    text::Span,
};

/// The kind under which the lake records a source's columns, by the source's name.
pub const FOUND_COLUMNS: &str = "sources";

/// The inferred columns of a source, as recorded in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundColumns {
    /// The read settings. A record made with other settings is ignored.
    pub reading: String,
    /// The number of files.
    pub files: u64,
    /// The number of rows.
    pub rows: u64,
    pub columns: Vec<FoundType>,
}

/// The recorded columns of a source, or why the record can't be read.
pub type RecordedColumns = Result<FoundColumns, String>;

/// An inferred column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundType {
    pub name: String,
    /// Its type, as in a declaration.
    pub data_type: String,
}

impl FoundColumns {
    /// Creates the record of the columns found in a source's files.
    #[must_use]
    pub fn new(spec: &SourceSpec, found: &InferredColumns) -> Self {
        let columns = found.columns.iter().map(|column| FoundType {
            name: column.name.clone(),
            data_type: declared_name(&column.data_type),
        });
        Self { reading: spec.reading(), files: found.files, rows: found.rows, columns: columns.collect() }
    }

    /// Parses the result of [`FoundColumns::to_text`]. Returns `None` if an incompatible version wrote it.
    ///
    /// # Errors
    /// If no version wrote it.
    pub fn of_text(text: &str) -> serde_json::Result<Option<Self>> {
        let record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        Ok(serde_json::from_value(record.into()).ok())
    }

    /// Serialises the record.
    ///
    /// # Errors
    /// None are known.
    pub fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// Returns the columns as a source would declare them, or `None` if this version doesn't know a type.
    fn declared(&self) -> Option<Vec<(String, DataType)>> {
        let one = |column: &FoundType| Some((column.name.clone(), data_type(&column.data_type).ok()?));
        self.columns.iter().map(one).collect()
    }
}

/// Returns whether a source declares none of its files' columns, so that they must be inferred.
#[must_use]
pub fn is_undeclared(spec: &SourceSpec) -> bool {
    spec.format.is_text() && spec.columns.iter().all(|(name, _)| source::is_supplied(name))
}

/// Adds the recorded columns to a source or, failing that, infers them from its files and returns them to be
/// recorded.
///
/// # Errors
/// If no file has any columns, or if one can't be read now.
pub(super) async fn complete(
    engine: &Engine,
    spec: &mut SourceSpec,
    files: Vec<SourceFile>,
    recorded: Option<&RecordedColumns>,
    at: &Span,
) -> Result<Option<FoundColumns>, NotLooked> {
    let recorded = recorded.map(|recorded| recorded.as_ref().map_err(String::clone)).transpose();
    let recorded = recorded.map_err(NotLooked::Unreadable)?;
    let known = recorded.filter(|recorded| recorded.reading == spec.reading());
    if let Some(columns) = known.and_then(FoundColumns::declared) {
        add(spec, columns);
        return Ok(None);
    }
    let error = |message: String| Diagnostic::error("no-columns", message).at(at.clone(), "declared here");
    let found =
        source::infer_columns(engine, spec, files, InferenceDepth::Sample).await.map_err(|failed| {
            let why = format!("{}: {}", spec.name, message(&failed));
            if UnreadableSource::is_cause_of(&failed) {
                NotLooked::Unreadable(why)
            } else {
                NotLooked::Wrong(vec![error(why)])
            }
        })?;
    if found.columns.is_empty() {
        // The files are empty or damaged, which fails the nodes that read the source, and no others.
        let files = found.broken.iter().take(3).map(|(file, reason)| format!("\n  {file}: {reason}"));
        return Err(NotLooked::Unreadable(format!(
            "{}: no columns could be found in its files{}\n  hint: replace the files that are empty or damaged, \
             or list the source's `columns:` with a `name` and a `data_type` each",
            spec.name,
            files.collect::<String>()
        )));
    }
    let columns = FoundColumns::new(spec, &found);
    if found.is_sample {
        spec.drift.sample = SchemaSample::taken();
    }
    add(spec, found.columns.into_iter().map(|column| (column.name, column.data_type)).collect());
    Ok(Some(columns))
}

/// Adds columns before the ones that the reader supplies, without duplicates.
fn add(spec: &mut SourceSpec, columns: Vec<(String, DataType)>) {
    spec.drift.is_inferred = true;
    let supplied = std::mem::take(&mut spec.columns);
    spec.columns = columns.into_iter().filter(|(name, _)| !source::is_supplied(name)).collect();
    spec.columns.extend(supplied);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_record_is_told_from_one_of_another_version() {
        let known = FoundColumns { reading: "csv".to_owned(), files: 1, rows: 2, columns: Vec::new() };
        assert_eq!(FoundColumns::of_text(&known.to_text().unwrap()).unwrap(), Some(known));
        assert_eq!(FoundColumns::of_text(r#"{"columns": 1}"#).unwrap(), None);
        for damaged in ["", "\u{0}\u{fffd}", "[]", r#"{"reading": "cs"#] {
            assert!(FoundColumns::of_text(damaged).is_err(), "{damaged}");
        }
    }
}
