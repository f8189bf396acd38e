//! Declared sources as the engine reads them.

mod found;
mod location;

use std::{collections::BTreeMap, path::Path};

pub use self::found::{FOUND_COLUMNS, FoundColumns, RecordedColumns, is_undeclared};

use crate::{
    diag::Diagnostic,
    engine::{Engine, EngineError, SchemaRef, arrow::datatypes::DataType, message, types},
    local_file,
    manifest::{SourceTable, source::External},
    name::NodeId,
    project::{DriftDecl, ExternalDecl, LimitDecl, OnErrorDecl, SourceFormatName, Yaml},
    source::{
        self, Compression, DateUnit, Drift, Encoding, Identity, Limit, Listing, MaxRejected, Nulls, OnError,
        OnMissingColumn, OnNewColumn, Orient, SourceFormat, SourceSpec, TextOptions,
    },
    text::Spanned,
};

/// Returns everything the engine needs to read a source.
///
/// # Errors
/// Unknown column types, at their place.
pub fn spec(table: &SourceTable, external: &External, root: &Path) -> Result<SourceSpec, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let mut columns = Vec::new();
    for column in table.typed_columns() {
        let data_type = match (&column.data_type, column.name.value.as_str()) {
            (Some(declared), _) => types::data_type(&declared.value)
                .map_err(|message| Diagnostic::error("unknown-type", message).at(declared.span.clone(), "")),
            (None, "_source_row") => Ok(DataType::Int64),
            // Same as a declared `varchar`.
            (None, _) => Ok(DataType::Utf8View),
        };
        match data_type {
            Ok(data_type) => columns.push((column.name.value.clone(), data_type)),
            Err(found) => findings.push(found),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    Ok(SourceSpec {
        name: format!("{}.{}", table.source, table.name),
        format: format(table, &external.declared),
        location: external.location.clone(),
        text: text(&external.declared),
        base: root.to_path_buf(),
        columns,
        identity: Identity::Stamp,
        drift: drift(&table.drift),
        on_error: match external.declared.on_error {
            OnErrorDecl::SetAside => OnError::SetAside,
            OnErrorDecl::Fail => OnError::Fail,
        },
    })
}

/// Returns the specification of an undeclared source of files.
#[must_use]
pub fn of_files(location: &str, format: SourceFormatName, root: &Path) -> SourceSpec {
    let date_unit = DateUnit::default();
    SourceSpec {
        name: location.to_owned(),
        format: match format {
            SourceFormatName::Json => SourceFormat::Json { orient: Orient::Auto, date_unit },
            SourceFormatName::Ndjson => SourceFormat::NdJson { date_unit },
            SourceFormatName::Csv => {
                SourceFormat::Csv { delimiter: None, header: None, quote: None, nulls: None }
            }
            SourceFormatName::Avro => SourceFormat::Avro { date_unit },
            SourceFormatName::Parquet | SourceFormatName::Delta | SourceFormatName::Sqlite => {
                SourceFormat::Parquet { date_unit }
            }
        },
        location: location.to_owned(),
        text: TextOptions::default(),
        base: root.to_path_buf(),
        columns: Vec::new(),
        identity: Identity::Stamp,
        drift: source::Drift::default(),
        on_error: OnError::SetAside,
    }
}

/// Adds the undeclared columns of a source's text files as text, if `on_new_column` is `add`.
async fn add_new_columns(
    engine: &Engine,
    external: &External,
    spec: &mut SourceSpec,
) -> Result<(), Vec<Diagnostic>> {
    if spec.drift.on_new_column != Some(OnNewColumn::Add) || !spec.format.is_text() || spec.columns.is_empty()
    {
        return Ok(());
    }
    let added = source::new_columns(engine, spec).await.map_err(|error| {
        let at = external.declared.location.span.clone();
        vec![Diagnostic::error("source", message(&error)).at(at, "declared here")]
    })?;
    spec.columns.extend(added.iter().map(|name| (name.clone(), DataType::Utf8View)));
    spec.drift.added = added;
    Ok(())
}

/// The result of looking at a source's location.
pub(super) struct Looked {
    /// The declared and inferred columns.
    pub(super) schema: SchemaRef,
    /// The inferred columns, if they must be recorded.
    pub(super) found: Option<FoundColumns>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// The reason why a source couldn't be examined.
pub(super) enum NotLooked {
    /// Errors in its declaration.
    Wrong(Vec<Diagnostic>),
    /// It can't be read now, for this reason.
    Unreadable(String),
}

/// Returns whether an error comes from the data at a location rather than from the request.
fn is_about_reading(error: &EngineError) -> bool {
    !matches!(
        error.find_root(),
        EngineError::Plan(_)
            | EngineError::SchemaError(..)
            | EngineError::NotImplemented(_)
            | EngineError::Configuration(_)
    )
}

/// Examines a source's location. A text source without declared columns gets those in `recorded` or, failing
/// that, infers them from its files.
///
/// # Errors
/// If there is no file, or no readable one.
pub(super) async fn look(
    engine: &Engine,
    table: &SourceTable,
    external: &External,
    spec: &mut SourceSpec,
    recorded: &BTreeMap<NodeId, RecordedColumns>,
) -> Result<Looked, NotLooked> {
    let at = || external.declared.location.span.clone();
    let failed = |error: EngineError| {
        if is_about_reading(&error) {
            return NotLooked::Unreadable(message(&error));
        }
        NotLooked::Wrong(vec![Diagnostic::error("source", message(&error)).at(at(), "declared here")])
    };
    if let SourceFormat::Sqlite { .. } = spec.format {
        let path = spec.base.join(&spec.location);
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(NotLooked::Wrong(vec![location::missing(spec, &[], at())])),
            Err(error) => {
                let (problem, help) = local_file::problem(&path, &error);
                let place = format!("{}: `{}`", spec.name, spec.location);
                return Err(NotLooked::Unreadable(format!("{place} {problem}\n  hint: {help}")));
            }
        }
        let table = source::open(engine, spec, None).await.map_err(failed)?;
        return Ok(Looked { schema: table.schema(), found: None, warnings: Vec::new() });
    }
    let Listing { files, left_out } = source::list(engine, spec).await.map_err(failed)?;
    if files.is_empty() {
        return Err(NotLooked::Wrong(vec![location::missing(spec, &left_out, at())]));
    }
    let warnings = location::left_out(spec, &left_out, at()).into_iter().collect();
    if !spec.format.is_text() {
        let schema = source::open_files(engine, spec, files, None).await.map_err(failed)?.schema();
        // A run may read only some of the files, and these may lack columns that others have.
        spec.drift.known =
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
        return Ok(Looked { schema, found: None, warnings });
    }
    let found = if is_undeclared(spec) {
        found::complete(engine, spec, files, recorded.get(&table.id), &table.span).await?
    } else {
        None
    };
    add_new_columns(engine, external, spec).await.map_err(NotLooked::Wrong)?;
    let schema = source::schema(spec).map_err(failed)?;
    Ok(Looked { schema, found, warnings })
}

/// Returns true if all columns of a source are declared, so that its files needn't be read for them.
pub(super) fn is_known(spec: &SourceSpec) -> bool {
    spec.format.is_text() && !is_undeclared(spec)
}

/// Returns what the declaration alone says about a source.
///
/// # Errors
/// If a declared type is invalid.
pub(super) fn declared(spec: &SourceSpec) -> Result<Looked, Vec<Diagnostic>> {
    let schema = source::schema(spec).map_err(|error| vec![Diagnostic::error("source", message(&error))])?;
    Ok(Looked { schema, found: None, warnings: Vec::new() })
}

/// The error about a Delta source that doesn't exist.
pub(super) fn missing(table: &SourceTable) -> Diagnostic {
    let message = format!(
        "the source `{}.{}` is the Delta table {}, which doesn't exist",
        table.source, table.name, table.relation
    );
    Diagnostic::error("missing-source", message).at(table.span.clone(), "declared here").hint(
        "if it is files or a database, say where with `external:`, or with dbt-duckdb's `external_location`",
    )
}

/// Converts the drift settings. The values were validated when the project was read.
fn drift(declared: &DriftDecl) -> Drift {
    let word = |written: &Option<Spanned<String>>| written.as_ref().map(|written| written.value.clone());
    let limit = |limit: LimitDecl| match limit {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
        LimitDecl::Share(share) => Limit::Share((share * 1e6).round() as u32),
        LimitDecl::Rows(rows) => Limit::Rows(rows),
    };
    Drift {
        on_missing_column: match word(&declared.on_missing_column).as_deref() {
            Some("fail") => OnMissingColumn::Fail,
            Some("null") => OnMissingColumn::Null,
            Some("reject_file") => OnMissingColumn::RejectFile,
            _ => OnMissingColumn::Auto,
        },
        on_new_column: match word(&declared.on_new_column).as_deref() {
            Some("warn") => Some(OnNewColumn::Warn),
            Some("ignore") => Some(OnNewColumn::Ignore),
            Some("fail") => Some(OnNewColumn::Fail),
            Some("rescue") => Some(OnNewColumn::Rescue),
            Some("add") => Some(OnNewColumn::Add),
            _ => None,
        },
        max_rejected: MaxRejected {
            per_file: declared.max_rejected_per_file.map(limit),
            per_run: declared.max_rejected_per_run.map(limit),
        },
        ..Drift::default()
    }
}

fn format(table: &SourceTable, declared: &ExternalDecl) -> SourceFormat {
    let date_unit = || match declared.option_text("date_unit") {
        Some("s") => DateUnit::Seconds,
        Some("us") => DateUnit::Microseconds,
        Some("ns") => DateUnit::Nanoseconds,
        // SQLite's own functions interpret numbers as seconds.
        None if declared.format.value == SourceFormatName::Sqlite => DateUnit::Seconds,
        _ => DateUnit::Milliseconds,
    };
    let byte = |name| match declared.option_text(name) {
        Some("tab" | "\\t") => Some(b'\t'),
        text => text?.bytes().next(),
    };
    match declared.format.value {
        SourceFormatName::Json => {
            let orient = match declared.option_text("orient") {
                Some("split") => Orient::Split,
                Some("records") => Orient::Records,
                Some("lines") => Orient::Lines,
                _ => Orient::Auto,
            };
            SourceFormat::Json { orient, date_unit: date_unit() }
        }
        SourceFormatName::Ndjson => SourceFormat::NdJson { date_unit: date_unit() },
        SourceFormatName::Csv => SourceFormat::Csv {
            delimiter: byte("delimiter"),
            header: declared.option("header").and_then(Yaml::as_bool),
            quote: byte("quote"),
            nulls: declared.option("null_values").map(|texts| Nulls::new(&texts.texts())),
        },
        // The lake opens external Delta tables; the engine never uses this value.
        SourceFormatName::Parquet | SourceFormatName::Delta => {
            SourceFormat::Parquet { date_unit: date_unit() }
        }
        SourceFormatName::Avro => SourceFormat::Avro { date_unit: date_unit() },
        SourceFormatName::Sqlite => {
            let table = declared.option_text("table").unwrap_or(&table.name).to_string();
            SourceFormat::Sqlite { table, date_unit: date_unit() }
        }
    }
}

/// Converts the text options. The names were validated when the project was read.
fn text(declared: &ExternalDecl) -> TextOptions {
    TextOptions {
        compression: declared.option_text("compression").and_then(Compression::named).unwrap_or_default(),
        encoding: declared.option_text("encoding").and_then(Encoding::named).unwrap_or_default(),
    }
}
