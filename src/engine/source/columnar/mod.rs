//! Parquet and Avro sources: runs DataFusion's own readers over the files, and casts to the declared types.
//!
//! ```text
//! look         each file's own schema
//! files        how it matches the declared columns; files with equal schemas are scanned together
//! undeclared   sources that declare no columns
//! avro         integrity checks of Avro files, and their UUID columns
//! reading      how a file's column becomes a source column: as is, cast, or value by value
//! judged       rows that may not fit: validates them, and rejects those that don't
//! value        a value as a token and as JSON
//! ```
//!
//! Undeclared columns keep the files' types, widened where these differ. Filters are pushed down to the
//! files' statistics only if no row can be rejected, because a row that was pruned can't be validated.

mod avro;
mod files;
mod judged;
mod look;
mod reading;
#[cfg(test)]
mod tests;
mod undeclared;
mod value;

use std::{borrow::Cow, collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    catalog::{Session, TableProvider},
    common::ScalarValue,
    datasource::{
        file_format::FileFormat,
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder},
        table_schema::TableSchema,
    },
    error::DataFusionError,
    execution::object_store::ObjectStoreUrl,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_expr::{
        PhysicalExpr,
        expressions::{Column, Literal, cast},
    },
    physical_plan::{
        ExecutionPlan,
        projection::ProjectionExec,
        streaming::{PartitionStream, StreamingTableExec},
        union::UnionExec,
    },
};
use futures::{FutureExt, StreamExt, stream};
use tokio::{runtime::Handle, sync::OnceCell};

use self::{
    avro::Break,
    files::{ColumnSource, Like, RefusedFile, Rules},
    judged::{ValidatedPartition, ValidatedScan, WantedColumn},
    reading::ColumnReading,
};
use super::{
    drift::{Drift, FileColumns, OnNewColumn},
    files::SourceFile,
    intake::Intake,
    provider::{Report, Where},
    spec::{DateUnit, RESCUED, SOURCE_FILE, SourceSpec},
};
use crate::engine::memory::Budget;

/// The table of a source of Parquet or Avro files.
#[derive(Debug)]
struct ColumnarTable {
    /// The table's schema: the declared columns, then the files' other columns.
    schema: SchemaRef,
    format: Arc<dyn FileFormat>,
    url: ObjectStoreUrl,
    /// The files, grouped by schema.
    groups: Vec<Like>,
    /// Files already known to be rejected as a whole, before any row is read.
    refused: Vec<RefusedFile>,
    /// The other files.
    looked: Vec<SourceFile>,
    /// The columns of those files.
    columns: Vec<FileColumns>,
    rules: Rules,
    is_avro: bool,
    /// The unit of timestamps stored as plain numbers.
    unit: DateUnit,
    /// The result of the Avro integrity checks, from the first scan.
    checked: OnceCell<Checked>,
    report: Report,
}

/// The result of integrity checks.
#[derive(Debug, Default)]
struct Checked {
    broken: Vec<RefusedFile>,
    /// The row counts of the intact files.
    rows: BTreeMap<Arc<str>, u64>,
}

/// Creates the table of a source of Parquet or Avro files.
pub(super) async fn table(
    spec: &SourceSpec,
    unit: DateUnit,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    Ok(Arc::new(files::open(spec, unit, session, files, report).await?))
}

/// Reads each file to its end, and records the damaged ones. Returns whether there are any.
pub(super) async fn find_damage(
    spec: &SourceSpec,
    unit: DateUnit,
    session: &dyn Session,
    files: Vec<SourceFile>,
    report: Report,
) -> Result<bool, DataFusionError> {
    let table = files::open(spec, unit, session, files, report).await?;
    let mut is_found = false;
    for group in &table.groups {
        for file in &group.files {
            let mut one = group.clone();
            one.files = vec![file.clone()];
            let scan = table.files(session, &one, &|_| true, None).await?;
            let read = AssertUnwindSafe(read(&scan, session)).catch_unwind().await;
            let reason = match read {
                Ok(Ok(())) => continue,
                Ok(Err(error)) if look::is_of_store(&error) => return Err(error),
                Ok(Err(error)) => look::undecodable(&error),
                Err(_) => "it is damaged: its decoder gave up".to_owned(),
            };
            if let Some(file) = table.looked.iter().find(|looked| looked.name == file.0) {
                spec.drift.damaged.add(file, reason);
                is_found = true;
            }
        }
    }
    Ok(is_found)
}

