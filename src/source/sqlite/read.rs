//! Row reader for an SQLite table, on its own thread.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{stream::RecordBatchReceiverStream, streaming::PartitionStream},
};
use rusqlite::{Row, params_from_iter, types::ValueRef};
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::{
    catalog::{TableMetadata, quoted},
    connection::connect,
    fault,
    filter::Filter,
};
use crate::source::{
    cell::CellToken,
    drift::{Drift, OnNewColumn},
    excerpt::excerpt,
    guess::Notation,
    hive::Folders,
    intake::Intake,
    reporting::{Report, Where},
    rows::{ScanShape, SourceRows},
    spec::DateUnit,
};

/// A query on one table.
#[derive(Debug, Clone)]
pub(super) struct TableQuery {
    pub(super) path: PathBuf,
    pub(super) file: Arc<str>,
    pub(super) found: Arc<TableMetadata>,
    pub(super) filters: Vec<Filter>,
    pub(super) shape: ScanShape,
    /// The unit of timestamps stored as numbers.
    pub(super) unit: DateUnit,
    pub(super) report: Report,
    pub(super) drift: Arc<Drift>,
    pub(super) batch: usize,
    pub(super) limit: Option<usize>,
}

impl PartitionStream for TableQuery {
    fn schema(&self) -> &SchemaRef {
        &self.shape.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder = RecordBatchReceiverStream::builder(Arc::clone(self.schema()), 2);
        let (query, to) = (self.clone(), builder.tx());
        builder.spawn_blocking(move || query.run(&to));
        builder.build()
    }
}

impl TableQuery {
    /// Returns the columns to select: those that the query needs, and those with values that may not fit.
    fn columns(&self) -> Vec<usize> {
        let wanted = |name: &str| {
            self.shape.schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(name))
        };
        let columns = self.found.columns.iter().enumerate();
        columns.filter(|(_, column)| !column.safe || wanted(&column.name)).map(|(at, _)| at).collect()
    }

    fn sql(&self, columns: &[usize]) -> String {
        let number = if self.found.numbered { "_rowid_" } else { "null" };
        let mut sql = format!("select {number}");
        for &at in columns {
            let column = &self.found.columns[at];
            let _ = if column.is_missing {
                write!(sql, ", null")
            } else {
                write!(sql, ", {}", quoted(&column.name))
            };
        }
        for name in self.rescued() {
            let _ = write!(sql, ", {}", quoted(name));
        }
        let _ = write!(sql, " from {}", quoted(&self.found.table));
        for (at, filter) in self.filters.iter().enumerate() {
            let _ = write!(sql, " {} {}", if at == 0 { "where" } else { "and" }, filter.sql);
        }
        sql
    }

    /// Returns the columns whose values go to `_rescued`.
    fn rescued(&self) -> &[String] {
        if self.shape.rescues { &self.found.rescued } else { &[] }
    }

    fn run(&self, to: &Sender<Result<RecordBatch, DataFusionError>>) -> Result<(), DataFusionError> {
        let failed =
            |error: rusqlite::Error| self.report.failure(&self.file, &fault::explained(&self.path, &error));
        let columns = self.columns();
        let connection = connect(&self.path).map_err(failed)?;
        let mut statement = connection.prepare(&self.sql(&columns)).map_err(failed)?;
        let values = self.filters.iter().flat_map(|filter| &filter.values);
        let mut found = statement.query(params_from_iter(values)).map_err(failed)?;

        let mut rows = SourceRows::new(self.shape.clone(), self.unit, Notation::Cells);
        let keys: Vec<String> =
            self.rescued().iter().map(|name| Value::from(name.as_str()).to_string()).collect();
        let intake = Intake::new(
            self.report.clone(),
            Arc::clone(&self.drift),
            OnNewColumn::Ignore,
            Arc::clone(&self.shape.names),
            1,
        );
        let folders = Folders::default();
        let (mut seen, mut rejected) = (0_u64, 0_u64);
        let reports = self.report.begin(&format!("{}\0{}", self.file, self.found.table), 0);
        let mut left = self.limit.unwrap_or(usize::MAX);
        let (mut place, mut expected) = (0_i64, None);
        while let Some(row) = found.next().map_err(failed)? {
            place = row.get_ref(0).map_err(failed)?.as_i64().unwrap_or(place + 1);
            if expected != Some(place) {
                rows.begin(&self.file, place, &folders);
            }
            expected = place.checked_add(1);
            let bad = take(row, &columns, &keys, &mut rows).map_err(failed)?;
            seen += 1;
            if let Some(bad) = bad {
                rejected += 1;
                let reason = self.reason(row, columns[bad], bad);
                intake.sample(&self.file, || format!("{}:{place}: {reason}", self.file));
                if reports {
                    self.set_aside(row, place, reason).map_err(|error| error.context("SQLite"))?;
                }
            }
            if rows.good() >= self.batch.min(left) || rows.len() >= 4 * self.batch {
                let batch = rows.take()?;
                expected = None;
                left = left.saturating_sub(batch.num_rows());
                if to.blocking_send(Ok(batch)).is_err() || left == 0 {
                    return Ok(());
                }
            }
        }
        if rows.len() > 0 {
            // An error means that the receiver was dropped.
            let _ = to.blocking_send(Ok(rows.take()?));
        }
        if !self.filters.is_empty() {
            // The rows that SQLite filtered out weren't counted.
            return Ok(());
        }
        intake.rows(&self.file, seen, rejected);
        intake.finish(0)
    }

    fn reason(&self, row: &Row<'_>, column: usize, at: usize) -> String {
        let column = &self.found.columns[column];
        let value = row.get_ref(at + 1).map(shown).unwrap_or_default();
        format!("{}: {} is not {}", column.name, excerpt(value.as_bytes(), 80), column.kind)
    }

    fn set_aside(&self, row: &Row<'_>, place: i64, reason: String) -> Result<(), DataFusionError> {
        let count = row.as_ref().column_count();
        let all: Vec<String> = (1..count).map(|at| row.get_ref(at).map(shown).unwrap_or_default()).collect();
        let place = Where { row: u64::try_from(place).ok(), offset: None };
        self.report.set_aside(&self.file, place, reason, excerpt(all.join(", ").as_bytes(), 1024))
    }
}

/// Appends a row. Returns the index of the first value that doesn't fit.
fn take(
    row: &Row<'_>,
    columns: &[usize],
    rescued: &[String],
    rows: &mut SourceRows,
) -> rusqlite::Result<Option<usize>> {
    let mut bad = None;
    for (at, &column) in columns.iter().enumerate() {
        if !rows.append(column, token(row.get_ref(at + 1)?)) {
            bad = Some(at);
            break;
        }
    }
    for (at, key) in rescued.iter().enumerate() {
        let value = json(row.get_ref(columns.len() + at + 1)?);
        if !value.is_null() {
            rows.rescue(key, &value.to_string());
        }
    }
    rows.end_row(bad.is_none());
    Ok(bad)
}

fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into(),
        // Hexadecimal digits, as SQLite writes them.
        ValueRef::Blob(bytes) => {
            bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}")).into()
        }
    }
}

fn token(value: ValueRef<'_>) -> CellToken<'_> {
    match value {
        ValueRef::Null => CellToken::Null,
        ValueRef::Integer(number) => CellToken::Int(number),
        ValueRef::Real(number) => CellToken::Float(number),
        // SQLite doesn't check that text is valid UTF-8.
        ValueRef::Text(bytes) => str::from_utf8(bytes).map_or(CellToken::Blob(bytes), CellToken::Text),
        ValueRef::Blob(bytes) => CellToken::Blob(bytes),
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}
