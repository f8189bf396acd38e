//! The files of a Parquet or Avro source: each has a schema of its own, and files with like schemas are
//! scanned together.

use std::{panic::AssertUnwindSafe, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    catalog::{Session, TableProvider},
    common::{ScalarValue, stats::Precision},
    datasource::file_format::{FileFormat, avro::AvroFormat, parquet::ParquetFormat},
    error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as StorePath};

use super::{
    ColumnarTable, avro, of_path,
    reading::{Reading, own_type, reading, widened},
};
use crate::engine::{
    message,
    source::{
        drift::{self, FileColumns, OnMissingColumn, OnNewColumn},
        files::{Place as FilePlace, SourceFile},
        hive::Folders,
        instant,
        kind::Kind,
        names::{self, Place},
        provider::Report,
        spec::{RESCUED, SOURCE_FILE, SOURCE_ROW, SourceFormat, SourceSpec, schema},
        type_name,
    },
};

/// Files whose schemas are looked at side by side.
const LOOKS: usize = 32;

/// Files with one schema, whose columns are read alike.
#[derive(Debug)]
pub(super) struct Like {
    /// Their own schema.
    pub(super) schema: SchemaRef,
    /// For each column of the table, where it comes from; none if these files lack it.
    sources: Vec<(String, Option<Source>)>,
    /// Undeclared columns.
    pub(super) new: Vec<String>,
    /// The columns that their paths give.
    pub(super) folders: Vec<FieldRef>,
    /// The files, with the values that their paths give.
    pub(super) files: Vec<(Arc<str>, ObjectMeta, Vec<ScalarValue>)>,
    /// Whether some value may not fit.
    pub(super) is_judged: bool,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    /// Its name among the columns that are scanned.
    pub(super) from: String,
    pub(super) reading: Reading,
}

impl Like {
    /// Where a column of the table comes from.
    pub(super) fn source(&self, column: &str) -> Option<&Source> {
        self.sources.iter().find(|(name, _)| name == column)?.1.as_ref()
    }

    /// Returns whether the values of a column are judged.
    pub(super) fn judges(&self, column: &str) -> bool {
        self.source(column).is_some_and(|source| source.reading.is_judged())
    }

    /// Returns whether the files have an undeclared column of this name.
    pub(super) fn is_new(&self, column: &str) -> bool {
        self.new.iter().any(|name| name == column)
    }
}

/// A file, and what is known of it.
struct Look {
    name: Arc<str>,
    meta: ObjectMeta,
    schema: SchemaRef,
    folders: Folders,
    places: Vec<Place>,
    columns: FileColumns,
    /// For each column of the file, whether all its instants are within the calendar.
    bounded: Vec<bool>,
}

/// The table of a source of Parquet or Avro files.
pub(in crate::engine::source) async fn table(
    spec: &SourceSpec,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let plan = |message: String| DataFusionError::Plan(format!("{}: {message}", spec.name));
    let declared = schema(spec)?;
    if declared.index_of(SOURCE_ROW).is_ok() {
        return Err(plan(format!("`{SOURCE_ROW}` can't be had of Parquet and Avro files")));
    }
    let format: Arc<dyn FileFormat> = match spec.format {
        SourceFormat::Avro => Arc::new(AvroFormat),
        _ => Arc::new(ParquetFormat::default().with_options(session.table_options().parquet.clone())),
    };
    // These formats describe themselves: what they have besides is a column, unless something else is said.
    let on_new = spec.drift.on_new_column.filter(|_| !spec.columns.is_empty()).unwrap_or(OnNewColumn::Add);
    let supplied = |name: &str| name == SOURCE_FILE || (on_new == OnNewColumn::Rescue && name == RESCUED);
    let wanted: Vec<FieldRef> =
        declared.fields().iter().filter(|field| !supplied(field.name())).cloned().collect();
    let names: Arc<[String]> = wanted.iter().map(|field| field.name().clone()).collect();
    let (url, store) = store(&files, session)?;
    let looking = Looking { spec, session, format: &format, store: &store, names: &names };
    let looks = stream::iter(files).map(|file| looking.safely(file)).buffered(LOOKS);
    let mut looks: Vec<Look> = looks.try_collect().await?;

    let mut refused = Vec::new();
    let drift = &spec.drift;
    looks.retain(|look| {
        let fault = look
            .folders
            .fault(&names, |at| (Kind::from_arrow(wanted[at].data_type()).unwrap_or(Kind::Text), false));
        let missing = look.columns.deviation.missing.first();
        let missing = missing.filter(|_| drift.on_missing_column == OnMissingColumn::RejectFile);
        let reason = fault.or_else(|| missing.map(|name| format!("it lacks the declared column `{name}`")));
        refused.extend(reason.iter().map(|reason| (Arc::clone(&look.name), reason.clone())));
        reason.is_none()
    });
    if !names.is_empty() && !looks.is_empty() && !drift.is_lenient {
        let lacks_all = |look: &Look| look.columns.deviation.missing.len() == names.len();
        if drift.on_missing_column == OnMissingColumn::Null && looks.iter().all(lacks_all) {
            let found: std::collections::BTreeSet<&str> =
                looks.iter().flat_map(|look| &look.columns.own).map(String::as_str).collect();
            let found = found.into_iter().collect::<Vec<_>>().join(", ");
            return Err(plan(format!("the files have none of the declared columns; they have {found}")));
        }
    }
    let columns: Vec<FileColumns> = looks.iter().map(|look| look.columns.clone()).collect();
    let refusal = columns.iter().find_map(|file| drift.refuse(on_new, &names, file));
    let judged = refusal.map_or_else(|| drift::judge(drift, on_new, &names, &columns), Err);
    let notes = match judged {
        Ok(notes) => notes,
        Err(message) if drift.is_lenient => vec![message],
        Err(message) => return Err(plan(message)),
    };
    let mut fields = declared.fields().to_vec();
    if on_new == OnNewColumn::Add {
        fields.extend(others(&looks).map_err(&plan)?);
    }
    let mut groups = Vec::new();
    for look in &looks {
        add(&mut groups, look, &fields, &wanted).map_err(&plan)?;
    }
    let is_rescued = on_new == OnNewColumn::Rescue && groups.iter().any(|group: &Like| !group.new.is_empty());
    for group in &mut groups {
        group.is_judged |= is_rescued;
    }
    let deviations = looks.iter().map(|look| (Arc::clone(&look.name), look.columns.deviation.clone()));
    Ok(Arc::new(ColumnarTable {
        schema: Arc::new(Schema::new(fields)),
        format,
        url,
        groups,
        refused,
        drift: Arc::new(drift.clone()),
        on_new,
        declared: names,
        notes,
        deviations: deviations.collect(),
        report,
    }))
}

