//! SQL probe: answers SELECT statements with the library's engine, one JSON line in, one JSON line out.
//!
//! The differential tests (`tests/differential`) run the same statements in DuckDB and compare rows, types
//! and errors.
//!
//! ```text
//! in   {"id": 1, "sql": "select a from t", "dialect": "duckdb", "tables": {"t": "/tmp/t.parquet"}}
//! out  {"id": 1, "ok": {"columns": [{"name": "a", "arrow": "Int32", "delta": "integer"}], "rows": [["1"]]}}
//!      {"id": 1, "refused": "…"}   planning rejects the statement
//!      {"id": 1, "failed": "…"}    it fails at run time
//!      {"id": 1, "crashed": "…"}   it panics
//! ```
//!
//! Values are those that a Delta table would store: each column is cast to its Delta type if it has one. A
//! statement that kills the process gets no answer, and the driver starts another probe. [`cell`] documents
//! the text of values.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    panic,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use self::answer::{Outcome, answer};

mod answer;
mod cell;
mod delta;
mod tables;

/// A statement to run.
#[derive(Debug, Deserialize)]
struct Request {
    id: u64,
    sql: String,
    #[serde(default = "duckdb")]
    dialect: String,
    /// The Parquet files, by table name: `t` or `schema.t`.
    #[serde(default)]
    tables: BTreeMap<String, String>,
}

/// The response to a request.
#[derive(Debug, Serialize)]
struct Response {
    id: u64,
    #[serde(flatten)]
    outcome: Outcome,
}

/// The stack size of each thread in bytes, as in the product: plans of deep expressions are processed
/// recursively.
const STACK: usize = 256 << 20;

fn duckdb() -> String {
    "duckdb".to_owned()
}

fn main() -> io::Result<()> {
    // The answer contains the panic's message; its trace would only clutter the driver's terminal.
    panic::set_hook(Box::new(|_| ()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let mut prepared = None;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request: Request = serde_json::from_str(&line)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let id = request.id;
        let key = (request.dialect.clone(), request.tables.clone());
        if prepared.as_ref().is_none_or(|(of, _)| *of != key) {
            let made = runtime.block_on(tables::Prepared::new(&key.0, &key.1)).map(Arc::new);
            prepared = Some((key, made));
        }
        let outcome = match prepared.as_ref().map(|(_, made)| made) {
            Some(Ok(made)) => {
                let made = Arc::clone(made);
                // Run in a separate task, so that a panic ends the task and not the probe.
                let task = runtime.spawn(async move { answer(&made, &request.sql).await });
                runtime.block_on(task).unwrap_or_else(|error| Outcome::Crashed(reason(error)))
            }
            Some(Err(error)) => Outcome::Failed(format!("the tables can't be read: {error}")),
            None => Outcome::Failed("no engine".to_owned()),
        };
        serde_json::to_writer(&mut out, &Response { id, outcome })?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Returns the message of a panic.
fn reason(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => {
                payload.downcast::<&str>().map_or("a panic".to_owned(), |text| (*text).to_owned())
            }
        },
        Err(error) => error.to_string(),
    }
}
