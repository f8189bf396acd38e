//! The table of a source of Parquet or Avro files, and its scans.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

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
use futures::{StreamExt, stream};
use tokio::{runtime::Handle, sync::OnceCell};

use super::{
    avro::{self, Break},
    column_rules::ColumnRules,
    files::{ColumnSource, Like, of_path},
    judged::{ValidatedPartition, ValidatedScan, WantedColumn},
    reading::{self, ColumnReading},
    refused_files::{RefusedFile, RefusedFiles},
};
use crate::{
    engine::memory::Budget,
    source::{
        drift::{Drift, FileColumns, OnMissingColumn, OnNewColumn},
        file::SourceFile,
        intake::Intake,
        reporting::Report,
        spec::{DateUnit, RESCUED, SOURCE_FILE},
    },
};

/// The table of a source of Parquet or Avro files.
#[derive(Debug)]
pub(super) struct ColumnarTable {
    /// The table's schema: the declared columns, then the files' other columns.
    pub(super) schema: SchemaRef,
    pub(super) format: Arc<dyn FileFormat>,
    pub(super) url: ObjectStoreUrl,
    /// The files, grouped by schema.
    pub(super) groups: Vec<Like>,
    /// Files already known to be rejected as a whole, before any row is read.
    pub(super) refused: Vec<RefusedFile>,
    /// The other files.
    pub(super) looked: Vec<SourceFile>,
    /// The columns of those files.
    pub(super) columns: Vec<FileColumns>,
    pub(super) rules: ColumnRules,
    pub(super) is_avro: bool,
    /// The unit of timestamps stored as plain numbers.
    pub(super) unit: DateUnit,
    /// The result of the Avro integrity checks, from the first scan.
    pub(super) checked: OnceCell<Checked>,
    pub(super) report: Report,
}

/// The result of integrity checks.
#[derive(Debug, Default)]
pub(super) struct Checked {
    broken: Vec<RefusedFile>,
    /// The row counts of the intact files.
    rows: BTreeMap<Arc<str>, u64>,
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
            Arc::new(Drift { on_missing_column: OnMissingColumn::Null, ..self.rules.drift.clone() }),
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
    pub(super) async fn files(
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

pub(super) fn partitions(scan: &Arc<dyn ExecutionPlan>) -> usize {
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
