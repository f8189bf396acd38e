//! Merge join keys: casts timestamps with a time zone to integers. DataFusion 55.2 can't merge by such
//! timestamps (`joins::utils::compare_join_arrays`), and every timestamp of a Delta table is one. The stored
//! integers are equal exactly if the instants are.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ExprSchema, tree_node::Transformed},
    error::Result,
    logical_expr::{Expr, ExprSchemable, Join, LogicalPlan, cast},
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
};

/// The rule that joins by the integers of instants.
#[derive(Debug)]
pub(crate) struct MergeKeys;

impl OptimizerRule for MergeKeys {
    fn name(&self) -> &'static str {
        "merge_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = plan else { return Ok(Transformed::no(plan)) };
        let (left, right) = (join.left.schema(), join.right.schema());
        let are_instants = |(one, other): &(Expr, Expr)| Some(instant(one, left)? == instant(other, right)?);
        let found: Vec<bool> = join.on.iter().map(|pair| are_instants(pair).unwrap_or_default()).collect();
        if !found.contains(&true) {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let number = |key| cast(key, DataType::Int64);
        let on = join.on.into_iter().zip(found);
        let on =
            on.map(|((one, other), found)| if found { (number(one), number(other)) } else { (one, other) });
        Ok(Transformed::yes(LogicalPlan::Join(Join { on: on.collect(), ..join })))
    }
}

/// Returns the type of a key that is a timestamp with a time zone.
fn instant(key: &Expr, schema: &DFSchema) -> Option<DataType> {
    let data_type = key.get_type(schema as &dyn ExprSchema).ok()?;
    matches!(data_type, DataType::Timestamp(_, Some(_))).then_some(data_type)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use datafusion::{
        arrow::{
            array::{RecordBatch, TimestampMicrosecondArray},
            datatypes::{Field, Schema, TimeUnit},
            util::pretty::pretty_format_batches,
        },
        datasource::MemTable,
    };
    use futures::TryStreamExt;

    use super::{super::joins::Joins, DataType};
    use crate::{
        engine::{Engine, EngineSettings, Table},
        name::Relation,
    };

    /// Returns a table of instants, and one more that is NULL.
    fn instants(micros: &[i64]) -> Table {
        let values = micros.iter().copied().map(Some).chain([None]);
        let values = values.collect::<TimestampMicrosecondArray>().with_timezone("UTC");
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Arc::new(Schema::new(vec![Field::new("at", data_type, true)]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(values)]).unwrap();
        Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
    }

    #[tokio::test]
    async fn joins_that_spill_take_instants_for_keys() {
        let settings = EngineSettings {
            threads: 2,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        let tables = [("a", instants(&[1, 2, -3])), ("b", instants(&[2, -3, 4]))];
        let tables: BTreeMap<_, _> =
            tables.into_iter().map(|(name, table)| (Relation::new("s", name), table)).collect();
        for (relation, table) in &tables {
            engine.declare_table(relation, table.schema()).unwrap();
        }
        let kinds = [
            ("join", "a.at"),
            ("left join", "a.at"),
            ("left semi join", "a.at"),
            ("right anti join", "b.at"),
        ];
        for (kind, shown) in kinds {
            let sql = format!("select {shown} from s.a {kind} s.b on a.at = b.at");
            let query = engine.plan(&sql).await.unwrap();
            let mut shown = Vec::new();
            for joins in [Joins::Hash, Joins::Merge] {
                let streams = engine.streams(&query.bind(&tables).unwrap(), &[], joins).await.unwrap();
                let mut rows = Vec::new();
                for stream in streams {
                    rows.extend(stream.try_collect::<Vec<_>>().await.unwrap());
                }
                let text = pretty_format_batches(&rows).unwrap().to_string();
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines.sort();
                shown.push(lines);
            }
            assert_eq!(shown[0], shown[1], "{kind}");
            assert!(shown[0].len() > 4, "{kind} has no rows");
        }
    }
}
