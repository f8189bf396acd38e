//! NOT IN (SELECT …) whose keys may be NULL, with joins that spill. DataFusion 55.2 has only a hash join for
//! it (a null-aware anti join), which holds all rows of the outer query. This rule makes it an anti join,
//! which can be a merge join, and a condition on the subquery's counts: `x not in (select y …)` is true if no
//! `y` equals `x`, and there are no rows, or neither `x` nor any `y` is NULL.
//!
//! Delete this module once merge joins can be null-aware.

use std::sync::Arc;

use datafusion::{
    common::{
        Column,
        tree_node::{Transformed, TreeNodeRecursion},
    },
    error::Result,
    functions_aggregate::expr_fn::count,
    logical_expr::{Expr, Join, JoinType, LogicalPlan, LogicalPlanBuilder, lit},
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// The names of the counts: of the subquery's rows, and of those whose key isn't NULL.
const ROWS: &str = "$rows";
const KEYS: &str = "$keys";

/// Replaces null-aware anti joins.
#[derive(Debug)]
pub(crate) struct NullAwareJoins;

impl OptimizerRule for NullAwareJoins {
    fn name(&self) -> &'static str {
        "null_aware_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = plan else { return Ok(Transformed::no(plan)) };
        let is_replaceable = join.null_aware && join.join_type == JoinType::LeftAnti && join.filter.is_none();
        match join.on.as_slice() {
            // The subquery is computed twice, and must have the same rows both times.
            [(outer, inner)] if is_replaceable && !is_volatile(&join.right)? => {
                let left = possible(&join, outer, inner)?;
                Ok(Transformed::yes(LogicalPlan::Join(Join {
                    left: Arc::new(left),
                    null_aware: false,
                    ..join
                })))
            }
            _ => Ok(Transformed::no(LogicalPlan::Join(join))),
        }
    }
}

/// Returns the outer rows for which NOT IN is true if no row of the subquery is equal.
fn possible(join: &Join, outer: &Expr, inner: &Expr) -> Result<LogicalPlan> {
    let counts = LogicalPlanBuilder::from(join.right.as_ref().clone())
        .aggregate(Vec::<Expr>::new(), [count(lit(1_i64)).alias(ROWS), count(inner.clone()).alias(KEYS)])?
        .build()?;
    let column = |name| Expr::Column(Column::from_name(name));
    let is_empty = column(ROWS).eq(lit(0_i64));
    let no_nulls = column(KEYS).eq(column(ROWS)).and(outer.clone().is_not_null());
    let columns: Vec<Expr> = join.left.schema().columns().into_iter().map(Expr::Column).collect();
    // A cross join buffers its left input, which is one row here.
    LogicalPlanBuilder::from(counts)
        .cross_join(join.left.as_ref().clone())?
        .filter(is_empty.or(no_nulls))?
        .project(columns)?
        .build()
}

fn is_volatile(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use datafusion::{
        arrow::{
            array::{AsArray, Int64Array, RecordBatch},
            datatypes::{DataType, Field, Int64Type, Schema},
        },
        datasource::MemTable,
        physical_plan::displayable,
    };
    use futures::TryStreamExt;
    use proptest::prelude::*;

    use crate::{
        engine::{Engine, EngineSettings, Table, plan::joins::Joins},
        name::Relation,
    };

    type Row = (Option<i64>, Option<i64>);

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

    fn table(rows: &[Row]) -> Table {
        let fields = ["k", "g"].map(|name| Field::new(name, DataType::Int64, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let keys: Int64Array = rows.iter().map(|row| row.0).collect();
        let groups: Int64Array = rows.iter().map(|row| row.1).collect();
        let batch =
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(keys), Arc::new(groups)]).unwrap();
        Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
    }

    /// Returns the rows of `s.a` for which a condition that reads `s.b` is true, and the plan.
    async fn found(a: &[Row], b: &[Row], condition: &str) -> (Vec<Row>, String) {
        let engine = engine();
        let tables =
            BTreeMap::from([(Relation::new("s", "a"), table(a)), (Relation::new("s", "b"), table(b))]);
        for (relation, table) in &tables {
            engine.declare_table(relation, table.schema()).unwrap();
        }
        let sql = format!("select a.k, a.g from s.a where {condition}");
        let query = engine.plan(&sql).await.unwrap_or_else(|error| panic!("{}", error.message));
        let bound = query.bind(&tables).unwrap();
        let plan = engine.planner(Joins::Merge).create_physical_plan(&bound.plan).await.unwrap();
        let shown = displayable(plan.as_ref()).indent(false).to_string();
        let mut rows = Vec::new();
        for stream in engine.streams(&bound, &[], Joins::Merge).await.unwrap() {
            for batch in stream.try_collect::<Vec<RecordBatch>>().await.unwrap() {
                let columns = [0, 1].map(|at| batch.column(at).as_primitive::<Int64Type>().clone());
                rows.extend(columns[0].iter().zip(columns[1].iter()));
            }
        }
        rows.sort_unstable();
        (rows, shown)
    }

    /// Evaluates `key not in values` by SQL's definition.
    fn is_outside(key: Option<i64>, values: &[Option<i64>]) -> bool {
        values.iter().all(|value| matches!((key, value), (Some(key), Some(value)) if key != *value))
    }

    #[tokio::test]
    async fn no_hash_join_is_left() {
        let rows = [(Some(1), Some(1)), (None, Some(2)), (Some(3), None)];
        let (found, plan) = found(&rows, &[(Some(1), None)], "a.k not in (select k from s.b)").await;
        assert_eq!(found, [(Some(3), None)]);
        assert!(plan.contains("SortMergeJoin") && !plan.contains("HashJoin"), "{plan}");
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let value = || proptest::option::weighted(0.85, 0..5_i64);
        proptest::collection::vec((value(), value()), 0..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rows_are_those_that_sql_defines(a in rows(), b in rows()) {
            type Inner = fn(&Row, &Row) -> bool;
            let conditions: [(&str, Inner); 5] = [
                ("a.k not in (select k from s.b)", |_, _| true),
                ("a.k not in (select k from s.b where g > 2)", |_, b| b.1 > Some(2)),
                ("a.k not in (select k from s.b where k is not null)", |_, b| b.0.is_some()),
                ("a.k not in (select k from s.b where b.g = a.g)", |a, b| b.1.is_some() && a.1 == b.1),
                ("a.k not in (select k from s.b where b.g < a.g)", |a, b| b.1.is_some() && b.1 < a.1),
            ];
            let runtime = tokio::runtime::Runtime::new().unwrap();
            for (condition, inner) in conditions {
                let among = |row: &Row| b.iter().filter(|one| inner(row, one)).map(|one| one.0).collect::<Vec<_>>();
                let mut wanted: Vec<Row> =
                    a.iter().filter(|row| is_outside(row.0, &among(row))).copied().collect();
                wanted.sort_unstable();
                let (rows, plan) = runtime.block_on(found(&a, &b, condition));
                prop_assert_eq!(rows, wanted, "{}\n{}", condition, plan);
            }
        }
    }
}
