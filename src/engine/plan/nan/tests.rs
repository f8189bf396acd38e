//! Tests of rows with NaN and of filters that may skip files.

use datafusion::{
    arrow::{
        array::{Float64Array, Int64Array},
        util::pretty::pretty_format_batches,
    },
    common::{Column, config::TableParquetOptions},
    dataframe::DataFrameWriteOptions,
    logical_expr::{col, lit},
    prelude::ParquetReadOptions,
};

use super::*;
use crate::engine::{Engine, EngineSettings};

fn engine() -> Engine {
    let settings = EngineSettings {
        threads: 2,
        memory_limit: None,
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    };
    Engine::new(&settings).unwrap()
}

#[tokio::test]
async fn files_give_what_the_rows_in_memory_give() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet").display().to_string();
    let x = Float64Array::from(vec![Some(1.0), Some(f64::NAN), Some(1.0), None, Some(-0.5)]);
    let id = Int64Array::from(vec![1, 2, 3, 4, 5]);
    let batch = RecordBatch::try_from_iter([("id", Arc::new(id) as _), ("x", Arc::new(x) as _)]).unwrap();
    let engine = engine();
    let context = engine.context();
    let rows = context.read_batch(batch.clone()).unwrap();
    let options = DataFrameWriteOptions::new();
    rows.write_parquet(&path, options, Some(TableParquetOptions::new())).await.unwrap();
    context.register_batch("memory", batch).unwrap();
    context.register_parquet("file", &path, ParquetReadOptions::default()).await.unwrap();
    for query in [
        "select id from t where x = 1 order by id",
        "select id from t where x < 5 order by id",
        "select id from t where x > 5 order by id",
        "select id from t where x <> 1 order by id",
        "select id from t where not (x <= 1) or x = 2 order by id",
        "select id from t where x in (1, 7) and id > 1 order by id",
        "select id from t where x not in (1, 7) order by id",
        "select id from t where x between 2 and 'NaN'::double order by id",
        "select id from t where x is distinct from 1 order by id",
        "select id from t where x + 0 > 5 order by id",
        "select id from t order by x desc nulls last, id limit 1",
        "select id from t where x <= 1 order by id limit 2",
        "select max(x) as greatest, min(x) as least from t",
        "select a.id, b.id from t a join (select 2 as id, 'NaN'::double as x) b on a.x = b.x",
    ] {
        let [memory, file] =
            ["memory", "file"].map(|table| query.replace("from t", &format!("from {table}")));
        let shown = async |sql: &str| {
            let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
            pretty_format_batches(&rows).unwrap().to_string()
        };
        assert_eq!(shown(&file).await, shown(&memory).await, "{query}");
    }
}

#[test]
fn a_filter_skips_files_only_where_nan_changes_nothing() {
    let schema = Schema::new(vec![
        Field::new("x", DataType::Float64, true),
        Field::new("i", DataType::Int64, true),
        Field::new("big", DataType::Decimal128(38, 0), true),
    ]);
    let skips = |filter: Expr| may_skip(&filter, &schema);
    let x = || col("x");
    for right in [
        x().eq(lit(1.0)),
        x().lt(lit(5.0)),
        lit(5.0).gt_eq(x()),
        x().is_null(),
        x().in_list(vec![lit(1.0), lit(2.0)], false),
        x().eq(lit(1.0)).or(col("i").gt(lit(3_i64))),
        col("i").not_eq(lit(3_i64)),
        col("big").is_not_null(),
    ] {
        assert!(skips(right.clone()), "{right}");
    }
    for wrong in [
        x().gt(lit(5.0)),
        lit(5.0).lt_eq(x()),
        x().not_eq(lit(1.0)),
        Expr::Not(Box::new(x().eq(lit(1.0)))),
        x().lt(lit(0.0)),
        x().eq(lit(f64::NAN)),
        x().in_list(vec![lit(1.0)], true),
        x().in_list(vec![lit(1.0), lit(f64::NAN)], false),
        x().eq(lit(1.0)).or(x().gt(lit(3.0))),
        (x() + lit(1.0)).eq(lit(1.0)),
        x().lt(Expr::Column(Column::from_name("x"))),
        col("big").eq(Expr::Literal(ScalarValue::Decimal128(Some(1), 38, 0), None)),
        Expr::Literal(ScalarValue::Boolean(None), None),
    ] {
        assert!(!skips(wrong.clone()), "{wrong}");
    }
}
