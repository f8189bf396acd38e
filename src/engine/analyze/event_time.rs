//! Rows by time interval: filters a table's rows by their event time, finds the files that hold them, and
//! finds the batches that changed.

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::{cast as arrow_cast, filter_record_batch},
        datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
    },
    common::{
        Column, DFSchema, ExprSchema, ScalarValue, TableReference, internal_err,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    datasource::{empty::EmptyTable, provider_as_source, view::ViewTable},
    error::{DataFusionError, Result},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Union, cast, lit, when},
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, TryStreamExt};
use tokio::task::JoinSet;

use crate::{
    engine::{
        Engine, SchemaRef, SendableRecordBatchStream, Streams, Table,
        exec::binding::{Bound, same_types},
        function::function,
        plan::joins::Joins,
        rows::{
            change_feed::columns_of,
            changes::{CHANGE, DELETED, KEPT},
            digest::{hashes, mixed},
        },
        session::reference,
    },
    interval::{BatchSize, Interval, Intervals},
    name::Relation,
};

/// A relation and its event-time column.
pub type TimedRelation = (Relation, String);

/// Returns whether a column of this type can be an event-time column.
#[must_use]
pub fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

/// Returns the condition that a column's value lies in one of the intervals. A date lies where its midnight
/// does.
fn lies_in(column: &Expr, data_type: &DataType, stretches: &Intervals) -> Result<Expr> {
    let bound = |at: DateTime<Utc>| {
        let at = if *data_type == DataType::Date32 { BatchSize::Day.ceil(at) } else { at };
        let at = ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), None);
        at.cast_to(data_type).map(lit)
    };
    let within =
        |one: &Interval| Ok(column.clone().gt_eq(bound(one.start)?).and(column.clone().lt(bound(one.end)?)));
    let conditions: Vec<Expr> = stretches.iter().map(within).collect::<Result<_>>()?;
    Ok(datafusion::logical_expr::utils::disjunction(conditions).unwrap_or_else(|| lit(false)))
}

/// Returns the relation behind an alias that names a view or table, or `None` for an alias from the query's
/// own SQL.
pub(crate) fn stands_for(alias: &TableReference) -> Option<Relation> {
    Some(Relation::new(alias.schema()?, alias.table()))
}

impl Bound {
    /// Restricts the given relations to the rows of the given intervals. Leaves the inputs of views alone:
    /// views are filtered by the time of their own rows.
    ///
    /// # Errors
    /// If a relation lacks its event-time column, or that column isn't a date or timestamp.
    pub fn during(self, inputs: &[TimedRelation], stretches: &Intervals) -> Result<Self> {
        let plan = self.plan.transform_down_with_subqueries(|node| {
            let relation = match &node {
                LogicalPlan::TableScan(scan) => stands_for(&scan.table_name),
                LogicalPlan::SubqueryAlias(alias) => stands_for(&alias.alias),
                _ => None,
            };
            let Some(relation) = relation else { return Ok(Transformed::no(node)) };
            let Some((_, column)) = inputs.iter().find(|(timed, _)| *timed == relation) else {
                return Ok(Transformed::new(node, false, TreeNodeRecursion::Jump));
            };
            let column = Column::new(Some(reference(&relation)), column);
            let data_type = node.schema().field_from_column(&column)?.data_type().clone();
            let condition = lies_in(&Expr::Column(column), &data_type, stretches)?;
            let plan = LogicalPlanBuilder::from(node).filter(condition)?.build()?;
            Ok(Transformed::new(plan, true, TreeNodeRecursion::Jump))
        })?;
        Ok(Self { plan: plan.data })
    }
}

/// Returns a table's rows in the columns `wanted`, with the rows of these intervals marked as deleted in
/// [`CHANGE`]. Columns that the table lacks are NULL.
pub fn with_deleted_intervals(
    table: &Table,
    wanted: &SchemaRef,
    column: &str,
    stretches: &Intervals,
) -> Result<Bound> {
    let schema = table.schema();
    let time = Expr::Column(Column::from_name(column));
    let goes = lies_in(&time, schema.field_with_name(column)?.data_type(), stretches)?;
    let change = when(goes, lit(DELETED)).otherwise(lit(KEPT))?.alias(CHANGE);
    let columns = columns_of(table, wanted).into_iter().chain([change]);
    let scan = LogicalPlanBuilder::scan("old", provider_as_source(Arc::clone(table)), None)?;
    Ok(Bound { plan: scan.project(columns)?.build()? })
}

