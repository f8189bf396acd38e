//! A guard against wrong results: keys of a join that are equal if both are NULL, and those that aren't.
//!
//! DataFusion 55.2 joins by `a.k is not distinct from b.k` as by a key whose NULLs are equal, and says so of
//! the whole join. Then it adds keys of `=` from WHERE, ON and other joins (`ExtractEquijoinPredicate`,
//! `EliminateCrossJoin`), and their NULLs become equal too. Here such a join gets no other keys: what would
//! be one stays a condition.

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

/// DataFusion's logical rules, those that add keys to joins under guard.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| -> Arc<dyn OptimizerRule + Send + Sync> {
        match rule.name() {
            "extract_equijoin_predicate" | "eliminate_cross_join" => Arc::new(Guarded(rule)),
            _ => rule,
        }
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

#[derive(Debug)]
struct Guarded(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        // A rule without an order visits the whole plan by itself.
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
