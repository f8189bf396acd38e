//! The files of a Parquet or Avro source: each has its own schema, and files with equal schemas are scanned
//! together.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    catalog::Session,
    common::ScalarValue,
    datasource::file_format::{FileFormat, avro::AvroFormat, parquet::ParquetFormat},
    error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::OnceCell;

use super::{
    ColumnarTable,
    look::{FileMetadata, MatchedFile, MetadataReader, Widths},
    of_path,
    reading::{ColumnReading, own_type, reading, widened},
    undeclared,
};
use crate::engine::source::{
    drift::{self, Drift, FileColumns, OnMissingColumn, OnNewColumn},
    files::{FilePlace, SourceFile},
    kind::ColumnKind,
    names::{self, ColumnPlace},
    provider::Report,
    spec::{DateUnit, RESCUED, SOURCE_FILE, SOURCE_ROW, SourceFormat, SourceSpec, is_supplied, schema},
    type_name,
};

/// The number of files whose schemas are read concurrently.
const LOOKS: usize = 32;

/// A file that is rejected as a whole.
#[derive(Debug, Clone)]
pub(super) struct RefusedFile {
    pub(super) file: Arc<str>,
    /// The byte offset of the damage, if known.
    pub(super) offset: Option<u64>,
    pub(super) reason: String,
}

/// Files with one schema, whose columns are read in the same way.
#[derive(Debug, Clone)]
pub(super) struct Like {
    /// The files' own schema.
    pub(super) schema: SchemaRef,
    /// The origin of each column of the table, or `None` if these files lack it.
    sources: Vec<(String, Option<ColumnSource>)>,
    /// The undeclared columns.
    pub(super) new: Vec<String>,
    /// The partition columns from the files' paths.
    pub(super) folders: Vec<FieldRef>,
    /// The files, with their partition values.
    pub(super) files: Vec<(Arc<str>, ObjectMeta, Vec<ScalarValue>)>,
    /// True if some value may not fit, so that rows must be validated.
    pub(super) is_judged: bool,
    pub(super) widths: Widths,
}

/// The origin of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnSource {
    /// The column's name in the scan.
    pub(super) from: String,
    pub(super) reading: ColumnReading,
}

impl Like {
    /// Returns the origin of a column of the table.
    pub(super) fn source(&self, column: &str) -> Option<&ColumnSource> {
        self.sources.iter().find(|(name, _)| name == column)?.1.as_ref()
    }

    /// Returns whether a column's values are validated.
    pub(super) fn judges(&self, column: &str) -> bool {
        self.source(column).is_some_and(|source| source.reading.is_judged())
    }

    /// Returns whether the files have an undeclared column of this name.
    pub(super) fn is_new(&self, column: &str) -> bool {
        self.new.iter().any(|name| name == column)
    }
}