/// Returns a table's rows in these intervals.
pub fn rows_in(table: &Table, column: &str, stretches: &Intervals) -> Result<Table> {
    let schema = table.schema();
    let time = Expr::Column(Column::from_name(column));
    let condition = lies_in(&time, schema.field_with_name(column)?.data_type(), stretches)?;
    let scan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(table)), None)?;
    Ok(Arc::new(ViewTable::new(scan.filter(condition)?.build()?, None)))
}

/// Returns the distinct values of the column `file` among a table's rows in these intervals.
pub fn values_in(table: &Table, file: &str, column: &str, stretches: &Intervals) -> Result<Bound> {
    let schema = table.schema();
    let time = Expr::Column(Column::from_name(column));
    let condition = lies_in(&time, schema.field_with_name(column)?.data_type(), stretches)?;
    let scan = LogicalPlanBuilder::scan("old", provider_as_source(Arc::clone(table)), None)?;
    let files = scan.filter(condition)?.project([Expr::Column(Column::from_name(file))])?.distinct()?;
    Ok(Bound { plan: files.build()? })
}

/// Returns the union of several tables in these columns.
pub fn union_of(tables: Vec<Table>, columns: &SchemaRef) -> Result<Bound> {
    let scan = |table: Table| {
        let wanted = columns_of(&table, columns);
        LogicalPlanBuilder::scan("batch", provider_as_source(table), None)?
            .project(wanted)?
            .build()
            .map(Arc::new)
    };
    let mut scans: Vec<Arc<LogicalPlan>> = tables.into_iter().map(scan).collect::<Result<_>>()?;
    let plan = match scans.pop() {
        Some(only) if scans.is_empty() => Arc::unwrap_or_clone(only),
        Some(last) => LogicalPlan::Union(Union::try_new(scans.into_iter().chain([last]).collect())?),
        None => scan(Arc::new(EmptyTable::new(Arc::clone(columns)))).map(Arc::unwrap_or_clone)?,
    };
    Ok(Bound { plan })
}

