//! Table providers for declared sources, and the reporting of rejects by their readers.

use std::sync::Arc;

use datafusion::{
    catalog::{Session, TableProvider},
    error::DataFusionError,
};

use super::{
    columnar,
    file::SourceFile,
    files, names,
    rejects::RejectSink,
    reporting::Report,
    rows::ScanShape,
    spec::{DateUnit, Orient, SourceFormat, SourceSpec, schema},
    sqlite::SqliteTable,
    text::{CsvDialect, InferenceDepth, InferredColumns, ReadSizes, RowLayout, TextFormat, TextTable, infer},
};

/// Creates the table of a source.
///
/// The files are listed now; their rows are read when the table is scanned. Rejected rows and files go to
/// `rejects`, or are skipped if there is no such sink. Under `OnError::Fail` they are an error of the
/// query.
///
/// # Errors
/// If no file matches, if the files can't be listed, or if the declaration can't be used.
pub(super) async fn provider(
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
pub(super) async fn of_files(
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
    let report = Report::new(&spec.name, spec.on_error, rejects);
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
pub(super) async fn find_damage(spec: &SourceSpec, session: &dyn Session) -> Result<bool, DataFusionError> {
    let SourceFormat::Parquet { date_unit } = spec.format else { return Ok(false) };
    let report = Report::new(&spec.name, spec.on_error, None);
    columnar::find_damage(spec, date_unit, session, files::list(spec, session).await?, report).await
}

/// Infers the columns of a source's text files, whatever is declared.
pub(super) async fn columns(
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
pub(super) async fn new_columns(
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
