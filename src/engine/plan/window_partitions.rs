//! Window partitions: computes windows over whole partitions one partition after another. DataFusion 55.2
//! collects all rows of a stream before it computes the first window (`WindowAggStream`), and doesn't reserve
//! memory for them. The rows arrive sorted by partition, so holding a few partitions is enough.
//!
//! Delete this module once `WindowAggExec` emits partitions as they end, and reserves memory for the one that
//! it holds.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        compute::{concat, concat_batches, partition},
        datatypes::SchemaRef,
    },
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::Result,
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::{OrderingRequirements, PhysicalExpr, window::WindowExpr},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements,
        PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
        execution_plan::CardinalityEffect,
        metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
        stream::RecordBatchStreamAdapter,
        windows::WindowAggExec,
    },
};
use futures::{StreamExt, TryStreamExt, stream};

/// The rule that computes windows partition by partition. Runs last, because it keeps the decisions of other
/// rules.
#[derive(Debug)]
pub(crate) struct WindowPartitions;

impl PhysicalOptimizerRule for WindowPartitions {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let replace = |node: Arc<dyn ExecutionPlan>| {
            Ok(match node.downcast_ref::<WindowAggExec>() {
                Some(whole) => Transformed::yes(
                    Arc::new(WindowPartitionsExec::new(whole.clone())) as Arc<dyn ExecutionPlan>
                ),
                None => Transformed::no(node),
            })
        };
        plan.transform_up(replace).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "WindowParts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Has the same properties as the operator it replaces, but computes partition by partition.
#[derive(Debug)]
struct WindowPartitionsExec {
    whole: WindowAggExec,
    metrics: ExecutionPlanMetricsSet,
}

impl WindowPartitionsExec {
    fn new(whole: WindowAggExec) -> Self {
        Self { whole, metrics: ExecutionPlanMetricsSet::new() }
    }
}

impl DisplayAs for WindowPartitionsExec {
    fn fmt_as(&self, form: DisplayFormatType, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.whole.fmt_as(form, out)
    }
}

impl ExecutionPlan for WindowPartitionsExec {
    fn name(&self) -> &'static str {
        "WindowPartsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.whole.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.whole.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.whole.apply_expressions(f)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.whole.maintains_input_order()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.whole.required_input_ordering()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.whole.input_distribution_requirements()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let whole = Arc::new(self.whole.clone()).replace_children(children, options)?;
        Ok(match whole.downcast_ref::<WindowAggExec>() {
            Some(whole) => Arc::new(Self::new(whole.clone())),
            None => whole,
        })
    }