impl Engine {
    /// Returns the batches that contain a table's rows. Rows whose event time is NULL belong to no batch.
    pub async fn batches_of(&self, table: &Table, column: &str, size: BatchSize) -> Result<Intervals> {
        let time = Expr::Column(Column::from_name(column));
        let scan = LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(table)), None)?;
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let Some(truncated) = function("date_trunc") else { return internal_err!("there is no date_trunc") };
        let start = truncated.call(vec![lit(size.name()), cast(time.clone(), micros.clone())]);
        let starts = scan.filter(time.is_not_null())?.project([cast(start, micros)])?.distinct()?.build()?;
        let plan = self.physical(self.planner(Joins::Hash), &starts).await?;
        let mut batches = Vec::new();
        for batch in self.start(plan)?.try_collect::<Vec<_>>().await? {
            let starts = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let starts = starts.iter().flatten().filter_map(DateTime::from_timestamp_micros);
            batches.extend(starts.map(|start| Interval { start, end: size.next(start) }));
        }
        Ok(batches.into_iter().collect())
    }

    /// Returns the batches whose rows changed when `inserted` replaced `deleted`. Rows that were rewritten
    /// unchanged don't count. Rows whose event time is NULL belong to no batch.
    pub async fn changed_batches(
        &self,
        (inserted, deleted): (&Table, Option<&Table>),
        column: &str,
        size: BatchSize,
    ) -> Result<Intervals> {
        let Some(deleted) = deleted else { return self.batches_of(inserted, column, size).await };
        if !same_types(&inserted.schema(), &deleted.schema()) {
            return Ok(self
                .batches_of(inserted, column, size)
                .await?
                .or(&self.batches_of(deleted, column, size).await?));
        }
        let mut weighing = JoinSet::new();
        for (table, sign) in [(inserted, 1), (deleted, -1)] {
            let scan =
                LogicalPlanBuilder::scan("rows", provider_as_source(Arc::clone(table)), None)?.build()?;
            for rows in self.streams(&Bound { plan: scan }, &[], Joins::Hash).await? {
                weighing.spawn(weigh(rows, column.to_owned(), size, sign));
            }
        }
        let mut weights: HashMap<i64, BatchWeight> = HashMap::new();
        while let Some(some) = weighing.join_next().await {
            for (start, weight) in some.map_err(|error| DataFusionError::External(Box::new(error)))?? {
                weights.entry(start).or_default().add(weight);
            }
        }
        let others = weights.into_iter().filter(|(_, weight)| *weight != BatchWeight::default());
        let starts = others.filter_map(|(start, _)| DateTime::from_timestamp_micros(start));
        Ok(starts.map(|start| Interval { start, end: size.next(start) }).collect())
    }

    /// Wraps streams so that they end with an error at the first row outside these intervals.
    pub fn confined_to(&self, streams: Streams, column: &str, stretches: &Intervals) -> Result<Streams> {
        let Some(schema) = streams.first().map(|rows| rows.schema()) else { return Ok(streams) };
        let time = Expr::Column(Column::from_name(column));
        let data_type = schema.field_with_name(column)?.data_type().clone();
        let inside = lies_in(&time, &data_type, stretches)?;
        let inside = self.planner(Joins::Hash).create_physical_expr(inside, &DFSchema::try_from(schema)?)?;
        let column: Arc<str> = column.into();
        let held = streams.into_iter().map(|rows| {
            let (inside, column) = (Arc::clone(&inside), Arc::clone(&column));
            let schema = rows.schema();
            let rows = rows.map(move |batch| {
                let batch = batch?;
                let inside = inside.evaluate(&batch)?.into_array(batch.num_rows())?;
                let inside = inside.as_boolean();
                if inside.true_count() == batch.num_rows() {
                    return Ok(batch);
                }
                let outside = (0..batch.num_rows()).map(|row| !(inside.is_valid(row) && inside.value(row)));
                let outside = filter_record_batch(&batch, &outside.collect::<Vec<_>>().into())?;
                let index = batch.schema().index_of(&column)?;
                let value = ScalarValue::try_from_array(outside.column(index), 0)?;
                Err(DataFusionError::Execution(format!(
                    "a row has the time {value} in `{column}`, its `event_time`, which is outside of its batch; \
                     a batch may only return rows of its own time range"
                )))
            });
            Box::pin(RecordBatchStreamAdapter::new(schema, rows)) as SendableRecordBatchStream
        });
        Ok(held.collect())
    }
}

/// The new rows of a batch minus its old ones: all fields are 0 if the rows are the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct BatchWeight {
    rows: i64,
    sum: u64,
    mixed: u64,
}

impl BatchWeight {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
        self.mixed = self.mixed.wrapping_add(other.mixed);
    }
}

/// Returns the weight of each batch's rows by the batch's start in microseconds.
async fn weigh(
    mut rows: SendableRecordBatchStream,
    column: String,
    size: BatchSize,
    sign: i64,
) -> Result<HashMap<i64, BatchWeight>> {
    let mut weights: HashMap<i64, BatchWeight> = HashMap::new();
    // Rows of one batch are usually adjacent, so remember the current batch.
    let (mut start, mut end) = (0, 0);
    while let Some(batch) = rows.next().await.transpose()? {
        let index = batch.schema().index_of(&column)?;
        let times = arrow_cast(batch.column(index), &DataType::Timestamp(TimeUnit::Microsecond, None))?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        for (time, hash) in times.iter().zip(hashes(&batch)?) {
            let Some(time) = time else { continue };
            if !(start..end).contains(&time) {
                let Some(at) = DateTime::from_timestamp_micros(time) else { continue };
                (start, end) = (size.floor(at).timestamp_micros(), size.next(at).timestamp_micros());
            }
            let mut weight = BatchWeight { rows: sign, sum: hash, mixed: mixed(hash) };
            if sign < 0 {
                weight =
                    BatchWeight { sum: hash.wrapping_neg(), mixed: weight.mixed.wrapping_neg(), ..weight };
            }
            weights.entry(start).or_default().add(weight);
        }
    }
    Ok(weights)
}
