//! A guard against wrong results: keeps join keys whose NULLs are equal apart from those whose NULLs aren't.
//!
//! DataFusion 55.2 plans `a.k is not distinct from b.k` as a join key with equal NULLs, which is a setting of
//! the whole join. Then it adds keys of `=` from WHERE, ON and other joins (`ExtractEquijoinPredicate`,
//! `EliminateCrossJoin`), and their NULLs become equal too. This guard keeps such a join from getting further
//! keys; their conditions stay in its filter.

use std::sync::Arc;

use datafusion::{
    common::{
        NullEquality,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Join, LogicalPlan},
    optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule},
};

/// Returns DataFusion's logical rules with guards around those that add keys to joins.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| -> Arc<dyn OptimizerRule + Send + Sync> {
        match rule.name() {
            "extract_equijoin_predicate" | "eliminate_cross_join" => Arc::new(GuardedJoinKeys(rule)),
            _ => rule,
        }
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

#[derive(Debug)]
struct GuardedJoinKeys(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for GuardedJoinKeys {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        // A rule without an order traverses the whole plan itself.
        let whole = self.apply_order().is_none();
        let guarded = if whole { has_null_keys(&plan)? } else { is_by_null_keys(&plan) };
        if guarded { Ok(Transformed::no(plan)) } else { self.0.rewrite(plan, config) }
    }
}

fn is_by_null_keys(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Join(Join { null_equality: NullEquality::NullEqualsNull, .. }))
}

fn has_null_keys(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= is_by_null_keys(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::TryStreamExt;

    use crate::engine::{Engine, EngineSettings};

    async fn rows(sql: &str) -> usize {
        let dialect = "duckdb".to_owned();
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect,
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let bound = engine.plan(sql).await.unwrap().bind(&BTreeMap::new()).unwrap();
        let batches: Vec<_> = engine.stream(&bound, None).await.unwrap().try_collect().await.unwrap();
        batches.iter().map(datafusion::arrow::array::RecordBatch::num_rows).sum()
    }

    #[tokio::test]
    async fn nulls_are_equal_only_where_it_is_asked() {
        let a = "(values (1, null), (2, 5), (null, 6)) a(k, x)";
        let b = "(values (1, null), (2, 5), (null, 6)) b(k, x)";
        let c = "(values (null), (5)) c(x)";
        for (sql, wanted) in [
            (format!("select a.x from {a} join {b} on a.k is not distinct from b.k"), 3),
            (format!("select a.x from {a} join {b} on a.k is not distinct from b.k where a.x = b.x"), 2),
            (format!("select a.x from {a} join {b} on a.k is not distinct from b.k and a.x = b.x"), 2),
            (
                format!("select a.x from {a} join {b} on a.k is not distinct from b.k join {c} on c.x = a.x"),
                1,
            ),
            (format!("select a.x from {a}, {b}, {c} where a.k is not distinct from b.k and c.x = a.x"), 1),
        ] {
            assert_eq!(rows(&sql).await, wanted, "{sql}");
        }
    }
}
