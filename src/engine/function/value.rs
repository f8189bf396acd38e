//! Value comparison as in DuckDB: 0.0 equals -0.0, all NaNs are equal, and a month has 30 days of 24 hours.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, StructArray},
        datatypes::{
            DataType, Float32Type, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
        },
    },
    error::Result,
};

/// Normalizes zeros, NaNs and intervals, so that equal values have equal bytes.
pub(in crate::engine) fn comparable(column: &ArrayRef) -> Result<ArrayRef> {
    if !differs(column.data_type()) {
        return Ok(Arc::clone(column));
    }
    Ok(match column.data_type() {
        DataType::Float64 => Arc::new(
            column
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
        ),
        DataType::Float32 => Arc::new(
            column
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
        ),
        DataType::Interval(IntervalUnit::MonthDayNano) => Arc::new(
            column
                .as_primitive::<IntervalMonthDayNanoType>()
                .unary::<_, IntervalMonthDayNanoType>(normalized),
        ),
        DataType::List(field) => {
            let list = column.as_list::<i32>();
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                comparable(list.values())?,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) => {
            let columns = column.as_struct().columns().iter().map(comparable).collect::<Result<_>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, column.nulls().cloned())?)
        }
        _ => Arc::clone(column),
    })
}

/// Returns whether equal values of a type can have different bytes.
pub(in crate::engine) fn differs(data_type: &DataType) -> bool {
    match data_type {
        DataType::Float32 | DataType::Float64 | DataType::Interval(IntervalUnit::MonthDayNano) => true,
        DataType::List(field) => differs(field.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| differs(field.data_type())),
        _ => false,
    }
}

/// Carries an interval's time into days of 24 hours, and its days into months of 30 days.
fn normalized(interval: IntervalMonthDayNano) -> IntervalMonthDayNano {
    const DAY: i64 = 86_400_000_000_000;
    let days = i64::from(interval.days) + interval.nanoseconds / DAY;
    let months = i64::from(interval.months) + days / 30;
    let (mut months, mut days, mut rest) = (months, days % 30, interval.nanoseconds % DAY);
    // Give all parts the same sign.
    if days > 0 && rest < 0 {
        days -= 1;
        rest += DAY;
    } else if days < 0 && rest > 0 {
        days += 1;
        rest -= DAY;
    }
    if months > 0 && (days < 0 || rest < 0) {
        months -= 1;
        days += 30;
        if rest < 0 {
            days -= 1;
            rest += DAY;
        }
    } else if months < 0 && (days > 0 || rest > 0) {
        months += 1;
        days -= 30;
        if rest > 0 {
            days += 1;
            rest -= DAY;
        }
    }
    let narrow = |part: i64| i32::try_from(part).unwrap_or(if part < 0 { i32::MIN } else { i32::MAX });
    IntervalMonthDayNano::new(narrow(months), narrow(days), rest)
}
