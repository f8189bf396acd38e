//! Opening of a Parquet or Avro source: reads the metadata of its files and decides the table's columns.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema},
    catalog::{Session, TableProvider},
    datasource::file_format::{FileFormat, avro::AvroFormat, parquet::ParquetFormat},
    error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use tokio::sync::OnceCell;

use super::{
    column_rules::{ColumnRules, parted},
    files::{Like, add},
    look::{MatchedFile, MetadataReader},
    reading::widen,
    table::ColumnarTable,
    undeclared,
};
use crate::source::{
    drift::{FileColumns, OnMissingColumn, OnNewColumn},
    file::{FilePlace, SourceFile},
    names::{self, ColumnPlace},
    reporting::Report,
    spec::{DateUnit, RESCUED, SOURCE_FILE, SOURCE_ROW, SourceFormat, SourceSpec, is_supplied, schema},
};

/// The number of files whose schemas are read concurrently.
const LOOKS: usize = 32;

/// Creates the table of a source of Parquet or Avro files.
pub(in crate::source) async fn table(
    spec: &SourceSpec,
    unit: DateUnit,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    Ok(Arc::new(open(spec, unit, session, files, report).await?))
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
        return Err(plan(format!("`{SOURCE_ROW}` isn't available for Parquet and Avro files")));
    }
    let format = file_format(spec, session);
    let drift = &spec.drift;
    let is_undeclared = spec.columns.iter().all(|(name, _)| is_supplied(name));
    // These formats describe themselves: by default an undeclared field becomes a column.
    let on_new = drift.on_new_column.unwrap_or(OnNewColumn::Add);
    let (url, store) = store(&files, session)?;
    let is_avro = matches!(spec.format, SourceFormat::Avro { .. });
    let reader = MetadataReader { spec, is_avro, session, format: &format, store: &store };
    let folders = if is_undeclared { undeclared::folders(&files, &drift.known) } else { Vec::new() };
    let seen = stream::iter(files).map(|file| reader.look(file)).buffered(LOOKS);
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
    let rules = ColumnRules { drift: drift.clone(), on_new, names, is_free: is_undeclared && !is_held };
    let looks = rules.usable(seen, &wanted, &mut refused).map_err(&plan)?;
    check_declared(&rules, &looks, is_undeclared).map_err(&plan)?;
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
    let groups = grouped(&looks, &fields, &wanted, on_new).map_err(&plan)?;
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

/// Returns the format of the files.
fn file_format(spec: &SourceSpec, session: &dyn Session) -> Arc<dyn FileFormat> {
    match spec.format {
        SourceFormat::Avro { .. } => Arc::new(AvroFormat),
        _ => Arc::new(ParquetFormat::default().with_options(session.table_options().parquet.clone())),
    }
}

/// Checks that the files have any of the declared columns.
///
/// # Errors
/// If they have none of them, unless the drift policy allows it.
fn check_declared(rules: &ColumnRules, looks: &[MatchedFile], is_undeclared: bool) -> Result<(), String> {
    if is_undeclared || looks.is_empty() || rules.drift.is_lenient {
        return Ok(());
    }
    let lacks_all = |look: &MatchedFile| look.columns.deviation.missing.len() == rules.names.len();
    if rules.drift.on_missing_column == OnMissingColumn::Null && looks.iter().all(lacks_all) {
        let found: BTreeSet<&str> =
            looks.iter().flat_map(|look| &look.columns.own).map(String::as_str).collect();
        let found = found.into_iter().collect::<Vec<_>>().join(", ");
        return Err(format!("the files have none of the declared columns; they have {found}"));
    }
    Ok(())
}

/// Groups the files by schema.
///
/// # Errors
/// If a column can't be read as the table's type.
fn grouped(
    looks: &[MatchedFile],
    fields: &[FieldRef],
    wanted: &[FieldRef],
    on_new: OnNewColumn,
) -> Result<Vec<Like>, String> {
    let mut groups = Vec::new();
    for look in looks {
        add(&mut groups, look, fields, wanted)?;
    }
    let is_rescued = on_new == OnNewColumn::Rescue && groups.iter().any(|group: &Like| !group.new.is_empty());
    for group in &mut groups {
        group.is_judged |= is_rescued;
    }
    Ok(groups)
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
