//! Batch sizes of large constants. An operator copies a constant once for each row of a batch, so that 8,192
//! rows of a text of 1 MB are 8 GB, which no operator reserves from the pool, and an allocation that fails
//! ends the process. Operators with large constants get smaller batches.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::array::RecordBatch,
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::{DataFusionError, Result},
    execution::TaskContext,
    physical_expr::{PhysicalExpr, ScalarFunctionExpr, expressions::Literal},
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
        ReplaceChildrenOptions, SendableRecordBatchStream, execution_plan::CardinalityEffect,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};

use super::large_calls::bytes_of;

/// The maximum number of bytes of the copies of constants in a batch of several rows.
const COPIES: usize = 128 << 20;

/// Splits the batches below operators with large constants. Runs last.
#[derive(Debug)]
pub(in crate::engine) struct LargeConstants;

impl PhysicalOptimizerRule for LargeConstants {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        options: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let most = options.execution.batch_size.get();
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let Some(rows) = rows_of(&node)?.filter(|rows| *rows < most && !node.children().is_empty())
            else {
                return Ok(Transformed::no(node));
            };
            let children = node.children().into_iter();
            let children = children.map(|input| Arc::new(SplitExec { input: Arc::clone(input), rows }) as _);
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
            let children = children.collect();
            node.replace_children(children, options).map(Transformed::yes)
        };
        plan.transform_up(replace).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "LargeConstants"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns the number of rows in a batch for which an operator's constants aren't copied too often, if it has
/// any constants.
fn rows_of(node: &Arc<dyn ExecutionPlan>) -> Result<Option<usize>> {
    let mut bytes = 0_usize;
    node.apply_expressions(&mut |expression| {
        expression.apply(|part| {
            if let Some(literal) = part.downcast_ref::<Literal>() {
                bytes = bytes.saturating_add(literal.value().size());
            } else if let Some(call) = part.downcast_ref::<ScalarFunctionExpr>() {
                bytes = bytes.saturating_add(bytes_of(call.fun()).unwrap_or_default());
            }
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok((bytes > 0).then(|| (COPIES / bytes).max(1)))
}

/// Returns the smallest batch size, in rows, that the plan's constants ask for, if any.
pub(in crate::engine) fn smallest_split(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let own = plan.downcast_ref::<SplitExec>().map(|split| split.rows);
    plan.children().into_iter().filter_map(smallest_split).chain(own).min()
}

/// Passes its input through in batches of `rows` rows at most.
#[derive(Debug)]
struct SplitExec {
    input: Arc<dyn ExecutionPlan>,
    rows: usize,
}

impl DisplayAs for SplitExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SplitExec: rows={}", self.rows)
    }
}

impl ExecutionPlan for SplitExec {
    fn name(&self) -> &'static str {
        "SplitExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.pop() {
            Some(input) => Ok(Arc::new(Self { input, rows: self.rows })),
            None => Err(DataFusionError::Internal("SplitExec has one input".into())),
        }
    }

    fn execute(&self, part: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.rows;
        let batches = self.input.execute(part, context)?.flat_map(move |batch| {
            stream::iter(match batch {
                Ok(batch) => split(&batch, rows).map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// Returns the slices of a batch.
fn split(batch: &RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    let count = batch.num_rows();
    (0..count.div_ceil(rows)).map(move |at| batch.slice(at * rows, rows.min(count - at * rows)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::TryStreamExt;

    use crate::engine::{Engine, EngineSettings, RecordBatch};

    async fn largest_batch(sql: &str) -> (usize, usize) {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let bound = engine.plan(sql).await.unwrap().bind(&BTreeMap::new()).unwrap();
        let (mut largest, mut all) = (0, 0);
        let mut stream = engine.stream(&bound, None).await.unwrap();
        while let Some(batch) = stream.try_next().await.unwrap() {
            largest = largest.max(batch.num_rows());
            all += RecordBatch::num_rows(&batch);
        }
        (largest, all)
    }

    #[tokio::test]
    async fn batches_are_small_where_a_constant_is_large() {
        let text = "repeat('x', 4000000)";
        for sql in [
            format!("select {text} as a from range(100)"),
            format!("select [{text}] as a from range(100)"),
            format!("select {{'a': {text}}} as a from range(100)"),
            format!("select case when range > 5 then {text} else 'b' end as a from range(100)"),
            "select range(500000) as a from range(100)".to_owned(),
        ] {
            let (largest, all) = largest_batch(&sql).await;
            assert!(all == 100 && largest < 40, "{sql}: {largest} of {all} rows");
        }
        assert_eq!(largest_batch("select 'x' as a, range from range(100)").await, (100, 100));
    }
}