/// Reads all rows of a scan, and discards them.
async fn read(scan: &Arc<dyn ExecutionPlan>, session: &dyn Session) -> Result<(), DataFusionError> {
    for partition in 0..partitions(scan) {
        let mut batches = scan.execute(partition, session.task_ctx())?;
        while let Some(batch) = batches.next().await {
            batch?;
        }
    }
    Ok(())
}

/// Returns the scan's name for a partition column from the path. No column of a file has such a name.
fn of_path(column: &str) -> String {
    format!("{SOURCE_FILE}/{column}")
}

#[async_trait]
impl TableProvider for ColumnarTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// The filter stays above the scan; DataFusion's optimizer pushes it down to Parquet's statistics.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let wanted = match projection {
            Some(projection) => Arc::new(self.schema.project(projection)?),
            None => Arc::clone(&self.schema),
        };
        let limit = limit.filter(|_| filters.is_empty());
        let checked = self.checked.get_or_try_init(|| self.check(session)).await?;
        self.note(checked)?;
        let groups = self.whole(checked);
        let refused = [self.refused.as_slice(), checked.broken.as_slice()].concat();
        if groups.iter().any(|group| group.is_judged) || !refused.is_empty() {
            return self.judged(session, &wanted, limit, &groups, refused).await;
        }
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        for group in groups.iter() {
            let scan = self.files(session, group, &|column| wanted.index_of(column).is_ok(), limit).await?;
            let scanned = scan.schema();
            let columns = wanted
                .fields()
                .iter()
                .map(|field| Ok((expression(field, group, &scanned)?, field.name().clone())));
            let columns = columns.collect::<Result<Vec<_>, DataFusionError>>()?;
            plans.push(Arc::new(ProjectionExec::try_new(columns, scan)?));
        }
        match <[_; 1]>::try_from(plans) {
            Ok([plan]) => Ok(plan),
            Err(plans) => UnionExec::try_new(plans),
        }
    }
}

impl ColumnarTable {
    /// Reads Avro files to their end, the only way to detect damage. Parquet's footers were already checked.
    async fn check(&self, session: &dyn Session) -> Result<Checked, DataFusionError> {
        let mut found = Checked::default();
        if !self.is_avro {
            return Ok(found);
        }
        let checks = stream::iter(self.looked.clone()).map(|file| async move {
            let name = Arc::clone(&file.name);
            let check = tokio::task::spawn_blocking(move || avro::check(&file, &Handle::current())).await;
            (name, check)
        });
        let mut checks = checks.buffered(session.config().target_partitions().max(1));
        while let Some((file, check)) = checks.next().await {
            let check = check.map_err(|error| DataFusionError::External(Box::new(error)))?;
            match check.map_err(|error| self.report.failure(&file, &error.to_string()))? {
                Ok(rows) => {
                    found.rows.insert(file, rows);
                }
                Err(Break { offset, reason }) => {
                    found.broken.push(RefusedFile { file, offset: Some(offset), reason });
                }
            }
        }
        Ok(found)
    }