struct Looking<'a> {
    spec: &'a SourceSpec,
    session: &'a dyn Session,
    format: &'a Arc<dyn FileFormat>,
    store: &'a Arc<dyn ObjectStore>,
    names: &'a Arc<[String]>,
}

impl Looking<'_> {
    /// The same as [`Looking::look`], where the decoders of damaged files may panic.
    async fn safely(&self, file: SourceFile) -> Result<Look, DataFusionError> {
        let name = Arc::clone(&file.name);
        AssertUnwindSafe(self.look(file)).catch_unwind().await.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            let message = format!("{}: {name} is damaged: its decoder gave up ({text})", self.spec.name);
            Err(DataFusionError::Execution(message))
        })
    }

    async fn look(&self, file: SourceFile) -> Result<Look, DataFusionError> {
        let failed =
            |message: String| DataFusionError::Plan(format!("{}: {}: {message}", self.spec.name, file.name));
        let meta = meta(&file, self.store).await?;
        let metas = std::slice::from_ref(&meta);
        let schema = self.format.infer_schema(self.session, self.store, metas).await;
        let mut schema = schema.map_err(|error| {
            DataFusionError::Execution(format!("{}: {}: {}", self.spec.name, file.name, message(&error)))
        })?;
        if self.spec.format == SourceFormat::Avro {
            schema = avro::with_uuids(schema, self.store, &meta).await?;
        }
        let own: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let folders = Folders::of(&file.name, self.names);
        let supplied = folders.supplied(self.names.len());
        let places = names::places(&own, self.names, &supplied).map_err(failed)?;
        let deviation = names::deviation(&own, &places, self.names, &supplied, self.names.len());
        let (rows, bounded) = self.bounds(&schema, &meta, !deviation.is_none()).await?;
        let columns = FileColumns { file: file.name.to_string(), rows, own, deviation };
        Ok(Look { name: file.name, meta, schema, folders, places, columns, bounded })
    }

    /// How many rows a file has, and for each of its columns whether all its instants are within the
    /// calendar, as far as its statistics tell. They are asked only if it matters.
    async fn bounds(
        &self,
        schema: &SchemaRef,
        meta: &ObjectMeta,
        counts: bool,
    ) -> Result<(Option<u64>, Vec<bool>), DataFusionError> {
        let is_instant =
            |field: &FieldRef| matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..));
        let mut bounded: Vec<bool> = schema.fields().iter().map(|field| !is_instant(field)).collect();
        if !counts && bounded.iter().all(|bounded| *bounded) {
            return Ok((None, bounded));
        }
        let statistics = self.format.infer_stats(self.session, self.store, Arc::clone(schema), meta).await?;
        let rows = match statistics.num_rows {
            Precision::Exact(rows) => Some(rows as u64),
            _ => None,
        };
        for (bounded, column) in bounded.iter_mut().zip(&statistics.column_statistics) {
            let is_within = |value: &Precision<ScalarValue>| match value {
                Precision::Exact(value) => within(value),
                _ => false,
            };
            *bounded |= is_within(&column.min_value) && is_within(&column.max_value);
        }
        Ok((rows, bounded))
    }
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

