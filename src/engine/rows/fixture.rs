//! Fixtures: converts hand-written rows, the inputs and expectations of unit tests, to tables.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, StringArray, new_null_array},
        compute::{CastOptions, cast, cast_with_options},
        datatypes::{Field, FieldRef, Schema},
        json::ReaderBuilder,
        util::display::FormatOptions,
    },
    datasource::MemTable,
    error::{DataFusionError, Result},
};
use serde_json::{Map, Value, json};

use crate::engine::{RecordBatch, SchemaRef, Table, types::type_name};

/// Fixture rows as written.
#[derive(Debug, Clone, Copy)]
pub enum FixtureRows<'a> {
    /// One mapping per row.
    Dict(&'a [Map<String, Value>]),
    /// Comma-separated values with a header; an empty value is NULL.
    Csv(&'a str),
}

/// The reason why a fixture doesn't fit a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureError {
    /// The index of the row, from 0, if the error is about one.
    pub row: Option<usize>,
    /// The column, if the error is about one.
    pub column: Option<String>,
    pub message: String,
    /// The valid columns, if the error is about an unknown one.
    pub known: Vec<String>,
}

/// Converts a fixture to a batch with the columns of `schema`. Columns that no row names are NULL, or are
/// left out if `only_named`.
///
/// # Errors
/// If a column isn't in the schema, or a value doesn't fit its column.
pub fn rows(
    written: FixtureRows<'_>,
    schema: &SchemaRef,
    only_named: bool,
) -> std::result::Result<RecordBatch, FixtureError> {
    match written {
        FixtureRows::Dict(rows) => build(rows, schema, only_named, &[]),
        FixtureRows::Csv(text) => {
            let (header, rows) = separated(text)?;
            build(&rows, schema, only_named, &header)
        }
    }
}

/// Arranges a batch in the columns of `schema` by name. Also casts to their types, unless `only_named`: then
/// columns keep their values for a comparison.
///
/// # Errors
/// As [`rows`].
pub fn conform(
    batch: &RecordBatch,
    schema: &SchemaRef,
    only_named: bool,
) -> std::result::Result<RecordBatch, FixtureError> {
    let mut named: Vec<Option<&ArrayRef>> = vec![None; schema.fields().len()];
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        named[position(field.name(), schema, None)?] = Some(column);
    }
    let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(named) {
        let column = match column {
            None if only_named => continue,
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(column) if only_named => {
                fields.push(Arc::new(Field::new(field.name(), column.data_type().clone(), true)));
                columns.push(Arc::clone(column));
                continue;
            }
            Some(column) => {
                let strict = CastOptions { safe: false, format_options: FormatOptions::default() };
                cast_with_options(column, field.data_type(), &strict).map_err(|error| FixtureError {
                    row: None,
                    column: Some(field.name().clone()),
                    message: format!("column `{}`: {error}", field.name()),
                    known: Vec::new(),
                })?
            }
        };
        fields.push(nullable(field));
        columns.push(column);
    }
    made(fields, columns, batch.num_rows())
}

/// Selects columns of a batch by name.
pub fn columns(batch: &RecordBatch, names: &[String]) -> Result<RecordBatch> {
    let schema = batch.schema();
    let positions =
        names.iter().map(|name| schema.index_of(name)).collect::<std::result::Result<Vec<_>, _>>();
    Ok(batch.project(&positions?)?)
}

