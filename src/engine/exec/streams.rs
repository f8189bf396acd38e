//! Execution: runs a bound query as streams of rows, without collecting them.

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{RecordBatchOptions, StringArray, new_null_array},
        compute::cast,
        datatypes::{DataType, Field, Schema},
        error::ArrowError,
    },
    datasource::{MemTable, provider_as_source},
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    logical_expr::{JoinType, LogicalPlanBuilder},
    parquet::errors::ParquetError,
    physical_expr::{LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr, expressions},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, repartition::RepartitionExec, sorts::sort::SortExec,
        stream::RecordBatchStreamAdapter,
    },
    prelude::Column,
};
use futures::{StreamExt, stream};

use super::{binding::Bound, crash::QueryPanic};
use crate::engine::{Engine, RecordBatch, Table, memory::Budget, plan::joins::Joins};

impl Engine {
    /// Starts the query with one stream for each partition. If `partition_by` names columns, all rows with
    /// the same values in them arrive in one stream.
    pub async fn streams(
        &self,
        bound: &Bound,
        partition_by: &[String],
        joins: Joins,
    ) -> Result<crate::engine::Streams> {
        let plan = self.physical(self.planner(joins), &bound.plan).await?;
        let plan = if partition_by.is_empty() { plan } else { self.hashed(plan, partition_by)? };
        let sorts = !partition_by.is_empty() && Budget::of(self.planner(joins).config()).sorts_partitions();
        let plan = if sorts { sorted(plan, partition_by)? } else { plan };
        self.start_partitions(plan)
    }

    /// Starts the query as one stream that keeps its order, with at most `limit` rows.
    pub async fn stream(&self, bound: &Bound, limit: Option<usize>) -> Result<SendableRecordBatchStream> {
        let builder = LogicalPlanBuilder::from(bound.plan.clone());
        let plan = match limit {
            Some(limit) => builder.limit(0, Some(limit))?.build()?,
            None => builder.build()?,
        };
        let plan = self.physical(self.planner(Joins::Hash), &plan).await?;
        self.start(plan)
    }

    /// Checks that the query can be planned over its tables, without running it.
    pub async fn check(&self, bound: &Bound) -> Result<()> {
        self.physical(self.planner(Joins::Hash), &bound.plan).await.map(drop)
    }

    fn hashed(&self, plan: Arc<dyn ExecutionPlan>, columns: &[String]) -> Result<Arc<dyn ExecutionPlan>> {
        if self.threads() == 1 && plan.output_partitioning().partition_count() == 1 {
            return Ok(plan);
        }
        let schema = plan.schema();
        let keys: Vec<Arc<dyn PhysicalExpr>> =
            columns.iter().map(|name| expressions::col(name, &schema)).collect::<Result<_>>()?;
        Ok(Arc::new(RepartitionExec::try_new(plan, Partitioning::Hash(keys, self.threads()))?))
    }
}

/// The plan with the rows of each partition sorted by these columns.
fn sorted(plan: Arc<dyn ExecutionPlan>, columns: &[String]) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    let keys = columns.iter().map(|name| Ok(PhysicalSortExpr::new_default(expressions::col(name, &schema)?)));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let Some(order) = LexOrdering::new(keys) else { return Ok(plan) };
    Ok(Arc::new(SortExec::new(order, plan).with_preserve_partitioning(true)))
}

/// Returns a stream of one batch.
#[must_use]
pub fn one_stream(batch: RecordBatch) -> SendableRecordBatchStream {
    let schema = batch.schema();
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Ok(batch)])))
}

/// Returns a stream of these batches.
#[cfg(test)]
#[must_use]
pub fn listed(schema: crate::engine::SchemaRef, batches: Vec<RecordBatch>) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches.into_iter().map(Ok))))
}

/// Returns the rows of the first stream followed by those of the second, in the columns of the second.
#[must_use]
pub fn chained(
    first: SendableRecordBatchStream,
    then: SendableRecordBatchStream,
) -> SendableRecordBatchStream {
    let schema = then.schema();
    let columns = Arc::clone(&schema);
    let first = first.map(move |batch| {
        let batch = batch?;
        // A table from an earlier definition may lack columns.
        let of_now = columns.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Ok(cast(column, field.data_type())?),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let of_now = of_now.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(nullable(&columns), of_now, &options)?)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, first.chain(then)))
}

pub(crate) fn nullable(columns: &Schema) -> Arc<Schema> {
    let fields = columns.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Returns a batch with one text column of this name.
pub fn texts<'a>(name: &str, texts: impl IntoIterator<Item = &'a String>) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, true)]));
    let texts: StringArray = texts.into_iter().map(Some).collect();
    Ok(RecordBatch::try_new(schema, vec![Arc::new(texts)])?)
}

impl Engine {
    /// Returns the rows of a table whose text column is among `names`, or isn't (if `among` is false), as one
    /// stream.
    pub async fn rows_by(
        &self,
        table: Table,
        column: &str,
        names: &BTreeSet<String>,
        among: bool,
    ) -> Result<SendableRecordBatchStream> {
        let listed = texts(column, names)?;
        let listed = MemTable::try_new(listed.schema(), vec![vec![listed]])?;
        let listed =
            LogicalPlanBuilder::scan("listed", provider_as_source(Arc::new(listed)), None)?.build()?;
        let kind = if among { JoinType::LeftSemi } else { JoinType::LeftAnti };
        let (left, right) = (Column::from_name(column), Column::from_name(column));
        let rows = LogicalPlanBuilder::scan("standing", provider_as_source(table), None)?;
        let plan = rows.join(listed, kind, (vec![left], vec![right]), None)?.build()?;
        let plan = self.physical(self.planner(Joins::Hash), &plan).await?;
        self.start(plan)
    }
}

/// Returns whether a query failed because a disk is full. It must be the disk of temporary files, since a
/// query writes no others.
#[must_use]
pub fn is_disk_full(error: &DataFusionError) -> bool {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|error| {
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    })
}

/// Returns whether a damaged or missing file may be the cause of an error: its bytes can't be read, or a task
/// panicked.
#[must_use]
pub fn is_unreadable(error: &DataFusionError) -> bool {
    let mut causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.any(|cause| {
        let own = match cause.downcast_ref() {
            Some(DataFusionError::ParquetError(_)) => true,
            Some(DataFusionError::ExecutionJoin(join)) => join.is_panic(),
            _ => false,
        };
        let arrow = matches!(cause.downcast_ref(), Some(ArrowError::ParquetError(_)));
        let store = matches!(cause.downcast_ref(), Some(object_store::Error::NotFound { .. }));
        own || arrow || store || cause.is::<ParquetError>() || cause.is::<QueryPanic>()
    })
}

/// Returns whether the query failed for lack of memory, so that it may succeed with joins that spill.
#[must_use]
pub fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
