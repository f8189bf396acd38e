//! Replay: buffers the left side of a nested loop join until the join has all of it. If it doesn't fit in
//! memory, DataFusion 55.2 executes the left side's plan again (`NestedLoopJoinStream::initiate_fallback`).
//! But scans assign their files only once in the life of a plan, so the second execution sees only files that
//! the first one hadn't reached, and rows are lost. Sources would also report rejected rows twice.
//!
//! Here the second stream returns the batches of the first and then the rest of the input. The batches are
//! shared with the join, which has reserved memory for them.
//!
//! In the fallback, each partition of the right side also decides on its own which left rows have a match, so
//! left, semi, anti and mark joins with several partitions emit rows twice. With hash joins, such a join
//! fails for lack of memory, and the model is built again with joins that spill; there the right side has one
//! partition.
//!
//! Delete this module once the fallback resets the plan or continues the stream, and its partitions share
//! matches.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use datafusion::{
    arrow::array::RecordBatch,
    common::{
        JoinType,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    error::{DataFusionError, Result},
    execution::{
        TaskContext,
        memory_pool::{MemoryConsumer, MemoryReservation},
    },
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
        PlanProperties, ReplaceChildrenOptions, SendableRecordBatchStream,
        coalesce_partitions::CoalescePartitionsExec, execution_plan::CardinalityEffect,
        joins::NestedLoopJoinExec, stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, stream};

/// The rule that buffers the left sides of nested loop joins. Runs last.
#[derive(Debug)]
pub(crate) struct NestedLoops;

impl PhysicalOptimizerRule for NestedLoops {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let spills = !config.optimizer.prefer_hash_join;
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let mut right = Arc::clone(join.right());
            let is_split = emits_left(*join.join_type()) && right.output_partitioning().partition_count() > 1;
            let mut mode = ChildrenPropertiesMode::Keep;
            if is_split && spills {
                right = Arc::new(CoalescePartitionsExec::new(right));
                mode = ChildrenPropertiesMode::Recompute;
            }
            let left = Arc::new(ReplayExec::new(Arc::clone(join.left()), is_split && !spills));
            node.replace_children(vec![left, right], ReplaceChildrenOptions::new(mode)).map(Transformed::yes)
        };
        plan.transform_up(replace).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "NestedLoops"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns whether a join emits left rows depending on the matches in all of its right side.
fn emits_left(join: JoinType) -> bool {
    use JoinType::{Full, Left, LeftAnti, LeftMark, LeftSemi};
    matches!(join, Left | LeftAnti | LeftMark | LeftSemi | Full)
}

/// Passes its input through and can be executed twice. The second execution begins once the first stream is
/// dropped.
#[derive(Debug)]
struct ReplayExec {
    input: Arc<dyn ExecutionPlan>,
    /// True if the second execution must fail.
    once: bool,
    kept: Arc<Mutex<Kept>>,
}

impl ReplayExec {
    fn new(input: Arc<dyn ExecutionPlan>, once: bool) -> Self {
        Self { input, once, kept: Arc::default() }
    }

    fn kept(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
        kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The batches returned by the first stream, and the rest of the input.
#[derive(Default)]
struct Kept {
    executions: usize,
    batches: VecDeque<RecordBatch>,
    rows: usize,
    rest: Option<SendableRecordBatchStream>,
    failed: Option<Arc<DataFusionError>>,
    /// Checks that there is room for the join's last request; during a replay, holds the memory of the
    /// batches.
    reservation: Option<MemoryReservation>,
    is_complete: bool,
}

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Kept").field("executions", &self.executions).finish_non_exhaustive()
    }
}

impl Kept {
    /// Starts the second stream: the join no longer holds any of the batches.
    fn replay(&mut self) {
        let bytes = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        if let Some(reservation) = &self.reservation {
            reservation.grow(bytes);
        }
    }

    /// Returns the next batch of the first stream.
    fn first(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        let batch = ready!(self.poll(context));
        match &batch {
            Some(Ok(batch)) => {
                self.rows += batch.num_rows();
                self.batches.push_back(batch.clone());
            }
            Some(Err(_)) => {}
            None => {
                // The join's last request is one bit per row. If that fits, the join has all the memory it
                // needs.
                if let Some(reservation) = &self.reservation {
                    if let Err(error) = reservation.try_grow(self.rows.div_ceil(8)) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    reservation.free();
                }
                self.batches.clear();
                self.is_complete = true;
            }
        }
        Poll::Ready(batch)
    }

    /// Returns the next batch of the second stream.
    fn second(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        let Some(batch) = self.batches.pop_front() else { return self.poll(context) };
        if let Some(reservation) = &self.reservation {
            reservation.shrink(batch.get_array_memory_size().min(reservation.size()));
        }
        Poll::Ready(Some(Ok(batch)))
    }

    /// Returns the next batch of the input.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        if let Some(error) = &self.failed {
            return Poll::Ready(Some(Err(DataFusionError::Shared(Arc::clone(error)))));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        Poll::Ready(match ready!(rest.poll_next_unpin(context)) {
            Some(Ok(batch)) => Some(Ok(batch)),
            Some(Err(error)) => {
                let error = Arc::new(error);
                self.failed = Some(Arc::clone(&error));
                self.rest = None;
                Some(Err(DataFusionError::Shared(error)))
            }
            None => {
                self.rest = None;
                None
            }
        })
    }
}

