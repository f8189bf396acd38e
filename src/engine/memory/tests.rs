//! Batches of scans under a memory limit.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, sync::Arc};

use datafusion::{dataframe::DataFrameWriteOptions, prelude::SessionContext};
use futures::TryStreamExt;

use crate::{
    engine::{Engine, EngineSettings, RecordBatch, Table, plan::joins::Joins, types::data_type},
    name::Relation,
    source::{self, DateUnit, Drift, Identity, OnError, SourceFormat, SourceSpec, TextOptions},
};

fn engine(memory_limit: u64) -> Engine {
    Engine::new(&EngineSettings {
        threads: 2,
        memory_limit: Some(memory_limit),
        dialect: "duckdb".into(),
        database: "lake".into(),
        temp_dir: None,
    })
    .unwrap()
}

fn spec(base: &Path, format: SourceFormat) -> SourceSpec {
    let columns = [("n", "bigint"), ("s", "varchar")];
    SourceSpec {
        identity: Identity::Stamp,
        drift: Drift::default(),
        text: TextOptions::default(),
        name: "files.p".to_owned(),
        format,
        location: "data".to_owned(),
        base: base.to_owned(),
        columns: columns.map(|(name, sql)| (name.to_owned(), data_type(sql).unwrap())).to_vec(),
        on_error: OnError::SetAside,
    }
}

/// The rows of a query on a table, and of its largest batch.
async fn rows(engine: &Engine, table: Table, sql: &str) -> (usize, usize) {
    let relation = Relation::new("s", "t");
    engine.declare_table(&relation, table.schema()).unwrap();
    let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
    let bound = query.bind(&BTreeMap::from([(relation, table)])).unwrap();
    let (mut all, mut largest) = (0, 0);
    for stream in engine.streams(&bound, &[], Joins::Hash).await.unwrap() {
        for batch in stream.try_collect::<Vec<RecordBatch>>().await.unwrap() {
            all += batch.num_rows();
            largest = largest.max(batch.num_rows());
        }
    }
    (all, largest)
}

/// 400 rows of some 32 kB each: `n` and `s`.
const WIDE: &str =
    "select value as n, repeat(md5(cast(value as varchar)), 1000) as s from generate_series(1, 400)";

#[tokio::test]
async fn batches_of_wide_rows_of_parquet_are_small() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data/a.parquet");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let frame = SessionContext::new().sql(WIDE).await.unwrap();
    frame.write_parquet(path.to_str().unwrap(), DataFrameWriteOptions::new(), None).await.unwrap();
    let engine = engine(20 << 20);
    let spec = spec(directory.path(), SourceFormat::Parquet { date_unit: DateUnit::Milliseconds });
    let table = source::open(&engine, &spec, None).await.unwrap();
    let (all, largest) = rows(&engine, Arc::clone(&table), "select * from s.t").await;
    assert!(all == 400 && largest < 20, "{all} rows, {largest} in a batch");
    // Operators above don't make them large again.
    let (all, largest) = rows(&engine, Arc::clone(&table), "select * from s.t order by s").await;
    assert!(all == 400 && largest < 20, "{all} rows, {largest} in a batch");
    // Only what is read counts.
    let (all, largest) = rows(&engine, table, "select n from s.t").await;
    assert!(all == 400 && largest == 400, "{all} rows, {largest} in a batch");
}

#[tokio::test]
async fn batches_of_wide_rows_of_json_are_small() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("data")).unwrap();
    let mut files = vec![String::new(); 40];
    for row in 0..400 {
        writeln!(files[row / 10], "{{\"n\": {row}, \"s\": \"{}\"}}", "a long text ".repeat(2_700)).unwrap();
    }
    for (number, text) in files.iter().enumerate() {
        fs::write(directory.path().join(format!("data/{number}.ndjson")), text).unwrap();
    }
    let engine = engine(20 << 20);
    let spec = spec(directory.path(), SourceFormat::NdJson { date_unit: DateUnit::Milliseconds });
    let table = source::open(&engine, &spec, None).await.unwrap();
    let (all, largest) = rows(&engine, table, "select * from s.t").await;
    assert!(all == 400 && largest <= 20, "{all} rows, {largest} in a batch");
}

#[tokio::test]
async fn batches_of_wide_rows_that_were_spooled_are_small() {
    let engine = engine(20 << 20);
    let sql = "select i as n, repeat(md5(i::varchar), 1000) as s from generate_series(1, 400) t(i)";
    let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
    let streams = engine.streams(&query.bind(&BTreeMap::new()).unwrap(), &[], Joins::Hash).await.unwrap();
    let spool = engine.spool_within(&query.schema(), streams, Arc::new(|_| {}), 0).await.unwrap();
    let (all, largest) = rows(&engine, spool.table(), "select * from s.t").await;
    assert!(all == 400 && largest < 20, "{all} rows, {largest} in a batch");
}
