//! The columns of a source that declares none: those that were found in all of its files when it was first loaded, and
//! that are as good as declared from then on.

use serde::{Deserialize, Serialize};

use crate::{
    diag::Diagnostic,
    engine::{
        Engine,
        arrow::datatypes::DataType,
        message,
        source::{self, Found, Look, Sample, SourceFile, SourceSpec, data_type, declared_name},
    },
    text::Span,
};

/// What the record of a source's columns is called in the lake, before the source's name.
pub const FOUND_COLUMNS: &str = "sources";

/// The columns that were found in a source's files, as they are recorded in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundColumns {
    /// How the files were read; what was found otherwise counts no more.
    pub reading: String,
    /// How many files they were.
    pub files: u64,
    /// How many rows they had.
    pub rows: u64,
    /// The columns.
    pub columns: Vec<FoundType>,
}

/// A column that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundType {
    /// Its name.
    pub name: String,
    /// Its type, as it would be declared.
    pub data_type: String,
}

impl FoundColumns {
    /// What was found in the files of a source.
    #[must_use]
    pub fn new(spec: &SourceSpec, found: &Found) -> Self {
        let columns = found.columns.iter().map(|column| FoundType {
            name: column.name.clone(),
            data_type: declared_name(&column.data_type),
        });
        Self { reading: spec.reading(), files: found.files, rows: found.rows, columns: columns.collect() }
    }

    /// From a text that [`FoundColumns::to_text`] made; `None` if another version made it.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it is recorded.
    ///
    /// # Errors
    /// Never, as far as anybody knows.
    pub fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The columns as a source declares them; `None` if this version doesn't know a type.
    fn declared(&self) -> Option<Vec<(String, DataType)>> {
        let one = |column: &FoundType| Some((column.name.clone(), data_type(&column.data_type).ok()?));
        self.columns.iter().map(one).collect()
    }
}

/// Returns whether a source declares none of its files' columns, so that they have to be found.
#[must_use]
pub fn is_undeclared(spec: &SourceSpec) -> bool {
    spec.format.is_text() && spec.columns.iter().all(|(name, _)| source::is_supplied(name))
}

/// Gives a source the columns that are recorded of it, or else those that its files have, which are returned.
///
/// # Errors
/// That no file has any.
pub(super) async fn complete(
    engine: &Engine,
    spec: &mut SourceSpec,
    files: Vec<SourceFile>,
    recorded: Option<&FoundColumns>,
    at: &Span,
) -> Result<Option<FoundColumns>, Diagnostic> {
    let known = recorded.filter(|recorded| recorded.reading == spec.reading());
    if let Some(columns) = known.and_then(FoundColumns::declared) {
        add(spec, columns);
        return Ok(None);
    }
    let error = |message: String| Diagnostic::error("no-columns", message).at(at.clone(), "declared here");
    let found =
        engine.source_columns(spec, files, Look::Sample).await.map_err(|failed| error(message(&failed)))?;
    if found.columns.is_empty() {
        let mut finding = error(format!("{}: no columns could be found in its files", spec.name));
        for (file, reason) in found.broken.iter().take(3) {
            finding = finding.note(format!("{file}: {reason}"));
        }
        return Err(finding.hint("list its `columns:` with a `name` and a `data_type` each"));
    }
    let columns = FoundColumns::new(spec, &found);
    if found.is_sample {
        spec.drift.sample = Sample::taken();
    }
    add(spec, found.columns.into_iter().map(|column| (column.name, column.data_type)).collect());
    Ok(Some(columns))
}

/// Those that the reader supplies come last, and none is added twice.
fn add(spec: &mut SourceSpec, columns: Vec<(String, DataType)>) {
    spec.drift.is_inferred = true;
    let supplied = std::mem::take(&mut spec.columns);
    spec.columns = columns.into_iter().filter(|(name, _)| !source::is_supplied(name)).collect();
    spec.columns.extend(supplied);
}
