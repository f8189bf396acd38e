//! Full joins by sort and merge. DataFusion 55.2 stores 17 bytes for each row of the right side that has no
//! match (`MaterializingSortMergeJoinStream::freeze_buffered`), reserves no memory for them, and frees them
//! only if the join has a filter. A merge into a table of 100 million rows would need 1.7 GB. So each full
//! join gets a filter here, one that all rows pass.
//!
//! Delete this module once joins without a filter store nothing for such rows.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::Schema,
    common::{
        JoinSide, JoinType, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    physical_expr::expressions::Literal,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ExecutionPlan,
        joins::{
            SortMergeJoinExec,
            utils::{ColumnIndex, JoinFilter},
        },
    },
};

/// The rule that gives full joins a filter. Runs last, because other rules would remove the filter.
#[derive(Debug)]
pub(crate) struct FullJoins;

impl PhysicalOptimizerRule for FullJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let join = node.downcast_ref::<SortMergeJoinExec>();
            let filtered = join.map(filtered).transpose()?.flatten();
            Ok(filtered.map_or_else(|| Transformed::no(node), Transformed::yes))
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &'static str {
        "FullJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Returns a full join without a filter as one with a filter.
fn filtered(join: &SortMergeJoinExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema = join.left().schema();
    // A filter that reads no column isn't evaluated.
    let Some(first) = schema.fields().first() else { return Ok(None) };
    if join.join_type() != JoinType::Full || join.filter().is_some() {
        return Ok(None);
    }
    let filter = JoinFilter::new(
        Arc::new(Literal::new(ScalarValue::Boolean(Some(true)))),
        vec![ColumnIndex { index: 0, side: JoinSide::Left }],
        Arc::new(Schema::new(vec![Arc::clone(first)])),
    );
    let join = SortMergeJoinExec::try_new(
        Arc::clone(join.left()),
        Arc::clone(join.right()),
        join.on().to_vec(),
        Some(filter),
        JoinType::Full,
        join.sort_options().to_vec(),
        join.null_equality(),
    )?;
    Ok(Some(Arc::new(join)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::{arrow::util::pretty::pretty_format_batches, physical_plan::displayable};
    use futures::TryStreamExt;

    use crate::engine::{Engine, EngineSettings, RecordBatch, plan::joins::Joins};

    async fn answer(engine: &Engine, sql: &str, joins: Joins) -> String {
        let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
        let bound = query.bind(&BTreeMap::new()).unwrap();
        let mut batches = Vec::new();
        for stream in engine.streams(&bound, &[], joins).await.unwrap() {
            batches.extend(stream.try_collect::<Vec<RecordBatch>>().await.unwrap());
        }
        batches.retain(|batch| batch.num_rows() > 0);
        pretty_format_batches(&batches).unwrap().to_string()
    }

    fn engine() -> Engine {
        Engine::new(&EngineSettings {
            threads: 2,
            memory_limit: Some(20_000_000),
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn full_joins_by_merge_have_a_filter() {
        let engine = engine();
        let sides = "(select x as i from generate_series(1, 9) a(x)) a %% join (select x as i from generate_series(5, 20) b(x)) b on a.i = b.i";
        for (kind, is_filtered) in [("full", true), ("left", false), ("inner", false)] {
            let query = engine.plan(&format!("select * from {}", sides.replace("%%", kind))).await.unwrap();
            let bound = query.bind(&BTreeMap::new()).unwrap();
            let plan = engine.planner(Joins::Merge).create_physical_plan(&bound.plan).await.unwrap();
            let shown = displayable(plan.as_ref()).indent(false).to_string();
            assert!(shown.contains("SortMergeJoin"), "{shown}");
            assert_eq!(shown.contains("filter=true"), is_filtered, "{shown}");
        }
    }

    #[tokio::test]
    async fn full_joins_by_merge_and_by_hash_return_the_same() {
        let engine = engine();
        let side = |seed: u32, rows: u32, keys: u32| {
            format!(
                "(select nullif(x * {seed} % {keys}, 3) as k, x as v, md5(x::varchar) as s from generate_series(1, {rows}) t(x))"
            )
        };
        let sides =
            [side(7919, 30_000, 20_011), side(104_729, 20_000, 29_989), side(31, 500, 7), side(17, 900, 40)];
        for (left, right) in [(0, 1), (1, 0), (2, 3), (0, 3), (2, 1)] {
            let (left, right) = (&sides[left], &sides[right]);
            let sql = format!(
                "select count(*), count(a.k), count(b.k), sum(a.v)::bigint, sum(b.v)::bigint, sum(a.v * 3 + b.v * 7)::bigint, \
                 min(a.s), max(b.s), count(*) filter (where a.s is null), count(*) filter (where b.s is null) \
                 from {left} a full join {right} b on a.k = b.k"
            );
            let wanted = answer(&engine, &sql, Joins::Hash).await;
            assert_eq!(answer(&engine, &sql, Joins::Merge).await, wanted, "{sql}");
        }
    }
}
