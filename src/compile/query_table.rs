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

/// Converts decimals to the doubles that templates compute with.
///
/// # Errors
/// If a double can't hold all digits of one.
fn decimals(column: &ArrayRef) -> Result<Vec<QueryValue>, ArrowError> {
    let texts = cast(column, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    texts
        .iter()
        .map(|text| {
            let Some(text) = text else { return Ok(QueryValue::Null) };
            let digits =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
            match text.parse::<f64>() {
                Ok(number) if number.to_string() == digits => Ok(QueryValue::Number(number)),
                _ => Err(ArrowError::ComputeError(format!(
                    "{text} has more digits than numbers in templates hold; cast it to VARCHAR in the query"
                ))),
            }
        })
        .collect()
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
        QueryType::Number if !column.data_type().is_floating() => decimals(column),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::arrow::array::Decimal128Array;

    #[test]
    fn decimals_keep_all_digits_or_are_refused() {
        let column = |unscaled: i128| -> ArrayRef {
            Arc::new(Decimal128Array::from(vec![unscaled]).with_precision_and_scale(38, 4).unwrap())
        };
        assert_eq!(decimals(&column(11_000)).unwrap(), [QueryValue::Number(1.1)]);
        assert_eq!(decimals(&column(-20_000)).unwrap(), [QueryValue::Number(-2.0)]);
        assert!(decimals(&column(12_345_678_901_234_567_891)).is_err());
    }
}
