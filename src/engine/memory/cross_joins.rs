//! Sides of cross joins. DataFusion 55.2 holds the left one in memory, and swaps the sides only where both have
//! statistics. Files that are read as they are have none, so a table of one row on the right, such as a CTE of
//! parameters, would make it hold all rows of the files.

use std::sync::Arc;

use datafusion::{
    common::{
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        joins::CrossJoinExec,
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

/// Puts the side that is known to be small first. Comes before sorts and partitions are decided.
#[derive(Debug)]
pub(in crate::engine) struct CrossJoins;

/// Rows of a side that may be held, whatever the other one is.
const FEW: usize = 10_000;

impl PhysicalOptimizerRule for CrossJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let replace = |node: Arc<dyn ExecutionPlan>| {
            let Some(join) = node.downcast_ref::<CrossJoinExec>() else { return Ok(Transformed::no(node)) };
            let (left, right) = (rows(join.left())?, rows(join.right())?);
            if left.is_none() && right.is_some_and(|rows| rows <= FEW) {
                return join.swap_inputs().map(Transformed::yes);
            }
            Ok(Transformed::no(node))
        };
        plan.transform_up(replace).map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "CrossJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// How many rows a plan has at most, if that is known.
fn rows(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<usize>> {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
    Ok(statistics.num_rows.get_value().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::{array::AsArray, datatypes::Int64Type};

    use crate::engine::{Engine, EngineSettings};

    #[tokio::test]
    async fn many_rows_before_a_cross_join_with_one_are_not_held() {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: Some(3_000_000),
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let sql = "select count(*), sum(s.i * p.x)::bigint, max(length(s.t))::bigint
            from (select i, md5(i::varchar) as t from generate_series(1, 100000) g(i)) s
            cross join (values (3)) p(x)";
        let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
        let batch = engine.gathered(&query.bind(&BTreeMap::new()).unwrap()).await.unwrap();
        let number = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(0);
        assert_eq!((number(0), number(1), number(2)), (100_000, 15_000_150_000, 32));
    }
}
