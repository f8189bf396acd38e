//! Aggregates against DuckDB's answers.

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::engine::{Engine, EngineSettings, function::kind::type_name};

fn engine(threads: usize) -> Engine {
    let dialect = "duckdb".to_owned();
    let settings = EngineSettings { threads, memory_limit: None, dialect, database: "lake".into() };
    Engine::new(&settings).unwrap()
}

/// The type and the values of the first column, or the error.
async fn answer(engine: &Engine, sql: &str) -> Result<(String, String), String> {
    let sql = if sql.starts_with("select") { sql.to_owned() } else { format!("select {sql}") };
    let frame = engine.context().sql(&sql).await.map_err(|error| error.to_string())?;
    let data_type = type_name(frame.schema().field(0).data_type());
    let batches = frame.collect().await.map_err(|error| error.to_string())?;
    let mut values = Vec::new();
    for batch in batches {
        let column = batch.column(0);
        let options = FormatOptions::default().with_null("NULL");
        let formatter = ArrayFormatter::try_new(column, &options).unwrap();
        values.extend((0..column.len()).map(|row| formatter.value(row).to_string()));
    }
    Ok((data_type, values.join(" | ")))
}

#[tokio::test(flavor = "multi_thread")]
async fn probe() {
    let engine = engine(2);
    for line in std::fs::read_to_string("/tmp/probe.sql").unwrap().lines() {
        match answer(&engine, line).await {
            Ok((kind, value)) => println!("{line} => {kind} {value}"),
            Err(error) => println!("{line} => ERR {error}"),
        }
    }
}