/// Opens the files of a Parquet or Avro source.
pub(super) async fn open(
    spec: &SourceSpec,
    unit: DateUnit,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<ColumnarTable, DataFusionError> {
    let plan = |message: String| DataFusionError::Plan(format!("{}: {message}", spec.name));
    let declared = schema(spec)?;
    if declared.index_of(SOURCE_ROW).is_ok() {
        return Err(plan(format!("`{SOURCE_ROW}` can't be had of Parquet and Avro files")));
    }
    let format: Arc<dyn FileFormat> = match spec.format {
        SourceFormat::Avro { .. } => Arc::new(AvroFormat),
        _ => Arc::new(ParquetFormat::default().with_options(session.table_options().parquet.clone())),
    };
    let drift = &spec.drift;
    let is_undeclared = spec.columns.iter().all(|(name, _)| is_supplied(name));
    // These formats describe themselves: by default an undeclared field becomes a column.
    let on_new = drift.on_new_column.unwrap_or(OnNewColumn::Add);
    let (url, store) = store(&files, session)?;
    let is_avro = matches!(spec.format, SourceFormat::Avro { .. });
    let looking = MetadataReader { spec, is_avro, session, format: &format, store: &store };
    let folders = if is_undeclared { undeclared::folders(&files, &drift.known) } else { Vec::new() };
    let seen = stream::iter(files).map(|file| looking.look(file)).buffered(LOOKS);
    let (seen, mut refused) = parted(seen.try_collect::<Vec<_>>().await?);
    if seen.is_empty()
        && let [first, rest @ ..] = refused.as_slice()
        && is_undeclared
    {
        return Err(report.unreadable(&first.file, &first.reason, rest.len()));
    }
    let supplied = |name: &str| name == SOURCE_FILE || (on_new == OnNewColumn::Rescue && name == RESCUED);
    let (mut fields, mut wanted) = (declared.fields().to_vec(), Vec::new());
    wanted.extend(fields.iter().filter(|field| !supplied(field.name())).cloned());
    let is_held = is_undeclared && undeclared::is_held(drift);
    if is_held {
        let held = undeclared::held(&seen, &drift.known, &folders).map_err(&plan)?;
        fields.extend(held.iter().cloned());
        wanted.extend(held);
    }
    wanted.extend(folders.iter().cloned());
    let names: Arc<[String]> = wanted.iter().map(|field| field.name().clone()).collect();
    let rules = Rules { drift: drift.clone(), on_new, names, is_free: is_undeclared && !is_held };
    let looks = rules.usable(seen, &wanted, &mut refused).map_err(&plan)?;
    if !is_undeclared && !looks.is_empty() && !drift.is_lenient {
        let lacks_all = |look: &MatchedFile| look.columns.deviation.missing.len() == rules.names.len();
        if drift.on_missing_column == OnMissingColumn::Null && looks.iter().all(lacks_all) {
            let found: std::collections::BTreeSet<&str> =
                looks.iter().flat_map(|look| &look.columns.own).map(String::as_str).collect();
            let found = found.into_iter().collect::<Vec<_>>().join(", ");
            return Err(plan(format!("the files have none of the declared columns; they have {found}")));
        }
    }
    let columns: Vec<FileColumns> = looks.iter().map(|look| rules.columns(look)).collect();
    rules.notes(&columns).map_err(&plan)?;
    if on_new == OnNewColumn::Add {
        let known: &[_] = if is_undeclared { &drift.known } else { &[] };
        fields.extend(others(known, &rules.names, &looks).map_err(&plan)?);
    }
    fields.extend(folders);
    if is_undeclared {
        // `_rescued` is computed from the other columns, so it comes after them.
        fields.sort_by_key(|field| field.name() == RESCUED && supplied(RESCUED));
    }
    let mut groups = Vec::new();
    for look in &looks {
        add(&mut groups, look, &fields, &wanted).map_err(&plan)?;
    }
    let is_rescued = on_new == OnNewColumn::Rescue && groups.iter().any(|group: &Like| !group.new.is_empty());
    for group in &mut groups {
        group.is_judged |= is_rescued;
    }
    Ok(ColumnarTable {
        schema: Arc::new(Schema::new(fields)),
        format,
        url,
        groups,
        refused,
        looked: looks.into_iter().map(|look| look.file).collect(),
        columns,
        rules,
        is_avro,
        unit,
        checked: OnceCell::new(),
        report,
    })
}

/// Splits the files into usable and rejected ones.
fn parted<T>(files: Vec<Result<T, RefusedFile>>) -> (Vec<T>, Vec<RefusedFile>) {
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        match file {
            Ok(file) => good.push(file),
            Err(file) => refused.push(file),
        }
    }
    (good, refused)
}

/// The rules that the files' columns must follow.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) drift: Drift,
    pub(super) on_new: OnNewColumn,
    pub(super) names: Arc<[String]>,
    /// True if no columns are declared, so that files are only compared with one another.
    is_free: bool,
}

impl Rules {
    /// Returns the files whose columns are usable, and adds the others to `refused`.
    ///
    /// # Errors
    /// If the columns of a file are ambiguous.
    fn usable(
        &self,
        seen: Vec<FileMetadata>,
        wanted: &[FieldRef],
        refused: &mut Vec<RefusedFile>,
    ) -> Result<Vec<MatchedFile>, String> {
        let rejects = self.drift.on_missing_column == OnMissingColumn::RejectFile;
        let looks = seen.into_iter().map(|seen| seen.matched(&self.names, self.on_new));
        let (mut looks, unclear) = parted(looks.collect());
        if let Some(RefusedFile { file, reason, .. }) = unclear.first().filter(|_| !rejects) {
            return Err(format!("{file}: {reason}"));
        }
        refused.extend(unclear);
        looks.retain(|look| {
            let kind = |at: usize| {
                (ColumnKind::from_arrow(wanted[at].data_type()).unwrap_or(ColumnKind::Text), self.is_free)
            };
            let missing = look.columns.deviation.missing.first().filter(|_| rejects);
            let missing = missing.map(|name| format!("it lacks the declared column `{name}`"));
            let reason = look.folders.fault(&self.names, kind).or(missing);
            let file = |reason: &String| RefusedFile {
                file: Arc::clone(&look.name),
                offset: None,
                reason: reason.clone(),
            };
            refused.extend(reason.as_ref().map(file));
            reason.is_none()
        });
        Ok(looks)
    }

