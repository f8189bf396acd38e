//! A bound query as streams of rows. Nothing is collected.

use std::sync::Arc;

use datafusion::{
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    physical_expr::{Partitioning, PhysicalExpr, expressions},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, execute_stream, execute_stream_partitioned,
        repartition::RepartitionExec,
    },
};

use super::{Engine, bind::Bound};

/// How a join that does not fit in memory is done: a hash join can't spill, a merge join can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// Fast; fails when the build side outgrows the memory pool.
    Hash,
    /// Slower; spills.
    Merge,
}

impl Engine {
    /// Starts the query: one stream for each of its partitions. If `partition_by` names columns, all rows of one
    /// value of them come in one stream.
    pub async fn streams(
        &self,
        bound: &Bound,
        partition_by: &[String],
        joins: Joins,
    ) -> Result<super::Streams> {
        let plan = self.planner(joins).create_physical_plan(&bound.plan).await?;
        let plan = if partition_by.is_empty() { plan } else { self.hashed(plan, partition_by)? };
        execute_stream_partitioned(plan, self.task())
    }

    /// Starts the query as one stream that keeps its order, `limit` rows at most.
    pub async fn stream(&self, bound: &Bound, limit: Option<usize>) -> Result<SendableRecordBatchStream> {
        let builder = datafusion::logical_expr::LogicalPlanBuilder::from(bound.plan.clone());
        let plan = match limit {
            Some(limit) => builder.limit(0, Some(limit))?.build()?,
            None => builder.build()?,
        };
        let plan = self.planner(Joins::Hash).create_physical_plan(&plan).await?;
        execute_stream(plan, self.task())
    }

    /// Whether the query can be planned over its tables, without running it.
    pub async fn check(&self, bound: &Bound) -> Result<()> {
        self.planner(Joins::Hash).create_physical_plan(&bound.plan).await.map(drop)
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

/// Whether the query failed for want of memory, so that it may succeed with joins that spill.
#[must_use]
pub fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}
