//! The metadata of a Parquet or Avro file: its columns, and whether it can be decoded at all.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, FieldRef, SchemaRef},
    catalog::Session,
    common::{ScalarValue, stats::Precision},
    datasource::{file_format::FileFormat, physical_plan::parquet::metadata::DFParquetMetadata},
    error::DataFusionError,
    parquet::file::metadata::ParquetMetaData,
};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as StorePath};

use super::{avro, refused_files::RefusedFile};
use crate::{
    engine::message,
    local_file,
    panics::caught,
    source::{
        drift::{FileColumns, OnNewColumn},
        file::{FilePlace, SourceFile},
        hive::Folders,
        instant,
        names::{self, ColumnPlace},
        spec::SourceSpec,
        unreadable::UnreadableSource,
    },
};

/// The bytes of a value in each column, by its name, as far as they are known.
pub(super) type Widths = BTreeMap<String, usize>;

/// A file's own metadata, independent of declarations.
pub(super) struct FileMetadata {
    file: SourceFile,
    meta: ObjectMeta,
    pub(super) schema: SchemaRef,
    /// The names of the file's columns.
    own: Vec<String>,
    rows: Option<u64>,
    widths: Widths,
    /// For each column of the file, whether all its instants are within the calendar.
    bounded: Vec<bool>,
}

/// A file, with its columns matched to the declared ones.
pub(super) struct MatchedFile {
    pub(super) file: SourceFile,
    pub(super) name: Arc<str>,
    pub(super) meta: ObjectMeta,
    pub(super) schema: SchemaRef,
    pub(super) folders: Folders,
    pub(super) places: Vec<ColumnPlace>,
    pub(super) columns: FileColumns,
    pub(super) widths: Widths,
    /// For each column of the file, whether all its instants are within the calendar.
    pub(super) bounded: Vec<bool>,
}

impl FileMetadata {
    pub(super) fn name(&self) -> &str {
        &self.file.name
    }

    /// Matches the file's columns with the declared ones.
    ///
    /// # Errors
    /// If two columns are ambiguous. The error names the file.
    pub(super) fn matched(self, names: &[String], on_new: OnNewColumn) -> Result<MatchedFile, RefusedFile> {
        let Self { file, meta, schema, own, rows, widths, bounded } = self;
        let name = Arc::clone(&file.name);
        let folders = Folders::of(&name, names);
        let supplied = folders.supplied(names.len());
        let places = names::places(&own, names, &supplied).and_then(|places| {
            if on_new == OnNewColumn::Add {
                names::alike(&own, &places, names)?;
            }
            Ok(places)
        });
        let places =
            places.map_err(|reason| RefusedFile { file: Arc::clone(&name), offset: None, reason })?;
        let deviation = names::deviation(&own, &places, names, &supplied, names.len());
        let columns = FileColumns { file: name.to_string(), rows, own, deviation };
        Ok(MatchedFile { file, name, meta, schema, folders, places, columns, widths, bounded })
    }
}

/// The context for reading files' metadata.
pub(super) struct MetadataReader<'a> {
    pub(super) spec: &'a SourceSpec,
    pub(super) is_avro: bool,
    pub(super) session: &'a dyn Session,
    pub(super) format: &'a Arc<dyn FileFormat>,
    pub(super) store: &'a Arc<dyn ObjectStore>,
}

impl MetadataReader<'_> {
    /// Reads a file's metadata, or returns why it is rejected. Decoders may panic on damaged files.
    ///
    /// # Errors
    /// If the file can't be read.
    pub(super) async fn look(
        &self,
        file: SourceFile,
    ) -> Result<Result<FileMetadata, RefusedFile>, DataFusionError> {
        let name = Arc::clone(&file.name);
        let refused = |reason: String| RefusedFile { file: Arc::clone(&name), offset: None, reason };
        let gave_up = |_| Ok(Err("it is damaged: its decoder gave up".to_owned()));
        let seen = caught(self.seen(file)).await.unwrap_or_else(gave_up);
        match seen {
            Ok(seen) => Ok(seen.map_err(refused)),
            Err(error) if is_of_store(&error) => {
                let message = format!(
                    "{}: {name}: can't be read: {}\n  hint: {}",
                    self.spec.name,
                    plain(&message(&error)),
                    help(&error)
                );
                Err(UnreadableSource::error(message))
            }
            Err(error) => Ok(Err(refused(undecodable(&error)))),
        }
    }

    async fn seen(&self, file: SourceFile) -> Result<Result<FileMetadata, String>, DataFusionError> {
        if let Some(reason) = file.irregular() {
            return Ok(Err(reason));
        }
        if file.size == 0 {
            return Ok(Err("the file is empty".to_owned()));
        }
        if let Some(reason) = self.spec.drift.damaged.reason(&file) {
            return Ok(Err(reason));
        }
        let meta = meta(&file, self.store).await?;
        let metas = std::slice::from_ref(&meta);
        let mut schema = self.format.infer_schema(self.session, self.store, metas).await?;
        let (mut own, mut rows, mut widths) = (Vec::new(), None, Widths::new());
        if self.is_avro {
            schema = avro::with_uuids(schema, self.store, &meta).await?;
            own.extend(schema.fields().iter().map(|field| field.name().clone()));
        } else {
            // The Arrow schema drops one of two columns with the same name; the footer has both.
            let footers = self.session.runtime_env().cache_manager.get_file_metadata_cache();
            let footer =
                DFParquetMetadata::new(self.store.as_ref(), &meta).with_file_metadata_cache(Some(footers));
            let footer = footer.fetch_metadata().await?;
            widths = self::widths(&footer);
            let footer = footer.file_metadata();
            rows = u64::try_from(footer.num_rows()).ok();
            let columns = footer.schema_descr().root_schema().get_fields().iter();
            own.extend(columns.map(|column| column.name().to_owned()));
        }
        let bounded = self.bounds(&schema, &meta).await?;
        Ok(Ok(FileMetadata { file, meta, schema, own, rows, widths, bounded }))
    }

    /// Returns for each column of a file whether its statistics prove that all instants are within the
    /// calendar.
    async fn bounds(&self, schema: &SchemaRef, meta: &ObjectMeta) -> Result<Vec<bool>, DataFusionError> {
        let is_instant =
            |field: &FieldRef| matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..));
        let mut bounded: Vec<bool> = schema.fields().iter().map(|field| !is_instant(field)).collect();
        if bounded.iter().all(|bounded| *bounded) {
            return Ok(bounded);
        }
        let statistics = self.format.infer_stats(self.session, self.store, Arc::clone(schema), meta).await?;
        for (bounded, column) in bounded.iter_mut().zip(&statistics.column_statistics) {
            let is_within = |value: &Precision<ScalarValue>| match value {
                Precision::Exact(value) => within(value),
                _ => false,
            };
            *bounded |= is_within(&column.min_value) && is_within(&column.max_value);
        }
        Ok(bounded)
    }
}