/// Wraps a batch as a table.
pub fn table(batch: RecordBatch) -> Result<Table> {
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

fn build(
    rows: &[Map<String, Value>],
    schema: &SchemaRef,
    only_named: bool,
    header: &[String],
) -> std::result::Result<RecordBatch, FixtureError> {
    let mut cells: Vec<Option<Vec<Value>>> = vec![None; schema.fields().len()];
    for name in header {
        cells[position(name, schema, None)?].get_or_insert_with(|| vec![Value::Null; rows.len()]);
    }
    for (row, map) in rows.iter().enumerate() {
        for (name, value) in map {
            let column = cells[position(name, schema, Some(row))?]
                .get_or_insert_with(|| vec![Value::Null; rows.len()]);
            column[row] = value.clone();
        }
    }
    let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (field, cells) in schema.fields().iter().zip(cells) {
        let column = match cells {
            None if only_named => continue,
            None => new_null_array(field.data_type(), rows.len()),
            Some(cells) if field.data_type().is_nested() => nested(field, &cells)?,
            Some(cells) => simple(field, &cells)?,
        };
        fields.push(nullable(field));
        columns.push(column);
    }
    made(fields, columns, rows.len())
}

fn made(
    fields: Vec<FieldRef>,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> std::result::Result<RecordBatch, FixtureError> {
    let options = datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(|error| {
        FixtureError { row: None, column: None, message: error.to_string(), known: Vec::new() }
    })
}

fn nullable(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_nullable(true))
}

/// Returns the position of a column by its name: an exact match first, then a case-insensitive one.
fn position(name: &str, schema: &SchemaRef, row: Option<usize>) -> std::result::Result<usize, FixtureError> {
    let fields = schema.fields();
    let exact = fields.iter().position(|field| field.name() == name);
    let any_case = || fields.iter().position(|field| field.name().eq_ignore_ascii_case(name));
    exact.or_else(any_case).ok_or_else(|| FixtureError {
        row,
        column: Some(name.to_owned()),
        message: format!("there is no column `{name}`"),
        known: fields.iter().map(|field| field.name().clone()).collect(),
    })
}

/// Parses values as the engine parses text.
fn simple(field: &Field, cells: &[Value]) -> std::result::Result<ArrayRef, FixtureError> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let texts: StringArray = cells.iter().map(text).collect();
    let misfit = |row: usize, detail: &str| FixtureError {
        row: Some(row),
        column: Some(field.name().clone()),
        message: format!(
            "`{}` is not a {}, which column `{}` is{detail}",
            texts.value(row),
            type_name(field.data_type()),
            field.name()
        ),
        known: Vec::new(),
    };
    let column = cast(&texts, field.data_type()).map_err(|error| misfit(0, &format!(": {error}")))?;
    // The cast turns values that can't be parsed into NULL.
    match (0..cells.len()).find(|row| column.is_null(*row) && !texts.is_null(*row)) {
        Some(row) => Err(misfit(row, "")),
        None => Ok(column),
    }
}

/// Parses lists and structs, given as JSON or as text that holds JSON.
fn nested(field: &FieldRef, cells: &[Value]) -> std::result::Result<ArrayRef, FixtureError> {
    let schema = Arc::new(Schema::new(vec![nullable(field)]));
    let failed = |row: Option<usize>, error: &dyn std::fmt::Display| FixtureError {
        row,
        column: Some(field.name().clone()),
        message: format!("column `{}` is {}: {error}", field.name(), type_name(field.data_type())),
        known: Vec::new(),
    };
    let mut decoder = ReaderBuilder::new(schema)
        .with_coerce_primitive(true)
        .with_batch_size(cells.len().max(1))
        .build_decoder()
        .map_err(|error| failed(None, &error))?;
    for (row, cell) in cells.iter().enumerate() {
        let value = match cell {
            Value::String(text) => serde_json::from_str(text).map_err(|error| failed(Some(row), &error))?,
            other => other.clone(),
        };
        let line = json!({ field.name(): value }).to_string();
        decoder.decode(line.as_bytes()).map_err(|error| failed(Some(row), &error))?;
    }
    let batch = decoder.flush().map_err(|error| failed(None, &error))?;
    Ok(batch.map_or_else(|| new_null_array(field.data_type(), 0), |batch| batch.column(0).clone()))
}

type Separated = (Vec<String>, Vec<Map<String, Value>>);

/// Parses the header and the rows of comma-separated values.
fn separated(text: &str) -> std::result::Result<Separated, FixtureError> {
    let failed = |row: Option<usize>, error: &dyn std::fmt::Display| FixtureError {
        row,
        column: None,
        message: format!("these are no comma-separated values: {error}"),
        known: Vec::new(),
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start().as_bytes());
    let header: Vec<String> =
        reader.headers().map_err(|error| failed(None, &error))?.iter().map(str::to_owned).collect();
    if header.iter().all(String::is_empty) {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut rows = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| failed(Some(row), &error))?;
        let value = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
        rows.push(header.iter().cloned().zip(record.iter().map(value)).collect());
    }
    Ok((header, rows))
}

