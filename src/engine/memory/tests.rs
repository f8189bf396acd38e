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

/// The message of the error of a query.
async fn error(engine: &Engine, sql: &str) -> String {
    let query = engine.plan(sql).await.unwrap_or_else(|error| panic!("{}", error.message));
    let bound = query.bind(&BTreeMap::new()).unwrap();
    for stream in engine.streams(&bound, &[], Joins::Hash).await.unwrap() {
        if let Err(error) = stream.try_collect::<Vec<RecordBatch>>().await {
            return crate::engine::message(&error);
        }
    }
    panic!("no error: {sql}")
}

#[tokio::test]
async fn an_aggregate_whose_group_is_too_large_names_itself_and_the_setting() {
    let engine = engine(16 << 20);
    let from = "from (select i, repeat('x', 1000) || i as t from range(0, 40000) r(i))";
    for call in ["string_agg(t, ',')", "list(t)", "array_agg(t order by i)", "list(distinct t)", "mode(t)"] {
        for groups in ["", "group by i % 2"] {
            let said =
                error(&engine, &format!("select length(a) as n from (select {call} as a {from} {groups})"))
                    .await;
            assert!(said.contains("`memory_limit`"), "{call} {groups}: {said}");
            // The pool doesn't know the calls of an aggregate whose groups weren't spilled.
            let name = call.split('(').next().unwrap().replace("list", "array_agg");
            let is_named =
                said.contains(&name) || said.contains("`list`, `string_agg`, `median` and their like");
            assert!(is_named, "{call} {groups}: {said}");
        }
    }
}

#[tokio::test]
async fn an_aggregate_whose_groups_are_merged_at_once_fails_before_that() {
    let engine = engine(8 << 20);
    let from = "from range(0, 600000) r(i) group by i % 10";
    for call in ["median(i * 2.0)", "mode(i % 1000)", "quantile_cont(i, 0.5)"] {
        let said = error(&engine, &format!("select {call} as a {from}")).await;
        let name = call.split('(').next().unwrap();
        assert!(said.contains(&format!("`{name}` holds the rows of a group together")), "{call}: {said}");
    }
}
