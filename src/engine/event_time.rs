//! Rows by time interval: filters a table's rows by their event time, finds the files that hold them, and
//! finds the batches that changed.

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
    physical_plan::{collect, stream::RecordBatchStreamAdapter},
};
use futures::StreamExt;
use tokio::task::JoinSet;

use super::{
    Engine, SchemaRef, SendableRecordBatchStream, Streams, Table,
    binding::{Bound, same_types},
    change_feed::columns_of,
    execution::Joins,
    function::function,
    row_changes::{CHANGE, DELETED, KEPT},
    row_digest::{hashes, mixed},
    session::reference,
};
use crate::{
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
pub(super) fn stands_for(alias: &TableReference) -> Option<Relation> {
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
        let plan = self.planner(Joins::Hash).create_physical_plan(&starts).await?;
        let mut batches = Vec::new();
        for batch in collect(plan, self.task()).await? {
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
                    "a row has the time {value} in `{column}`, its `event_time`, which is outside of the batch that it was \
                     made for; each batch must make rows of its own time only"
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

#[cfg(test)]
mod tests {
    use datafusion::{
        arrow::{
            array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
            datatypes::{Field, Schema},
        },
        datasource::MemTable,
    };

    use super::{super::EngineSettings, *};
    use crate::interval::instant;

    fn engine() -> Engine {
        Engine::new(&EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        })
        .unwrap()
    }

    fn stretches(parts: &[(&str, &str)]) -> Intervals {
        let parts = parts
            .iter()
            .map(|(start, end)| Interval { start: instant(start).unwrap(), end: instant(end).unwrap() });
        parts.collect()
    }

    /// Returns rows with these times (NULL for an empty text), numbered from 0, each in its own file.
    fn rows(times: &[&str], zone: Option<&str>) -> Table {
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        let schema = Arc::new(Schema::new(vec![
            Field::new("at", data_type.clone(), true),
            Field::new("n", DataType::Int64, true),
            Field::new("file", DataType::Utf8, true),
        ]));
        let micros = |time: &&str| instant(time).ok().map(|time| time.timestamp_micros());
        let at: TimestampMicrosecondArray = times.iter().map(micros).collect();
        let numbers: Int64Array = (0_i64..).take(times.len()).map(Some).collect();
        let files: StringArray = (0..times.len()).map(|number| Some(format!("f{number}"))).collect();
        let columns: Vec<Arc<dyn Array>> =
            vec![Arc::new(at.with_data_type(data_type)), Arc::new(numbers), Arc::new(files)];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
    }

    const TIMES: [&str; 5] =
        ["2021-01-01T00:00", "2021-01-01T23:59:59", "2021-01-02", "2021-01-03T12:00", ""];

    #[tokio::test]
    async fn files_are_reached_by_the_rows_of_a_stretch() {
        for zone in [None, Some("UTC")] {
            let table = rows(&TIMES, zone);
            let days = stretches(&[("2021-01-01", "2021-01-02"), ("2021-01-03", "2021-01-04")]);
            let bound = values_in(&table, "file", "at", &days).unwrap();
            let mut files = engine().texts(&bound, Joins::Hash).await.unwrap();
            files.sort();
            assert_eq!(files, ["f0", "f1", "f3"]);
            assert!(
                engine()
                    .texts(&values_in(&table, "file", "at", &Intervals::default()).unwrap(), Joins::Hash)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }

    #[tokio::test]
    async fn rows_touch_the_batches_they_lie_in() {
        for zone in [None, Some("UTC")] {
            let batches = async |size| engine().batches_of(&rows(&TIMES, zone), "at", size).await.unwrap();
            assert_eq!(batches(BatchSize::Day).await, stretches(&[("2021-01-01", "2021-01-04")]));
            let hours = stretches(&[
                ("2021-01-01", "2021-01-01T01:00"),
                ("2021-01-01T23:00", "2021-01-02T01:00"),
                ("2021-01-03T12:00", "2021-01-03T13:00"),
            ]);
            assert_eq!(batches(BatchSize::Hour).await, hours);
            assert_eq!(batches(BatchSize::Year).await, stretches(&[("2021-01-01", "2022-01-01")]));
        }
    }

    #[tokio::test]
    async fn batches_are_touched_by_rows_that_differ() {
        let day = |number: u32| (format!("2021-01-0{number}"), format!("2021-01-0{}", number + 1));
        let between = async |inserted: &[&str], deleted: &[&str]| {
            let (inserted, deleted) = (rows(inserted, None), rows(deleted, None));
            engine().changed_batches((&inserted, Some(&deleted)), "at", BatchSize::Day).await.unwrap()
        };
        // Rows are numbered from 0, so equal times make equal rows.
        assert_eq!(between(&TIMES, &TIMES).await, Intervals::default());
        let (first, third) = (day(1), day(3));
        let other = ["2021-01-01T00:00", "2021-01-01T22:00", "2021-01-02", "2021-01-04T12:00", ""];
        let fourth = day(4);
        let expected = [&first, &third, &fourth].map(|(start, end)| (start.as_str(), end.as_str()));
        assert_eq!(between(&TIMES, &other).await, stretches(&expected));
        assert_eq!(between(&[], &TIMES[..2]).await, stretches(&expected[..1]));
    }

    #[tokio::test]
    async fn views_and_what_queries_name_themselves_are_not_read_by_time() {
        let engine = engine();
        let table = rows(&TIMES, None);
        let relation = Relation::new("s", "t");
        engine.declare_table(&relation, table.schema()).unwrap();
        let view = engine.plan("select max(n) as n from s.t").await.unwrap();
        engine.declare_view(&Relation::new("s", "v"), &view).unwrap();
        let sql = "with t as (select * from s.t) select cast(n as varchar) as n from t union all select 'max ' || n from s.v
                   union all select 'sub ' || (select count(*) from s.t)";
        let query = engine.plan(sql).await.unwrap();
        let bound = query.bind(&[(relation.clone(), table)].into()).unwrap();
        let day = stretches(&[("2021-01-02", "2021-01-03")]);
        let mut found = engine
            .texts(&bound.during(&[(relation, "at".into())], &day).unwrap(), Joins::Hash)
            .await
            .unwrap();
        found.sort();
        assert_eq!(found, ["2", "max 4", "sub 1"]);
    }

    #[tokio::test]
    async fn a_row_outside_of_its_batch_is_an_error() {
        let engine = engine();
        let table = rows(&TIMES[..4], None);
        let all = |days: &Intervals| {
            let bound = with_deleted_intervals(&table, &table.schema(), "at", days).unwrap();
            let (engine, days) = (&engine, days.clone());
            async move {
                let streams = engine.streams(&bound, &[], Joins::Hash).await.unwrap();
                let mut failure = None;
                for mut rows in engine.confined_to(streams, "at", &days).unwrap() {
                    while let Some(batch) = rows.next().await {
                        failure = failure.or(batch.err().map(|error| error.to_string()));
                    }
                }
                failure
            }
        };
        assert_eq!(all(&stretches(&[("2021-01-01", "2021-01-04")])).await, None);
        let message = all(&stretches(&[("2021-01-01", "2021-01-03")])).await.unwrap();
        assert!(message.contains("`at`") && message.contains("outside of the batch"), "{message}");
    }
}