    /// Returns the columns of a file. If none are declared, they include the partition columns of its path.
    fn columns(&self, look: &MatchedFile) -> FileColumns {
        let mut columns = look.columns.clone();
        if self.is_free {
            let is_own = |name: &String| columns.own.iter().any(|own| names::same(own, name));
            let given = look.folders.values().map(|(column, _)| self.names[column].clone());
            let given: Vec<String> = given.filter(|name| !is_own(name)).collect();
            columns.own.extend(given);
        }
        columns
    }

    /// Returns notes on how the files' columns differ from the declared ones, or from one another.
    ///
    /// # Errors
    /// If a difference is an error.
    pub(super) fn notes(&self, files: &[FileColumns]) -> Result<Vec<String>, String> {
        let Self { drift, on_new, names, is_free } = self;
        let notes = if *is_free {
            undeclared::judge(drift, files)
        } else {
            match files.iter().find_map(|file| drift.refuse(*on_new, names, file)) {
                Some(refusal) => Err(refusal),
                None => drift::judge(drift, *on_new, names, files),
            }
        };
        match notes {
            Err(message) if drift.is_lenient => Ok(vec![message]),
            notes => notes,
        }
    }
}

/// Returns the undeclared columns in order of appearance, with types wide enough for the values of all files.
/// Columns `known` from other files come first.
fn others(
    known: &[(String, DataType)],
    declared: &[String],
    looks: &[MatchedFile],
) -> Result<Vec<FieldRef>, String> {
    let is_other = |name: &str| !is_supplied(name) && !declared.iter().any(|own| names::same(own, name));
    let known = known.iter().filter(|(name, _)| is_other(name));
    let known = known.map(|(name, data_type)| (Field::new(name, data_type.clone(), true), "other files"));
    let mut others: Vec<(Field, &str)> = known.collect();
    for look in looks {
        let new =
            look.schema.fields().iter().zip(&look.places).filter(|(_, place)| **place == ColumnPlace::New);
        for (field, _) in new {
            widen(&mut others, field, &look.name)?;
        }
    }
    Ok(others.into_iter().map(|(field, _)| Arc::new(field)).collect())
}

/// Widens a type to hold the column of one more file.
///
/// # Errors
/// If no type holds the values of all files.
pub(super) fn widen<'a>(
    others: &mut Vec<(Field, &'a str)>,
    field: &Field,
    file: &'a str,
) -> Result<(), String> {
    let own = own_type(field);
    let Some((known, other)) = others.iter_mut().find(|(known, _)| names::same(known.name(), field.name()))
    else {
        others.push((Field::new(field.name(), own, true), file));
        return Ok(());
    };
    let wider = widened(known.data_type(), &own).ok_or_else(|| {
        let (one, two) = (type_name(known.data_type()), type_name(&own));
        format!(
            "the column `{}` is {one} in {other} and {two} in {file}, and no type holds both: declare its `data_type`, \
             and rows that don't fit are set aside",
            field.name(),
        )
    })?;
    *known = Field::new(known.name(), wider, true);
    Ok(())
}

/// Adds a file to the group with the same schema.
fn add(
    groups: &mut Vec<Like>,
    look: &MatchedFile,
    fields: &[FieldRef],
    wanted: &[FieldRef],
) -> Result<(), String> {
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
        for (name, bytes) in &look.widths {
            let most = group.widths.entry(name.clone()).or_default();
            *most = (*bytes).max(*most);
        }
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
        widths: look.widths.clone(),
    });
    Ok(())
}

/// Returns the origin of a column of the table in a file.
fn source(look: &MatchedFile, field: &Field, wanted: &[FieldRef]) -> Result<Option<ColumnSource>, String> {
    if field.name() == SOURCE_FILE {
        return Ok(Some(ColumnSource { from: of_path(SOURCE_FILE), reading: ColumnReading::Same }));
    }
    let column = wanted.iter().position(|wanted| wanted.name() == field.name());
    if let Some(column) = column
        && look.folders.values().any(|(folder, _)| folder == column)
    {
        return Ok(Some(ColumnSource { from: of_path(field.name()), reading: ColumnReading::Same }));
    }
    let at = look.places.iter().enumerate().position(|(at, place)| match (place, column) {
        (ColumnPlace::Column(place), Some(column)) => *place == column,
        (ColumnPlace::New, None) => names::same(look.schema.field(at).name(), field.name()),
        _ => false,
    });
    let Some(at) = at else { return Ok(None) };
    let own = look.schema.field(at);
    let reading = reading(own, field.data_type(), look.bounded[at])
        .map_err(|reason| format!("{}: column `{}`: {reason}", look.name, own.name()))?;
    Ok(Some(ColumnSource { from: own.name().clone(), reading }))
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