    /// Returns the files to read, without those that turned out to be damaged.
    fn whole(&self, checked: &Checked) -> Cow<'_, [Like]> {
        if checked.broken.is_empty() {
            return Cow::Borrowed(&self.groups);
        }
        let mut groups = self.groups.clone();
        for group in &mut groups {
            group.files.retain(|(file, ..)| checked.rows.contains_key(file));
        }
        groups.retain(|group| !group.files.is_empty());
        Cow::Owned(groups)
    }

    /// Reports how the columns of the files to read differ from the declared ones.
    fn note(&self, checked: &Checked) -> Result<(), DataFusionError> {
        let is_broken = |file: &FileColumns| checked.broken.iter().any(|broken| *broken.file == *file.file);
        let columns = self.columns.iter().filter(|file| !is_broken(file)).map(|file| {
            let rows = file.rows.or_else(|| checked.rows.get(file.file.as_str()).copied());
            FileColumns { rows, ..file.clone() }
        });
        let columns: Vec<FileColumns> = columns.collect();
        let notes = self.rules.notes(&columns).map_err(|message| self.report.error(message))?;
        let deviations = columns.into_iter().map(|file| (file.file.into(), file.deviation));
        self.report.note(&notes, deviations);
        Ok(())
    }

    /// Creates a scan that validates every row.
    async fn judged(
        &self,
        session: &dyn Session,
        wanted: &SchemaRef,
        limit: Option<usize>,
        groups: &[Like],
        refused: Vec<RefusedFile>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let mut scans = Vec::new();
        for group in groups {
            let needed = |column: &str| {
                let rescues = wanted.index_of(RESCUED).is_ok() && self.rules.on_new == OnNewColumn::Rescue;
                wanted.index_of(column).is_ok() || group.judges(column) || (rescues && group.is_new(column))
            };
            scans.push((group, self.files(session, group, &needed, None).await?));
        }
        let partitions = scans.iter().map(|(_, scan)| partitions(scan)).sum::<usize>();
        let partitions = partitions + usize::from(!refused.is_empty());
        let intake = Arc::new(Intake::new(
            self.report.clone(),
            Arc::new(Drift { on_missing_column: super::OnMissingColumn::Null, ..self.rules.drift.clone() }),
            OnNewColumn::Ignore,
            Arc::clone(&self.rules.names),
            partitions,
        ));
        let mut streams: Vec<Arc<dyn PartitionStream>> = Vec::new();
        for (group, scan) in scans {
            let judged = Arc::new(self.group(wanted, group, scan, &intake, streams.len())?);
            for at in 0..partitions_of(&judged) {
                streams.push(Arc::new(ValidatedPartition { judged: Arc::clone(&judged), at }));
            }
        }
        if !refused.is_empty() {
            let (schema, report, at) = (Arc::clone(wanted), self.report.clone(), streams.len());
            streams.push(Arc::new(RefusedFiles { schema, files: refused, report, intake, at }));
        }
        Ok(Arc::new(StreamingTableExec::try_new(Arc::clone(wanted), streams, None, None, false, limit)?))
    }

    fn group(
        &self,
        wanted: &SchemaRef,
        group: &Like,
        scan: Arc<dyn ExecutionPlan>,
        intake: &Arc<Intake>,
        first: usize,
    ) -> Result<ValidatedScan, DataFusionError> {
        let scanned = scan.schema();
        let place = |source: &str| scanned.index_of(source);
        let rescues = self.rules.on_new == OnNewColumn::Rescue;
        let mut columns = Vec::new();
        for field in wanted.fields().iter().filter(|field| !(rescues && field.name() == RESCUED)) {
            let from = match group.source(field.name()) {
                Some(ColumnSource { from, reading }) => Some((place(from)?, reading.clone())),
                None => None,
            };
            let (name, data_type) = (field.name().clone(), field.data_type().clone());
            columns.push(WantedColumn { name, data_type, from, is_kept: true });
        }
        for field in self.schema.fields().iter().filter(|field| wanted.index_of(field.name()).is_err()) {
            if let Some(ColumnSource { from, reading }) =
                group.source(field.name()).filter(|_| group.judges(field.name()))
            {
                let from = Some((place(from)?, reading.clone()));
                let (name, data_type) = (field.name().clone(), field.data_type().clone());
                columns.push(WantedColumn { name, data_type, from, is_kept: false });
            }
        }
        let kept_rescue = rescues && wanted.index_of(RESCUED).is_ok();
        let rescue = group.new.iter().filter(|_| kept_rescue).map(|name| {
            let is_uuid = group.schema.field_with_name(name).is_ok_and(reading::is_uuid);
            Ok((name.clone(), place(name)?, is_uuid))
        });
        Ok(ValidatedScan {
            schema: Arc::clone(wanted),
            columns,
            file: place(&of_path(SOURCE_FILE))?,
            rescue: rescue.collect::<Result<_, DataFusionError>>()?,
            report: self.report.clone(),
            intake: Arc::clone(intake),
            first,
            unit: self.unit,
            scan,
        })
    }

    /// Creates a scan of files with one schema, over the columns that `needed` selects and the partition
    /// columns.
    async fn files(
        &self,
        session: &dyn Session,
        group: &Like,
        needed: &(dyn Fn(&str) -> bool + Sync),
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        // The file's name is passed the way DataFusion passes values from a path: as a partition column.
        let name = Arc::new(Field::new(of_path(SOURCE_FILE), DataType::Utf8View, true));
        let folders = group
            .folders
            .iter()
            .map(|field| Arc::new(Field::new(of_path(field.name()), field.data_type().clone(), true)));
        let source = self.format.file_source(
            TableSchema::builder(Arc::clone(&group.schema))
                .with_table_partition_cols([name].into_iter().chain(folders).collect::<Vec<_>>())
                .build(),
        );
        let all = source.table_schema().table_schema();
        let mut columns: Vec<usize> = Vec::new();
        for field in self.schema.fields().iter().filter(|field| needed(field.name())) {
            if let Some(ColumnSource { from, .. }) = group.source(field.name()) {
                columns.push(all.index_of(from)?);
            }
        }
        for name in group.new.iter().filter(|name| needed(name)) {
            columns.push(all.index_of(name)?);
        }
        columns.push(all.index_of(&of_path(SOURCE_FILE))?);
        columns.sort_unstable();
        columns.dedup();
        let width = columns.iter().filter_map(|column| group.widths.get(all.field(*column).name())).sum();
        let rows = Budget::of(session.config()).batch_rows(width, session.config().batch_size());
        let files = group.files.iter().map(|(name, meta, folders)| {
            let mut file = PartitionedFile::from(meta.clone());
            file.partition_values = vec![ScalarValue::Utf8View(Some(name.to_string()))];
            file.partition_values.extend(folders.iter().cloned());
            file
        });
        let groups = FileGroup::new(files.collect()).split_files(session.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.url.clone(), source)
            .with_file_groups(groups)
            .with_projection_indices(Some(columns))?
            .with_limit(limit)
            .with_batch_size(Some(rows))
            .build();
        self.format.create_physical_plan(session, config).await
    }
}