impl DisplayAs for ReplayExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ReplayExec")
    }
}

impl ExecutionPlan for ReplayExec {
    fn name(&self) -> &'static str {
        "ReplayExec"
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
            Some(input) => Ok(Arc::new(Self::new(input, self.once))),
            None => Err(DataFusionError::Internal("ReplayExec has one input".into())),
        }
    }

    fn execute(&self, part: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut kept = Self::kept(&self.kept);
        kept.executions += 1;
        let is_first = kept.executions == 1;
        if is_first {
            let consumer = MemoryConsumer::new(format!("NestedLoopJoinReplay[{part}]"));
            kept.reservation = Some(consumer.register(context.memory_pool()));
            kept.rest = Some(self.input.execute(part, context)?);
        } else if kept.executions > 2 {
            return Err(DataFusionError::Internal("ReplayExec is executed twice at most".into()));
        } else if self.once || kept.is_complete {
            let cause = "a join without an equality between columns needs more memory than memory_limit leaves it; raise \
                         `memory_limit` of the target, or add an equality to the join";
            return Err(DataFusionError::ResourcesExhausted(cause.into()));
        } else {
            kept.replay();
        }
        let shared = Arc::clone(&self.kept);
        let batches = stream::poll_fn(move |context| {
            let mut kept = Self::kept(&shared);
            if is_first { kept.first(context) } else { kept.second(context) }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use datafusion::{
        arrow::{array::RecordBatch, util::pretty::pretty_format_batches},
        error::Result,
    };
    use futures::TryStreamExt;

    use super::super::joins::Joins;
    use crate::{
        engine::{Engine, EngineSettings, exec::streams::is_out_of_memory, rows::spool::Spool},
        name::Relation,
    };

    fn engine(memory_limit: Option<u64>) -> Engine {
        Engine::new(&EngineSettings {
            threads: 2,
            memory_limit,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        })
        .unwrap()
    }

    /// Returns a spool of many rows in files.
    async fn many(engine: &Engine) -> Spool {
        let sql = "select i, i * 7919 % 10007 as k, md5(i::varchar) as s from generate_series(1, 60000) t(i)";
        let query = engine.plan(sql).await.unwrap();
        let bound = query.bind(&BTreeMap::new()).unwrap();
        let streams = engine.streams(&bound, &[], Joins::Hash).await.unwrap();
        engine.spool_within(&query.schema(), streams, Arc::new(|_| {}), 0).await.unwrap()
    }

    async fn answer(engine: &Engine, rows: &Spool, sql: &str, joins: Joins) -> Result<String> {
        let big = Relation::new("s", "big");
        engine.declare_table(&big, rows.table().schema())?;
        let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
        let bound = query.bind(&BTreeMap::from([(big, rows.table())])).unwrap();
        let mut batches = Vec::new();
        for stream in engine.streams(&bound, &[], joins).await? {
            batches.extend(stream.try_collect::<Vec<RecordBatch>>().await?);
        }
        batches.retain(|batch| batch.num_rows() > 0);
        Ok(pretty_format_batches(&batches)?.to_string())
    }

    #[tokio::test]
    async fn nested_loop_joins_lose_no_row_of_files_when_they_spill() {
        let plain = engine(None);
        let limits = [3_000_000, 5_000_000, 8_000_000].map(|limit| engine(Some(limit)));
        let rows = many(&plain).await;
        // The optimizer can't know the number of rows in a series, so it leaves the larger table on the left
        // side.
        let ranges = "(select x * 1000 as low, x * 1000 + 900 as high from generate_series(0, 3) g(x)) r";
        let few = "(select b.i % 10000 as low, b.i % 10000 + 900 as high from generate_series(0, 11) g(x) \
                   join s.big b on b.i = g.x * 5000 + 17) r";
        let within = "a.k >= r.low and a.k < r.high";
        let mut answered = 0;
        for from in [
            format!("s.big a join {ranges} on {within}"),
            format!("{ranges} join s.big a on {within}"),
            format!("s.big a left join {ranges} on {within}"),
            format!("{ranges} right join s.big a on {within}"),
            format!("s.big a join {few} on {within}"),
            format!("s.big a left join {few} on {within}"),
            format!("s.big a full join {few} on {within}"),
            format!("(select * from s.big a where exists (select 1 from {few} where {within})) a"),
            format!("(select * from s.big a where not exists (select 1 from {few} where {within})) a"),
        ] {
            let low = if from.contains("exists") { "0" } else { "sum(r.low)" };
            let sql =
                format!("select count(*), sum(a.i)::bigint, {low}::bigint, min(a.s), max(a.s) from {from}");
            let wanted = answer(&plain, &rows, &sql, Joins::Hash).await.unwrap();
            for (limited, joins) in limits.iter().flat_map(|one| [(one, Joins::Hash), (one, Joins::Merge)]) {
                match answer(limited, &rows, &sql, joins).await {
                    // The pool may have no memory left for the operator above.
                    Err(error) => assert!(is_out_of_memory(&error), "{sql}: {error}"),
                    Ok(found) => {
                        assert_eq!(found, wanted, "{sql}");
                        answered += 1;
                    }
                }
            }
        }
        assert!(answered > 27, "{answered} of 54");
    }
}