impl From<FixtureError> for DataFusionError {
    fn from(error: FixtureError) -> Self {
        Self::Plan(error.message)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        datatypes::{DataType, TimeUnit},
        util::pretty::pretty_format_batches,
    };

    use super::*;

    fn schema() -> SchemaRef {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int64, false),
            Field::new("at", utc, true),
            Field::new("day", DataType::Date32, true),
            Field::new("price", DataType::Decimal128(10, 2), true),
            Field::new("paid", DataType::Boolean, true),
            Field::new("name", DataType::Utf8View, true),
            Field::new("tags", DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))), true),
        ]))
    }

    fn dict(rows: Value) -> Vec<Map<String, Value>> {
        serde_json::from_value(rows).unwrap()
    }

    fn shown(batch: &RecordBatch) -> String {
        pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
    }

    fn refused(written: FixtureRows<'_>) -> FixtureError {
        rows(written, &schema(), false).unwrap_err()
    }

    #[test]
    fn values_are_read_in_the_types_of_their_columns() {
        let rows_given = dict(json!([
            { "id": 1, "at": "2024-01-01 12:30:00", "day": "2024-02-29", "price": 1.5, "paid": true, "name": 7, "tags": ["a", null] },
            { "ID": "2", "at": "2024-01-01T12:30:00+02:00", "price": "2", "paid": "false", "name": "x" },
        ]));
        let batch = rows(FixtureRows::Dict(&rows_given), &schema(), false).unwrap();
        insta::assert_snapshot!(shown(&batch), @r"
        +----+----------------------+------------+-------+-------+------+-------+
        | id | at                   | day        | price | paid  | name | tags  |
        +----+----------------------+------------+-------+-------+------+-------+
        | 1  | 2024-01-01T12:30:00Z | 2024-02-29 | 1.50  | true  | 7    | [a, ] |
        | 2  | 2024-01-01T10:30:00Z |            | 2.00  | false | x    |       |
        +----+----------------------+------------+-------+-------+------+-------+
        ");
    }

    #[test]
    fn an_empty_value_is_null_and_only_what_is_named_is_there() {
        let batch = rows(FixtureRows::Csv("name, id\nx, 1\n, 2\n"), &schema(), true).unwrap();
        insta::assert_snapshot!(shown(&batch), @r"
        +----+------+
        | id | name |
        +----+------+
        | 1  | x    |
        | 2  |      |
        +----+------+
        ");
        let none = rows(FixtureRows::Csv(""), &schema(), false).unwrap();
        assert_eq!((none.num_rows(), none.num_columns()), (0, 7));
        let header_only = rows(FixtureRows::Csv("id\n"), &schema(), true).unwrap();
        assert_eq!((header_only.num_rows(), header_only.num_columns()), (0, 1));
    }

    #[test]
    fn what_is_expected_keeps_its_digits() {
        let half: ArrayRef = Arc::new(datafusion::arrow::array::Float64Array::from(vec![2.5]));
        let batch = RecordBatch::try_from_iter([("ID", half)]).unwrap();
        let expected = conform(&batch, &schema(), true).unwrap();
        assert_eq!((expected.num_columns(), expected.column(0).data_type()), (1, &DataType::Float64));
        assert_eq!(expected.schema().field(0).name(), "id");
        assert_eq!(conform(&batch, &schema(), false).unwrap().column(0).data_type(), &DataType::Int64);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = refused(FixtureRows::Dict(&dict(json!([{ "id": 1 }, { "id": "one" }]))));
        assert_eq!((error.row, error.column.as_deref()), (Some(1), Some("id")));
        assert_eq!(error.message, "`one` is not a bigint, which column `id` is");
        let error = refused(FixtureRows::Dict(&dict(json!([{ "day": "2023-02-29" }]))));
        assert_eq!(error.message, "`2023-02-29` is not a date, which column `day` is");
        let error = refused(FixtureRows::Dict(&dict(json!([{ "nmae": 1 }]))));
        assert_eq!(error.message, "there is no column `nmae`");
        assert_eq!(error.known.len(), 7);
        let error = refused(FixtureRows::Csv("id,name\n1\n"));
        assert!(error.message.starts_with("these are no comma-separated values"), "{}", error.message);
    }
}
