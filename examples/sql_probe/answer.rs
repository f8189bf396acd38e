//! Answers: one statement planned, bound and run.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Field, Schema},
};
use futures::StreamExt;
use headwater::probe::{Bound, EngineError, delta_schema, message};
use serde::Serialize;
use serde_json::Value;

use crate::{cell::cells, delta::delta_name, tables::Prepared};

/// The maximum number of rows in an answer; others are only counted.
const SHOWN: usize = 20_000;

/// The outcome of a statement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Rows.
    Ok(Rows),
    /// Planning rejected it.
    Refused(String),
    /// It failed at run time.
    Failed(String),
    /// It panicked.
    Crashed(String),
}

/// Rows with their columns.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the types of columns are its noun")]
pub(crate) struct Rows {
    columns: Vec<Described>,
    rows: Vec<Vec<Value>>,
    /// The total number of rows, including those left out of `rows`.
    count: usize,
}

/// A column of a result.
#[derive(Debug, Serialize)]
struct Described {
    name: String,
    arrow: String,
    /// The type in a Delta table.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<String>,
    /// The reason why a Delta table can't hold the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Plans and runs `sql`.
pub(crate) async fn answer(prepared: &Prepared, sql: &str) -> Outcome {
    let query = match prepared.engine.plan(sql).await {
        Ok(query) => query,
        Err(error) => {
            let said = std::iter::once(error.message).chain(error.helps);
            return Outcome::Refused(said.collect::<Vec<_>>().join("; help: "));
        }
    };
    let rows = async {
        let bound = query.bind(&prepared.tables)?;
        gather(prepared, &bound).await
    };
    rows.await.map_or_else(|error| Outcome::Failed(message(&error)), Outcome::Ok)
}

async fn gather(prepared: &Prepared, bound: &Bound) -> Result<Rows, EngineError> {
    let mut stream = prepared.engine.stream(bound, None).await?;
    let schema = stream.schema();
    let stored: Vec<Result<DataType, String>> = schema.fields().iter().map(|field| stored(field)).collect();
    let mut made = Rows { columns: Vec::new(), rows: Vec::new(), count: 0 };
    for (field, stored) in schema.fields().iter().zip(&stored) {
        made.columns.push(Described {
            name: field.name().clone(),
            arrow: field.data_type().to_string(),
            delta: stored.as_ref().ok().map(delta_name),
            problem: stored.as_ref().err().cloned(),
        });
    }
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        made.count += batch.num_rows();
        let room = SHOWN.saturating_sub(made.rows.len());
        let batch = batch.slice(0, room.min(batch.num_rows()));
        let columns: Vec<Vec<Value>> = batch
            .columns()
            .iter()
            .zip(&stored)
            .map(|(column, stored)| Ok(cells(&conformed(column, stored.as_ref().ok())?)))
            .collect::<Result<_, EngineError>>()?;
        for row in 0..batch.num_rows() {
            made.rows.push(columns.iter().map(|column| column[row].clone()).collect());
        }
    }
    Ok(made)
}

/// Returns the Delta type of a column, whatever its name.
fn stored(field: &Field) -> Result<DataType, String> {
    let alone = Schema::new(vec![field.clone().with_name("c")]);
    match delta_schema(&alone, &[]) {
        Ok(table) => Ok(table.field(0).data_type().clone()),
        Err(problems) => Err(problems.join("; ")),
    }
}

/// Casts a column as the lake does when it writes it.
fn conformed(column: &ArrayRef, stored: Option<&DataType>) -> Result<ArrayRef, EngineError> {
    match stored {
        Some(stored) if stored != column.data_type() => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            Ok(cast_with_options(column, stored, &options)?)
        }
        _ => Ok(Arc::clone(column)),
    }
}
