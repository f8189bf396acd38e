//! Guards against wrong results. DataFusion 55.2 pushes a filter through a projection by column names, and
//! picks the wrong column if two share a name (`ProjectionExec::collect_reverse_alias`). So
//! `select b.k from a right join b on a.k = b.k where a.k is null` filters `b.k`, and finds nothing.
//!
//! In a plan with such a projection, filters aren't pushed down, which costs speed but no rows.
//!
//! When DataFusion merges projections, it renumbers columns but not the parameters of lambdas, so
//! `list_transform(l, x -> x + 1)` may mistake a column for `x`. In a plan with lambdas, projections aren't
//! pushed down.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    common::{
        config::ConfigOptions,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::Result,
    physical_expr::{HigherOrderFunctionExpr, PhysicalExpr},
    physical_optimizer::{PhysicalOptimizerRule, optimizer::PhysicalOptimizer},
    physical_plan::{
        ExecutionPlan, aggregates::AggregateExec, filter::FilterExec, projection::ProjectionExec,
        sorts::sort::SortExec,
    },
};

use super::{
    full_joins::FullJoins, hidden_constants::HiddenConstants, nan, replay::NestedLoops,
    window_partitions::WindowPartitions,
};
use crate::engine::memory::{Budget, CrossJoins, LargeConstants, WideRows};

/// DataFusion's physical rules, those that push filters down under guard, and what a memory limit adds.
pub(crate) fn rules(budget: Budget) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let rules = PhysicalOptimizer::new().rules.into_iter().flat_map(|rule| {
        // This rule decides sorts and partitioning.
        let first = rule.name() == "EnsureRequirements";
        let own: [Arc<dyn PhysicalOptimizerRule + Send + Sync>; 2] =
            [Arc::new(CrossJoins), Arc::new(HiddenConstants)];
        own.into_iter().filter(move |_| first).chain([rule])
    });
    rules
        .map(|rule| {
            let rule = nan::guarded(rule);
            if rule.name().starts_with("FilterPushdown") {
                Arc::new(GuardedPushdown(rule, has_ambiguous_projection))
                    as Arc<dyn PhysicalOptimizerRule + Send + Sync>
            } else if rule.name() == "ProjectionPushdown" {
                Arc::new(GuardedPushdown(rule, has_lambda))
            } else {
                rule
            }
        })
        .chain([
            Arc::new(WindowPartitions) as Arc<dyn PhysicalOptimizerRule + Send + Sync>,
            Arc::new(FullJoins),
        ])
        .chain(
            budget
                .is_limited()
                .then(|| Arc::new(NestedLoops) as Arc<dyn PhysicalOptimizerRule + Send + Sync>),
        )
        .chain(
            budget
                .is_limited()
                .then(|| Arc::new(WideRows(budget)) as Arc<dyn PhysicalOptimizerRule + Send + Sync>),
        )
        .chain([Arc::new(LargeConstants) as Arc<dyn PhysicalOptimizerRule + Send + Sync>])
        .collect()
}

/// A rule that skips plans for which the function returns true.
#[derive(Debug)]
struct GuardedPushdown(
    Arc<dyn PhysicalOptimizerRule + Send + Sync>,
    fn(&Arc<dyn ExecutionPlan>) -> Result<bool>,
);

impl PhysicalOptimizerRule for GuardedPushdown {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if (self.1)(&plan)? { Ok(plan) } else { self.0.optimize(plan, config) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_ambiguous_projection(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        if node.downcast_ref::<ProjectionExec>().is_some() {
            let mut names = HashSet::new();
            found |= node.schema().fields().iter().any(|field| !names.insert(field.name().clone()));
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn has_lambda(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        let mut expressions: Vec<Arc<dyn PhysicalExpr>> = Vec::new();
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            expressions.extend(projection.expr().iter().map(|one| Arc::clone(&one.expr)));
        } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
            expressions.push(Arc::clone(filter.predicate()));
        } else if let Some(sort) = node.downcast_ref::<SortExec>() {
            expressions.extend(sort.expr().iter().map(|key| Arc::clone(&key.expr)));
        } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            expressions.extend(aggregate.group_expr().expr().iter().map(|(key, _)| Arc::clone(key)));
            expressions.extend(aggregate.aggr_expr().iter().flat_map(|one| one.expressions()));
        }
        for expression in expressions {
            found |=
                expression.exists(|part| Ok(part.downcast_ref::<HigherOrderFunctionExpr>().is_some()))?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::{arrow::util::pretty::pretty_format_batches, prelude::ParquetReadOptions};
    use futures::TryStreamExt;

    use crate::{
        engine::{Engine, EngineSettings},
        name::Relation,
    };

    #[tokio::test]
    async fn a_filter_stays_on_its_own_side_of_a_join() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet").display().to_string();
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let context = engine.context();
        let copy = format!("copy (select * from (values ('a', 1), ('b', 2)) t(m, i)) to '{path}'");
        context.sql(&copy).await.unwrap().collect().await.unwrap();
        let rows = context.read_parquet(&path, ParquetReadOptions::default()).await.unwrap().into_view();
        let relation = Relation::new("s", "x");
        engine.declare_table(&relation, rows.schema()).unwrap();
        let sql = "with repeated as (select m, i from s.x group by m, i having count(*) > 1)
            select x.m from repeated right join s.x on repeated.m = x.m and repeated.i = x.i
            where repeated.m is null order by x.m";
        let bound = engine.plan(sql).await.unwrap().bind(&BTreeMap::from([(relation, rows)])).unwrap();
        let batches: Vec<_> = engine.stream(&bound, None).await.unwrap().try_collect().await.unwrap();
        insta::assert_snapshot!(pretty_format_batches(&batches).unwrap(), @"
        +---+
        | m |
        +---+
        | a |
        | b |
        +---+
        ");
    }
}
