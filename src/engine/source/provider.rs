//! Table providers for declared sources, and the reporting of rejects by their readers.

use std::sync::Arc;

use datafusion::{
    catalog::{Session, TableProvider},
    error::DataFusionError,
};

use super::{
    columnar,
    drift::Deviation,
    files::{self, SourceFile},
    names,
    rejects::{Reject, RejectSink},
    rows::ScanShape,
    spec::{DateUnit, OnError, Orient, SourceFormat, SourceSpec, schema},
    sqlite::SqliteTable,
    text::{CsvDialect, InferenceDepth, InferredColumns, ReadSizes, RowLayout, TextFormat, TextTable, infer},
    unreadable::UnreadableSource,
};

/// Creates the table of a source.
///
/// The files are listed now; their rows are read when the table is scanned. Rejected rows and files go to
/// `rejects`, or are skipped if there is no such sink. Under [`OnError::Fail`] they are an error of the
/// query.
///
/// # Errors
/// If no file matches, if the files can't be listed, or if the declaration can't be used.
pub async fn provider(
    spec: &SourceSpec,
    session: &dyn Session,
    rejects: Option<Arc<RejectSink>>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let files = match spec.format {
        SourceFormat::Sqlite { .. } => Vec::new(),
        _ => files::list(spec, session).await?,
    };
    provider_at(spec, session, files, rejects, ReadSizes::default()).await
}

/// Creates the table of some of a source's files.
pub async fn of_files(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    rejects: Option<Arc<RejectSink>>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    provider_at(spec, session, files, rejects, ReadSizes::default()).await
}

/// Like [`of_files`], at a given pace.
pub(super) async fn provider_at(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    rejects: Option<Arc<RejectSink>>,
    pace: ReadSizes,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let report = Report { source: spec.name.as_str().into(), on_error: spec.on_error, rejects };
    match &spec.format {
        SourceFormat::Parquet { date_unit } | SourceFormat::Avro { date_unit } => {
            return columnar::table(spec, *date_unit, session, files, report).await;
        }
        SourceFormat::Sqlite { table, date_unit } => {
            return Ok(Arc::new(SqliteTable::open(spec, table, *date_unit, report)?));
        }
        SourceFormat::Json { .. } | SourceFormat::NdJson { .. } | SourceFormat::Csv { .. } => {}
    }
    let format = text_format(spec)?;
    if format.names.is_empty() {
        return Err(DataFusionError::Plan(format!("{}: declare the columns of a text file", spec.name)));
    }
    Ok(Arc::new(TextTable::new(schema(spec)?, format, files, report, pace)))
}

/// Reads a source's Parquet files to their end, and marks the damaged ones, so that the next read rejects
/// them. Returns whether there are any.
pub async fn find_damage(spec: &SourceSpec, session: &dyn Session) -> Result<bool, DataFusionError> {
    let SourceFormat::Parquet { date_unit } = spec.format else { return Ok(false) };
    let report = Report { source: spec.name.as_str().into(), on_error: spec.on_error, rejects: None };
    columnar::find_damage(spec, date_unit, session, files::list(spec, session).await?, report).await
}

/// Infers the columns of a source's text files, whatever is declared.
pub async fn columns(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    look: InferenceDepth,
) -> Result<InferredColumns, DataFusionError> {
    let open = SourceSpec { columns: Vec::new(), ..spec.clone() };
    let threads = session.config().target_partitions();
    infer(text_format(&open)?, files, threads, look).await
}

/// Returns the undeclared columns of a source's text files, in order of appearance.
pub async fn new_columns(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
) -> Result<Vec<String>, DataFusionError> {
    let found = columns(spec, session, files, InferenceDepth::All).await?;
    let mut new: Vec<String> = Vec::new();
    for column in found.columns {
        let is_known = spec.columns.iter().any(|(declared, _)| names::same(declared, &column.name))
            || new.iter().any(|known| names::same(known, &column.name));
        if !is_known {
            new.push(column.name);
        }
    }
    Ok(new)
}