fn partitions(scan: &Arc<dyn ExecutionPlan>) -> usize {
    scan.properties().output_partitioning().partition_count()
}

fn partitions_of(judged: &ValidatedScan) -> usize {
    partitions(&judged.scan)
}

/// Returns the expression over a file scan that computes a column of the table.
fn expression(
    field: &Field,
    group: &Like,
    scanned: &Schema,
) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let Some(ColumnSource { from, reading }) = group.source(field.name()) else {
        return Ok(Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)));
    };
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(from, scanned.index_of(from)?));
    match reading {
        ColumnReading::Same | ColumnReading::Bounded | ColumnReading::Uuid => Ok(column),
        ColumnReading::Cast | ColumnReading::Judge(_) => cast(column, scanned, field.data_type().clone()),
    }
}

/// Reports the files that are rejected as a whole: a partition without rows.
#[derive(Debug)]
struct RefusedFiles {
    schema: SchemaRef,
    files: Vec<RefusedFile>,
    report: Report,
    intake: Arc<Intake>,
    /// The partition's index in the scan.
    at: usize,
}

impl PartitionStream for RefusedFiles {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(
        &self,
        _: Arc<datafusion::execution::TaskContext>,
    ) -> datafusion::execution::SendableRecordBatchStream {
        use datafusion::physical_plan::stream::RecordBatchReceiverStream;
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), 1);
        let (files, report) = (self.files.clone(), self.report.clone());
        let (intake, at) = (Arc::clone(&self.intake), self.at);
        builder.spawn_blocking(move || {
            for RefusedFile { file, offset, reason } in files {
                let place = offset.map_or_else(String::new, |offset| format!(" (byte {offset})"));
                intake.set_aside(&file, format!("{file}: {reason}{place}"));
                if report.begin(&file, u64::MAX) {
                    report.set_aside(&file, Where { row: None, offset }, reason, String::new())?;
                }
            }
            intake.finish(at)
        });
        builder.build()
    }
}