/// The undeclared columns, in the order in which files have them, of types that hold the values of all.
fn others(looks: &[Look]) -> Result<Vec<FieldRef>, String> {
    let mut others: Vec<(Field, &Arc<str>)> = Vec::new();
    for look in looks {
        let new = look.schema.fields().iter().zip(&look.places).filter(|(_, place)| **place == Place::New);
        for (field, _) in new {
            let own = own_type(field);
            let Some((known, file)) =
                others.iter_mut().find(|(known, _)| names::same(known.name(), field.name()))
            else {
                others.push((Field::new(field.name(), own, true), &look.name));
                continue;
            };
            let wider = widened(known.data_type(), &own).ok_or_else(|| {
                let (one, other) = (type_name(known.data_type()), type_name(&own));
                format!(
                    "the column `{}` is {one} in {file} and {other} in {}, and no type holds both: declare its `data_type`, \
                     and rows that don't fit are set aside",
                    field.name(),
                    look.name
                )
            })?;
            *known = Field::new(known.name(), wider, true);
        }
    }
    Ok(others.into_iter().map(|(field, _)| Arc::new(field)).collect())
}

/// Adds a file to those that are like it.
fn add(groups: &mut Vec<Like>, look: &Look, fields: &[FieldRef], wanted: &[FieldRef]) -> Result<(), String> {
    let mut sources = Vec::new();
    for field in fields {
        sources.push((field.name().clone(), source(look, field, wanted)?));
    }
    let (folders, values): (Vec<FieldRef>, Vec<ScalarValue>) = look
        .folders
        .values()
        .map(|(at, token)| {
            let value = crate::engine::source::column::scalar(token, wanted[at].data_type());
            (Arc::clone(&wanted[at]), value)
        })
        .unzip();
    let file = (Arc::clone(&look.name), look.meta.clone(), values);
    let alike = |group: &&mut Like| {
        group.schema == look.schema && group.folders == folders && group.sources == sources
    };
    if let Some(group) = groups.iter_mut().find(alike) {
        group.files.push(file);
        return Ok(());
    }
    let is_judged =
        sources.iter().filter_map(|(_, source)| source.as_ref()).any(|source| source.reading.is_judged());
    let new = look.columns.deviation.new.clone();
    groups.push(Like {
        schema: Arc::clone(&look.schema),
        sources,
        new,
        folders,
        files: vec![file],
        is_judged,
    });
    Ok(())
}

/// Where a column of the table comes from in a file.
fn source(look: &Look, field: &Field, wanted: &[FieldRef]) -> Result<Option<Source>, String> {
    if field.name() == SOURCE_FILE {
        return Ok(Some(Source { from: of_path(SOURCE_FILE), reading: Reading::Same }));
    }
    let column = wanted.iter().position(|wanted| wanted.name() == field.name());
    if let Some(column) = column
        && look.folders.values().any(|(folder, _)| folder == column)
    {
        return Ok(Some(Source { from: of_path(field.name()), reading: Reading::Same }));
    }
    let at = look.places.iter().enumerate().position(|(at, place)| match (place, column) {
        (Place::Column(place), Some(column)) => *place == column,
        (Place::New, None) => names::same(look.schema.field(at).name(), field.name()),
        _ => false,
    });
    let Some(at) = at else { return Ok(None) };
    let own = look.schema.field(at);
    let reading = reading(own, field.data_type(), look.bounded[at])
        .map_err(|reason| format!("{}: column `{}`: {reason}", look.name, own.name()))?;
    Ok(Some(Source { from: own.name().clone(), reading }))
}

fn store(
    files: &[SourceFile],
    session: &dyn Session,
) -> Result<(ObjectStoreUrl, Arc<dyn ObjectStore>), DataFusionError> {
    if let Some(FilePlace::Remote { url, store, .. }) = files.first().map(|file| &file.place) {
        return Ok((url.clone(), Arc::clone(store)));
    }
    let url = ObjectStoreUrl::local_filesystem();
    let store = session.runtime_env().object_store(&url)?;
    Ok((url, store))
}

async fn meta(file: &SourceFile, store: &Arc<dyn ObjectStore>) -> Result<ObjectMeta, DataFusionError> {
    match &file.place {
        FilePlace::Remote { meta, .. } => Ok(meta.as_ref().clone()),
        FilePlace::Local(path) => {
            let path = StorePath::from_absolute_path(path)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok(store.head(&path).await?)
        }
    }
}
