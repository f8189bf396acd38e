//! Plans of few partitions. DataFusion 55.2 plans merge joins only where a session has several partitions
//! (`physical_planner.rs`); with one it plans hash joins, which can't spill. So a session with spilling joins
//! has two at least while the plan is made, and as many as its memory is enough for when sorts and exchanges
//! are added.
//!
//! Delete this once `prefer_hash_join` counts with one partition as well.

use std::sync::Arc;

use datafusion::{
    common::config::ConfigOptions, error::Result, physical_optimizer::PhysicalOptimizerRule,
    physical_plan::ExecutionPlan,
};

/// The rules, each of which sees `partitions` as the number of partitions that a plan should have.
pub(in crate::engine) fn with_partitions(
    rules: &[Arc<dyn PhysicalOptimizerRule + Send + Sync>],
    partitions: usize,
) -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let within = |rule: &Arc<dyn PhysicalOptimizerRule + Send + Sync>| {
        Arc::new(Within { rule: Arc::clone(rule), partitions })
            as Arc<dyn PhysicalOptimizerRule + Send + Sync>
    };
    rules.iter().map(within).collect()
}

#[derive(Debug)]
struct Within {
    rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>,
    partitions: usize,
}

impl PhysicalOptimizerRule for Within {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut config = config.clone();
        config.execution.target_partitions = self.partitions;
        self.rule.optimize(plan, &config)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use futures::TryStreamExt;

    use crate::{
        engine::{Engine, EngineSettings, RecordBatch, plan::joins::Joins},
        name::Relation,
    };

    #[tokio::test]
    async fn joins_spill_with_one_thread() {
        let settings = EngineSettings {
            threads: 1,
            memory_limit: Some(6_000_000),
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let rows = "select i, md5(i::varchar) as s from generate_series(1, 60000) t(i)";
        let query = engine.plan(rows).await.unwrap();
        let bound = query.bind(&BTreeMap::new()).unwrap();
        let streams = engine.streams(&bound, &[], Joins::Hash).await.unwrap();
        let spool = engine.spool_within(&query.schema(), streams, Arc::new(|_| {}), 0).await.unwrap();
        let big = Relation::new("s", "big");
        engine.declare_table(&big, spool.table().schema()).unwrap();
        let sql = "select a.i, a.s, b.s as other from s.big a join s.big b on a.s = b.s";
        let query = engine.plan(sql).await.unwrap();
        let bound = query.bind(&BTreeMap::from([(big, spool.table())])).unwrap();
        let count = async |joins| {
            let mut rows = 0;
            for stream in engine.streams(&bound, &[], joins).await? {
                let batches: Vec<RecordBatch> = stream.try_collect().await?;
                rows += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            }
            Ok::<_, crate::engine::EngineError>(rows)
        };
        let error = count(Joins::Hash).await.unwrap_err();
        assert!(crate::engine::exec::streams::is_out_of_memory(&error), "{error}");
        assert_eq!(count(Joins::Merge).await.unwrap(), 60_000);
    }
}