    fn execute(&self, part: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.whole.input().execute(part, Arc::clone(&context))?;
        let reservation = MemoryConsumer::new(format!("WindowParts[{part}]")).register(context.memory_pool());
        let parts = PartitionBuffer {
            exprs: self.whole.window_expr().to_vec(),
            schema: self.schema(),
            input_schema: input.schema(),
            enough: context.session_config().batch_size(),
            held: Vec::new(),
            rows: 0,
            reservation,
            metrics: BaselineMetrics::new(&self.metrics, part),
        };
        // A final turn for the rows that are still held.
        let turns = input.map_ok(Some).chain(stream::once(async { Ok(None) }));
        let batches = turns
            .scan(parts, |parts, batch| {
                let out = batch.and_then(|batch| match batch {
                    Some(batch) => parts.take(batch),
                    None => parts.compute(),
                });
                std::future::ready(Some(out))
            })
            .map_ok(|batches| stream::iter(batches.into_iter().map(Ok)))
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// The state of one stream.
struct PartitionBuffer {
    exprs: Vec<Arc<dyn WindowExpr>>,
    schema: SchemaRef,
    input_schema: SchemaRef,
    /// The number of rows that are worth computing at once.
    enough: usize,
    /// The rows of partitions that may continue.
    held: Vec<RecordBatch>,
    rows: usize,
    reservation: MemoryReservation,
    metrics: BaselineMetrics,
}

impl PartitionBuffer {
    /// Adds rows. Returns the results of ended partitions once there are enough rows.
    fn take(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let last = self.last_start(&batch)?;
        let mut out = Vec::new();
        match last {
            // The whole batch continues the last partition.
            None => self.hold(batch)?,
            Some(start) => {
                if start > 0 {
                    self.hold(batch.slice(0, start))?;
                }
                if self.rows >= self.enough {
                    out = self.compute()?;
                }
                self.hold(batch.slice(start, batch.num_rows() - start))?;
            }
        }
        Ok(out)
    }

    /// Returns the start of the last partition in a batch; `None` if the whole batch continues the partition
    /// before.
    fn last_start(&self, batch: &RecordBatch) -> Result<Option<usize>> {
        let keys = self.exprs[0].partition_by();
        if keys.is_empty() {
            return Ok(self.held.is_empty().then_some(0));
        }
        let values = |batch: &RecordBatch| -> Result<Vec<ArrayRef>> {
            keys.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
        };
        let own = values(batch)?;
        let start = partition(&own)?.ranges().last().map_or(0, |range| range.start);
        let Some(before) = self.held.last().filter(|_| start == 0) else { return Ok(Some(start)) };
        let before = values(&before.slice(before.num_rows() - 1, 1))?;
        let pairs = before.iter().zip(&own).map(|(before, own)| concat(&[before.as_ref(), &own.slice(0, 1)]));
        let pairs = pairs.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok((partition(&pairs)?.len() > 1).then_some(0))
    }

    fn hold(&mut self, batch: RecordBatch) -> Result<()> {
        // The rows, plus a copy of them with the windows while they are computed.
        let bytes: usize = batch
            .columns()
            .iter()
            .map(|column| {
                column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
            })
            .sum();
        self.reservation.try_grow(2 * bytes)?;
        self.rows += batch.num_rows();
        self.held.push(batch);
        Ok(())
    }

    /// Computes the windows of all held rows, which are whole partitions.
    fn compute(&mut self) -> Result<Vec<RecordBatch>> {
        if self.held.is_empty() {
            return Ok(Vec::new());
        }
        let timer = self.metrics.elapsed_compute().timer();
        let batch = concat_batches(&self.input_schema, &std::mem::take(&mut self.held))?;
        self.rows = 0;
        let keys = self.exprs[0].partition_by().iter();
        let keys: Vec<ArrayRef> =
            keys.map(|key| key.evaluate(&batch)?.into_array(batch.num_rows())).collect::<Result<_>>()?;
        let whole = std::iter::once(0..batch.num_rows());
        let ranges = if keys.is_empty() { whole.collect() } else { partition(&keys)?.ranges() };
        let mut windows: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(ranges.len()); self.exprs.len()];
        for range in ranges {
            let rows = batch.slice(range.start, range.len());
            for (expr, values) in self.exprs.iter().zip(&mut windows) {
                values.push(expr.evaluate(&rows)?);
            }
        }
        let mut columns = batch.columns().to_vec();
        for values in windows {
            let parts: Vec<&dyn datafusion::arrow::array::Array> = values.iter().map(AsRef::as_ref).collect();
            columns.push(concat(&parts)?);
        }
        let out = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.reservation.free();
        timer.done();
        let starts = (0..out.num_rows()).step_by(self.enough.max(1));
        Ok(starts
            .map(|start| {
                out.slice(start, self.enough.min(out.num_rows() - start)).record_output(&self.metrics)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::array::AsArray;

    use crate::engine::{Engine, EngineSettings, arrow::datatypes::Int64Type};

    /// Returns the number of rows, and of those for which a window over whole partitions differs from the
    /// same aggregate computed by groups.
    async fn wrong(rows: u64, partitions: u64) -> (i64, i64) {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: Some(1 << 30),
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let sql = format!(
            "with rows as (select i, case when i % 11 = 0 then null else i * i % {partitions} end as k
                from generate_series(1, {rows}) t(i)),
             windows as (select i, k, sum(i) over (partition by k) as s, count(*) over (partition by k) as n,
                last_value(i) over (partition by k order by i rows between unbounded preceding and unbounded following) as l
                from rows),
             groups as (select k, sum(i) as s, count(*) as n, max(i) as l from rows group by k)
             select (select count(*) from windows),
                count(*) from windows w left join groups g on w.k is not distinct from g.k
                where w.s <> g.s or w.n <> g.n or w.l <> g.l or g.n is null"
        );
        let query = engine.plan(&sql).await.unwrap_or_else(|error| panic!("{}", error.message));
        let batch = engine.gathered(&query.bind(&BTreeMap::new()).unwrap()).await.unwrap();
        let number = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(0);
        (number(0), number(1))
    }

    #[tokio::test]
    async fn windows_are_those_of_whole_partitions() {
        for (rows, partitions) in [(0, 1), (1, 1), (10, 100), (50_000, 1), (50_000, 7), (50_000, 20_011)] {
            let wanted = (i64::try_from(rows).unwrap(), 0);
            assert_eq!(wrong(rows, partitions).await, wanted, "{rows} rows in {partitions} partitions");
        }
    }
}
