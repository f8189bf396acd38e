//! From a declared source to a table, and how its readers report what they set aside.

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
    rows::Shape,
    spec::{DateUnit, OnError, Orient, SourceFormat, SourceSpec, schema},
    sqlite::SqliteTable,
    text::{Dialect, Format, Found, Layout, Look, Pace, TextTable, infer},
};

/// The table of a source.
///
/// The files are listed now; their rows are read when the table is scanned. What can't be read goes to `rejects`, or
/// is merely left out if there is no such sink. Under [`OnError::Fail`] it is an error of the query.
pub async fn provider(
    spec: &SourceSpec,
    session: &dyn Session,
    rejects: Option<Arc<RejectSink>>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let files = match spec.format {
        SourceFormat::Sqlite { .. } => Vec::new(),
        _ => files::list(spec, session).await?,
    };
    provider_at(spec, session, files, rejects, Pace::default()).await
}

/// The table of some of a source's files.
pub async fn of_files(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    rejects: Option<Arc<RejectSink>>,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    provider_at(spec, session, files, rejects, Pace::default()).await
}

/// The same at a pace of one's own.
pub(super) async fn provider_at(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    rejects: Option<Arc<RejectSink>>,
    pace: Pace,
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

/// Reads the Parquet files of a source through, and sets those aside that are damaged when it is read again. Returns
/// whether there are any.
pub async fn find_damage(spec: &SourceSpec, session: &dyn Session) -> Result<bool, DataFusionError> {
    let SourceFormat::Parquet { date_unit } = spec.format else { return Ok(false) };
    let report = Report { source: spec.name.as_str().into(), on_error: spec.on_error, rejects: None };
    columnar::find_damage(spec, date_unit, session, files::list(spec, session).await?, report).await
}

/// The columns of a source's text files, whatever is declared.
pub async fn columns(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    look: Look,
) -> Result<Found, DataFusionError> {
    let open = SourceSpec { columns: Vec::new(), ..spec.clone() };
    let threads = session.config().target_partitions();
    infer(text_format(&open)?, files, threads, look).await
}

/// The columns of a source's text files that nobody declared, in the order in which they come up.
pub async fn new_columns(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
) -> Result<Vec<String>, DataFusionError> {
    let found = columns(spec, session, files, Look::All).await?;
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

/// How rows lie in a source's text files.
fn text_format(spec: &SourceSpec) -> Result<Format, DataFusionError> {
    let shape = Shape::new(&schema(spec)?, None, spec.drift.is_rescuing())?;
    let (layout, unit) = match &spec.format {
        SourceFormat::Json { orient, date_unit } => {
            let layout = match orient {
                Orient::Auto => Layout::AnyJson,
                Orient::Split => Layout::Split,
                Orient::Records => Layout::Records,
                Orient::Lines => Layout::Lines,
            };
            (layout, *date_unit)
        }
        SourceFormat::NdJson { date_unit } => (Layout::Lines, *date_unit),
        SourceFormat::Csv { delimiter, header, quote, nulls } => {
            let sound = |byte: &u8| byte.is_ascii() && !matches!(byte, b'\r' | b'\n');
            let given = [delimiter, quote];
            if given.into_iter().flatten().any(|byte| !sound(byte))
                || (delimiter.is_some() && delimiter == quote)
            {
                let message = "delimiter and quote have to be two different ASCII characters";
                return Err(DataFusionError::Plan(format!("{}: {message}", spec.name)));
            }
            let dialect = Dialect {
                delimiter: *delimiter,
                header: *header,
                quote: *quote,
                nulls: nulls.clone(),
                kinds: shape.kinds(),
            };
            (Layout::AnyCsv(dialect), DateUnit::default())
        }
        SourceFormat::Parquet { .. } | SourceFormat::Avro { .. } | SourceFormat::Sqlite { .. } => {
            return Err(DataFusionError::Internal(format!("{} is no text", spec.name)));
        }
    };
    let drift = Arc::new(spec.drift.clone());
    Ok(Format { layout, unit, text: spec.text, names: shape.names, drift })
}

/// What becomes of rows and files that can't be read.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    source: Arc<str>,
    on_error: OnError,
    rejects: Option<Arc<RejectSink>>,
}

/// A place in a file: a row, or a byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Where {
    pub(crate) row: Option<u64>,
    pub(crate) offset: Option<u64>,
}

impl Report {
    /// Whether anybody wants to hear of a piece of a file, and has not yet.
    pub(crate) fn begin(&self, file: &str, piece: u64) -> bool {
        match &self.rejects {
            _ if self.on_error == OnError::Fail => true,
            Some(sink) => sink.claim(&self.source, file, piece),
            None => false,
        }
    }

    /// Whether every row has to be judged, even one that the query does not want.
    pub(crate) fn judges_all(&self) -> bool {
        self.rejects.is_some() || self.on_error == OnError::Fail
    }

    /// Sets a row or file aside; an error under [`OnError::Fail`].
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

    /// Notes what is to be said of a scan that was read to its end, and how the columns of its files differ.
    pub(crate) fn note(&self, notes: &[String], files: impl Iterator<Item = (Arc<str>, Deviation)>) {
        if let Some(sink) = &self.rejects {
            sink.note(&self.source, notes, files);
        }
    }

    /// An error about the whole source.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {message}", self.source))
    }

    /// The error of a source none of whose files can be read: one of them, and how many others there are.
    pub(crate) fn unreadable(&self, file: &str, reason: &str, others: usize) -> DataFusionError {
        let what = match others {
            0 => "the only file can't be read".to_owned(),
            others => format!("none of the {} files can be read", others + 1),
        };
        let hint = "replace it by one that is whole";
        self.error(format!("{what}\n  {file}: {reason}\n  hint: {hint}"))
    }

    /// The error of a file that is there but can't be had.
    pub(crate) fn failure(&self, file: &str, message: &str) -> DataFusionError {
        DataFusionError::Execution(format!("{}: {file}: {message}", self.source))
    }
}