/// The bytes that a row's value has in each column of a Parquet file: the most of any row group.
fn widths(footer: &ParquetMetaData) -> Widths {
    let mut all = Widths::new();
    for group in footer.row_groups() {
        let mut own = Widths::new();
        for column in group.columns() {
            let bytes = column.uncompressed_size().checked_div(group.num_rows());
            let bytes = bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default();
            let name = column.column_path().parts().first().cloned().unwrap_or_default();
            *own.entry(name).or_default() += bytes;
        }
        for (name, bytes) in own {
            let most = all.entry(name).or_default();
            *most = bytes.max(*most);
        }
    }
    all
}

/// Returns whether a statistic is an instant within the calendar.
fn within(value: &ScalarValue) -> bool {
    let unit = |value: &Option<i64>, per: i64| value.and_then(|value| value.checked_mul(per));
    let micros = match value {
        ScalarValue::Date32(Some(days)) => i64::from(*days).checked_mul(86_400_000_000),
        ScalarValue::TimestampSecond(value, _) => unit(value, 1_000_000),
        ScalarValue::TimestampMillisecond(value, _) => unit(value, 1_000),
        ScalarValue::TimestampMicrosecond(value, _) => unit(value, 1),
        ScalarValue::TimestampNanosecond(value, _) => value.map(|value| value / 1_000),
        _ => None,
    };
    micros.and_then(instant::within_calendar).is_some()
}

/// Returns why a file is invalid, in its decoder's words.
pub(super) fn undecodable(error: &DataFusionError) -> String {
    format!("it can't be decoded: {}", plain(&message(error)))
}

/// Returns a message without the names of the layers that passed it on.
fn plain(mut message: &str) -> &str {
    let prefixes = [
        "Parquet error: ",
        "Avro error: ",
        "Arrow error: ",
        "External: ",
        "EOF: ",
        "Object Store error: ",
        "Generic LocalFileSystem error: ",
    ];
    while let Some(rest) = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    message
}

/// Returns whether the bytes couldn't be read at all, so that nothing is known about the file.
pub(super) fn is_of_store(error: &DataFusionError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.any(|cause| {
        let own = matches!(
            cause.downcast_ref(),
            Some(DataFusionError::ObjectStore(_) | DataFusionError::IoError(_))
        );
        own || cause.is::<object_store::Error>() || cause.is::<std::io::Error>()
    })
}

/// Returns what to do about a file whose bytes can't be read.
fn help(error: &DataFusionError) -> &'static str {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let known = causes.find_map(|cause| cause.downcast_ref().map(local_file::help));
    known.unwrap_or("check that the store can be reached")
}

/// Returns the path by which the object store of local disks knows a file.
fn store_path(path: &Path) -> Result<StorePath, DataFusionError> {
    if path.to_str().is_none() {
        let message = "its name is not UTF-8, and only text files can be opened by such a name: rename it";
        return Err(DataFusionError::Execution(message.to_owned()));
    }
    StorePath::from_absolute_path(path).map_err(|error| DataFusionError::External(Box::new(error)))
}

async fn meta(file: &SourceFile, store: &Arc<dyn ObjectStore>) -> Result<ObjectMeta, DataFusionError> {
    match &file.place {
        FilePlace::Remote { meta, .. } => Ok(meta.as_ref().clone()),
        FilePlace::Local(path) => Ok(store.head(&store_path(path)?).await?),
        FilePlace::Irregular(kind) => Err(DataFusionError::Execution(format!("it is {kind}, not a file"))),
    }
}