/// Returns the format of a source's text files.
fn text_format(spec: &SourceSpec) -> Result<TextFormat, DataFusionError> {
    let shape = ScanShape::new(&schema(spec)?, None, spec.drift.is_rescuing())?;
    let (layout, unit) = match &spec.format {
        SourceFormat::Json { orient, date_unit } => {
            let layout = match orient {
                Orient::Auto => RowLayout::AnyJson,
                Orient::Split => RowLayout::Split,
                Orient::Records => RowLayout::Records,
                Orient::Lines => RowLayout::Lines,
            };
            (layout, *date_unit)
        }
        SourceFormat::NdJson { date_unit } => (RowLayout::Lines, *date_unit),
        SourceFormat::Csv { delimiter, header, quote, nulls } => {
            let sound = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\r' | b'\n');
            let given = [delimiter, quote];
            if given.into_iter().flatten().any(|byte| !sound(byte))
                || (delimiter.is_some() && delimiter == quote)
            {
                let message = "delimiter and quote have to be two different ASCII characters";
                return Err(DataFusionError::Plan(format!("{}: {message}", spec.name)));
            }
            let dialect = CsvDialect {
                delimiter: *delimiter,
                header: *header,
                quote: *quote,
                nulls: nulls.clone(),
                kinds: shape.kinds(),
            };
            (RowLayout::AnyCsv(dialect), DateUnit::default())
        }
        SourceFormat::Parquet { .. } | SourceFormat::Avro { .. } | SourceFormat::Sqlite { .. } => {
            return Err(DataFusionError::Internal(format!("{} is no text", spec.name)));
        }
    };
    let drift = Arc::new(spec.drift.clone());
    Ok(TextFormat { layout, unit, text: spec.text, names: shape.names, drift })
}

/// The destination of rejected rows and files.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    source: Arc<str>,
    on_error: OnError,
    rejects: Option<Arc<RejectSink>>,
}

/// A position in a file: a row, or a byte offset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Where {
    pub(crate) row: Option<u64>,
    pub(crate) offset: Option<u64>,
}

impl Report {
    /// Returns whether rejects of a piece of a file are wanted and not yet reported.
    pub(crate) fn begin(&self, file: &str, piece: u64) -> bool {
        match &self.rejects {
            _ if self.on_error == OnError::Fail => true,
            Some(sink) => sink.claim(&self.source, file, piece),
            None => false,
        }
    }

    /// Returns whether every row must be validated, even one that the query doesn't need.
    pub(crate) fn judges_all(&self) -> bool {
        self.rejects.is_some() || self.on_error == OnError::Fail
    }

    /// Rejects a row or a file. This is an error under [`OnError::Fail`].
    pub(crate) fn set_aside(
        &self,
        file: &Arc<str>,
        place: Where,
        reason: String,
        raw: String,
    ) -> Result<(), DataFusionError> {
        let Where { row, offset } = place;
        let reject =
            Reject { source: Arc::clone(&self.source), file: Arc::clone(file), row, offset, reason, raw };
        match (&self.rejects, self.on_error) {
            (_, OnError::Fail) => {
                let hint = match reject.row {
                    Some(_) => "",
                    None => "\n  hint: replace the file; or set `on_error: set_aside` to read the others",
                };
                Err(DataFusionError::Execution(format!("{}: {}{hint}", self.source, reject.line())))
            }
            (Some(sink), OnError::SetAside) => {
                sink.report(reject);
                Ok(())
            }
            (None, OnError::SetAside) => Ok(()),
        }
    }

    /// Records the notes on a scan that was read to its end, and how the columns of its files differ.
    pub(crate) fn note(&self, notes: &[String], files: impl Iterator<Item = (Arc<str>, Deviation)>) {
        if let Some(sink) = &self.rejects {
            sink.note(&self.source, notes, files);
        }
    }

    /// Creates an error about the whole source.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {message}", self.source))
    }

    /// Creates the error of a source whose files are all unreadable. It names one of them and counts the
    /// others.
    pub(crate) fn unreadable(&self, file: &str, reason: &str, others: usize) -> DataFusionError {
        let what = match others {
            0 => "the only file can't be read".to_owned(),
            others => format!("none of the {} files can be read", others + 1),
        };
        let hint = "replace it by one that is whole";
        UnreadableSource::error(format!("{}: {what}\n  {file}: {reason}\n  hint: {hint}", self.source))
    }

    /// Creates the error of a file that can't be read now.
    pub(crate) fn failure(&self, file: &str, message: &str) -> DataFusionError {
        UnreadableSource::error(format!("{}: {file}: {message}", self.source))
    }
}
