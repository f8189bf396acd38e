//! `date_part`, which takes the name of a part, or a list of names.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, StructArray},
        datatypes::{DataType, Field},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};

use super::{
    call::{Call, fail},
    description::{Overload, Typing, computes},
    kind::ParameterKind::{Date, Interval, List, Time, Timestamp, TimestampTz, Varchar},
    part::{DatePart, DateParts, parted},
};

/// Computes `date_part(part, value)`: an integer, or a double for `epoch` and `julian`.
fn date_part(call: &Call) -> Result<ArrayRef> {
    let parts = DateParts::new(call, 0)?;
    let value = parted(call, 1)?;
    if call.returns() == &DataType::Float64 {
        return call.each(|row| match (parts.at(row)?, value(row)) {
            (Some(part), Some(value)) if part.is_double() => value.double(part),
            (Some(part), Some(value)) => Ok(value.whole(part)?.map(|whole| whole as f64)),
            _ => Ok(None),
        });
    }
    call.each(|row| match (parts.at(row)?, value(row)) {
        (Some(part), Some(_)) if part.is_double() => fail("the part `epoch` or `julian` must be a constant"),
        (Some(part), Some(value)) => {
            part.check(call.type_of(1), false)?;
            value.whole(part)
        }
        _ => Ok(None),
    })
}

fn type_of_part(typing: &Typing) -> Result<DataType> {
    let Some(part) = DatePart::planned(typing, 0)? else { return Ok(DataType::Int64) };
    part.check(&typing.types[1], false).map_err(planned)?;
    // DuckDB picks the type of a part of NULL before it looks at the part.
    let null = typing.literals.get(1).copied().flatten().is_some_and(ScalarValue::is_null);
    Ok(if part.is_double() && !null { DataType::Float64 } else { DataType::Int64 })
}

/// Converts an evaluation error to a planning error.
fn planned(error: impl std::borrow::Borrow<DataFusionError>) -> DataFusionError {
    DataFusionError::Plan(crate::engine::message(error.borrow()))
}

/// Returns the names in a list of parts.
fn names_of_parts(typing: &Typing) -> Result<Vec<String>> {
    let names = match typing.literals.first() {
        Some(Some(ScalarValue::List(names))) if names.is_valid(0) => names.value(0),
        _ => {
            return Err(DataFusionError::Plan(
                "the parts of a date must be a list of constants, such as ['year', 'month']".into(),
            ));
        }
    };
    let names = names.as_string_opt::<i32>().filter(|names| names.null_count() == 0);
    let names = names.ok_or_else(|| DataFusionError::Plan("the parts of a date must be texts".into()))?;
    Ok(names.iter().flatten().map(str::to_owned).collect())
}

fn type_of_parts(typing: &Typing) -> Result<DataType> {
    let names = names_of_parts(typing)?;
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(DataFusionError::Plan(format!("the part `{name}` is named twice")));
        }
    }
    let fields = names.into_iter().map(|name| {
        let part = DatePart::parse(&name).map_err(planned)?;
        part.check(&typing.types[1], true).map_err(planned)?;
        let of = if part.is_double() { DataType::Float64 } else { DataType::Int64 };
        Ok(Field::new(name, of, true))
    });
    Ok(DataType::Struct(fields.collect::<Result<Vec<Field>>>()?.into()))
}

/// Computes `date_part([part, …], value)`: a struct.
fn date_parts(call: &Call) -> Result<ArrayRef> {
    let DataType::Struct(fields) = call.returns() else { return fail("date_part: no parts") };
    let value = parted(call, 1)?;
    let columns = fields.iter().map(|field| {
        let part = DatePart::parse(field.name())?;
        let column: ArrayRef = if part.is_double() {
            let values = (0..call.rows()).map(|row| value(row).map_or(Ok(None), |value| value.double(part)));
            Arc::new(values.collect::<Result<datafusion::arrow::array::Float64Array>>()?)
        } else {
            let values = (0..call.rows()).map(|row| value(row).map_or(Ok(None), |value| value.whole(part)));
            Arc::new(values.collect::<Result<datafusion::arrow::array::Int64Array>>()?)
        };
        Ok(column)
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let valid = (0..call.rows()).map(|row| value(row).is_some()).collect();
    Ok(Arc::new(StructArray::try_new(fields.clone(), columns, Some(valid))?))
}

pub(super) const DATE_PART: &[Overload] = &[
    computes(&[Varchar, Date], type_of_part, "BIGINT", date_part),
    computes(&[Varchar, Timestamp], type_of_part, "BIGINT", date_part),
    computes(&[Varchar, TimestampTz], type_of_part, "BIGINT", date_part),
    computes(&[Varchar, Time], type_of_part, "BIGINT", date_part),
    computes(&[Varchar, Interval], type_of_part, "BIGINT", date_part),
    computes(&[List(&Varchar), Date], type_of_parts, "STRUCT", date_parts),
    computes(&[List(&Varchar), Timestamp], type_of_parts, "STRUCT", date_parts),
    computes(&[List(&Varchar), TimestampTz], type_of_parts, "STRUCT", date_parts),
    computes(&[List(&Varchar), Time], type_of_parts, "STRUCT", date_parts),
    computes(&[List(&Varchar), Interval], type_of_parts, "STRUCT", date_parts),
];
