//! Rows of queries for templates: from columns of a batch to values that Jinja prints as Python would.

use chrono::{DateTime, NaiveDate};

use crate::{
    engine::{
        RecordBatch, SchemaRef,
        arrow::{
            array::{Array, ArrayRef, AsArray},
            compute::cast,
            datatypes::{
                DataType, Date32Type, Decimal128Type, Float64Type, TimeUnit, TimestampMicrosecondType,
            },
            error::ArrowError,
            util::display::{ArrayFormatter, FormatOptions},
        },
    },
    jinja::{QueryColumn, QueryTable, QueryType, QueryValue},
};

/// Converts the rows of a query.
///
/// # Errors
/// If a column's type can't be converted.
pub fn of(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<QueryTable, ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| QueryColumn { name: field.name().clone(), data_type: query_type(field.data_type()) });
    let mut table = QueryTable { columns: columns.collect(), rows: Vec::new() };
    for batch in batches {
        let values: Vec<Vec<QueryValue>> =
            batch.columns().iter().map(values).collect::<Result<_, ArrowError>>()?;
        let mut columns: Vec<_> = values.into_iter().map(Vec::into_iter).collect();
        for _ in 0..batch.num_rows() {
            table.rows.push(columns.iter_mut().filter_map(Iterator::next).collect());
        }
    }
    Ok(table)
}

fn query_type(of: &DataType) -> QueryType {
    match of {
        DataType::Boolean => QueryType::Boolean,
        DataType::Null | DataType::Decimal128(_, 0) => QueryType::Integer,
        DataType::Decimal128(..) | DataType::Decimal256(..) => QueryType::Number,
        DataType::Date32 | DataType::Date64 => QueryType::Date,
        DataType::Timestamp(..) => QueryType::DateTime,
        of if of.is_integer() => QueryType::Integer,
        of if of.is_floating() => QueryType::Number,
        _ => QueryType::Text,
    }
}

fn values(column: &ArrayRef) -> Result<Vec<QueryValue>, ArrowError> {
    match query_type(column.data_type()) {
        QueryType::Boolean => {
            let column = column.as_boolean();
            Ok(each(column, |at| QueryValue::Boolean(column.value(at))))
        }
        QueryType::Integer => {
            let whole = cast(column, &DataType::Decimal128(38, 0))?;
            let column = whole.as_primitive::<Decimal128Type>();
            Ok(each(column, |at| QueryValue::Integer(column.value(at))))
        }
        QueryType::Number => {
            let floating = cast(column, &DataType::Float64)?;
            let column = floating.as_primitive::<Float64Type>();
            Ok(each(column, |at| QueryValue::Number(column.value(at))))
        }
        QueryType::Date => {
            let days = cast(column, &DataType::Date32)?;
            let column = days.as_primitive::<Date32Type>();
            let date = |at| column.value_as_date(at).unwrap_or(NaiveDate::MAX);
            Ok(each(column, |at| QueryValue::Date(date(at))))
        }
        QueryType::DateTime => {
            let has_zone = matches!(column.data_type(), DataType::Timestamp(_, Some(_)));
            let times = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let column = times.as_primitive::<TimestampMicrosecondType>();
            let time = |at| DateTime::from_timestamp_micros(column.value(at)).unwrap_or(DateTime::UNIX_EPOCH);
            Ok(each(column, |at| QueryValue::DateTime { at: time(at), has_zone }))
        }
        QueryType::Text => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(column.as_ref(), &options)?;
            Ok(each(column.as_ref(), |at| QueryValue::Text(text.value(at).to_string())))
        }
    }
}

fn each(column: &dyn Array, value: impl Fn(usize) -> QueryValue) -> Vec<QueryValue> {
    (0..column.len()).map(|at| if column.is_null(at) { QueryValue::Null } else { value(at) }).collect()
}
