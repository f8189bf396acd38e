//! Arithmetic of dates, times and intervals.

use datafusion::{
    arrow::{
        array::ArrayRef,
        compute::kernels::numeric,
        datatypes::{
            DataType, Date32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNano,
            IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
        },
    },
    common::exec_err,
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
};

use super::operand::{out_of_range, with_datum, zipped, zipped_option};
use crate::engine::{cast::types, operation::Operation};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Multiplies each part of an interval by an integer, or returns `None` on overflow.
pub(super) fn scaled(value: IntervalMonthDayNano, by: i64) -> Option<IntervalMonthDayNano> {
    let part = |of: i32| i32::try_from(i64::from(of).checked_mul(by)?).ok();
    Some(IntervalMonthDayNano::new(
        part(value.months)?,
        part(value.days)?,
        value.nanoseconds.checked_mul(by)?,
    ))
}

/// Multiplies an interval by any number: fractions of months become days, and fractions of days become
/// smaller units. Returns `None` on overflow.
fn stretched(value: IntervalMonthDayNano, by: f64) -> Option<IntervalMonthDayNano> {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range")]
    let whole = |of: f64, most: f64| (of.abs() <= most).then_some(of as i64);
    let months = f64::from(value.months) * by;
    let days = f64::from(value.days) * by + (months - months.trunc()) * 30.0;
    let micros = (value.nanoseconds / 1_000) as f64 * by + (days - days.trunc()) * MICROS_PER_DAY as f64;
    Some(IntervalMonthDayNano::new(
        i32::try_from(whole(months.trunc(), f64::from(i32::MAX))?).ok()?,
        i32::try_from(whole(days.trunc(), f64::from(i32::MAX))?).ok()?,
        whole(micros.round_ties_even(), 9.0e15)?.checked_mul(1_000)?,
    ))
}

/// Computes operators on dates, times and intervals.
pub(super) fn calendar(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
) -> Result<ArrayRef> {
    use DataType as T;
    let sign: i32 = if operation == Operation::Subtract { -1 } else { 1 };
    match (left.data_type(), right.data_type()) {
        (T::Interval(_), T::Interval(_) | T::Int64 | T::Float64)
        | (T::Int64 | T::Float64, T::Interval(_)) => intervals(operation, left, right, rows),
        (T::Timestamp(..), T::Interval(_)) => {
            let kernel = if sign < 0 { numeric::sub } else { numeric::add };
            with_datum(left, |left| with_datum(right, |right| kernel(left, right))).map_err(|_| too_far())
        }
        (T::Interval(_), T::Timestamp(..)) => {
            with_datum(right, |right| with_datum(left, |left| numeric::add(right, left)))
                .map_err(|_| too_far())
        }
        (T::Time64(_), T::Interval(_)) => clock(left, right, rows, sign),
        (T::Interval(_), T::Time64(_)) => clock(right, left, rows, sign),
        _ => dates(operation, left, right, rows),
    }
}

fn too_far() -> DataFusionError {
    out_of_range("date or timestamp")
}

fn too_wide() -> DataFusionError {
    out_of_range("interval")
}

/// Computes operators on two dates or times, or a date and a number of days.
fn dates(operation: Operation, left: &ColumnarValue, right: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    use DataType as T;
    let sign: i32 = if operation == Operation::Subtract { -1 } else { 1 };
    match (left.data_type(), right.data_type()) {
        (T::Date32, T::Int32) => {
            zipped::<Date32Type, Int32Type, Date32Type>(left, right, rows, |date, days| {
                days.checked_mul(sign).and_then(|days| date.checked_add(days)).ok_or_else(too_far)
            })
        }
        (T::Int32, T::Date32) => {
            zipped::<Int32Type, Date32Type, Date32Type>(left, right, rows, |days, date| {
                date.checked_add(days).ok_or_else(too_far)
            })
        }
        (T::Date32, T::Date32) => zipped::<Date32Type, Date32Type, Int64Type>(left, right, rows, |a, b| {
            Ok(i64::from(a) - i64::from(b))
        }),
        (T::Timestamp(..), T::Timestamp(..)) => zipped::<
            TimestampMicrosecondType,
            TimestampMicrosecondType,
            IntervalMonthDayNanoType,
        >(left, right, rows, |a, b| {
            let micros = a.checked_sub(b).ok_or_else(too_wide)?;
            let days = i32::try_from(micros / MICROS_PER_DAY).map_err(|_| too_wide())?;
            Ok(IntervalMonthDayNano::new(0, days, micros % MICROS_PER_DAY * 1_000))
        }),
        (T::Date32, T::Time64(_)) => moment(left, right, rows),
        (T::Time64(_), T::Date32) => moment(right, left, rows),
        (a, b) => undefined(operation, &a, &b),
    }
}

/// Computes operators on two intervals, or an interval and a number.
fn intervals(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
) -> Result<ArrayRef> {
    use DataType as T;
    let sign: i32 = if operation == Operation::Subtract { -1 } else { 1 };
    match (left.data_type(), right.data_type()) {
        (T::Interval(_), T::Interval(_)) => zipped::<
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
        >(left, right, rows, |a, b| {
            let b = scaled(b, sign.into()).ok_or_else(too_wide)?;
            let sum = || {
                Some(IntervalMonthDayNano::new(
                    a.months.checked_add(b.months)?,
                    a.days.checked_add(b.days)?,
                    a.nanoseconds.checked_add(b.nanoseconds)?,
                ))
            };
            sum().ok_or_else(too_wide)
        }),
        (T::Interval(_), T::Int64) => {
            zipped::<IntervalMonthDayNanoType, Int64Type, IntervalMonthDayNanoType>(
                left,
                right,
                rows,
                |a, by| scaled(a, by).ok_or_else(too_wide),
            )
        }
        (T::Int64, T::Interval(_)) => {
            zipped::<Int64Type, IntervalMonthDayNanoType, IntervalMonthDayNanoType>(
                left,
                right,
                rows,
                |by, a| scaled(a, by).ok_or_else(too_wide),
            )
        }
        (T::Interval(_), T::Float64) => {
            zipped_option::<IntervalMonthDayNanoType, Float64Type>(left, right, rows, |a, by| {
                if operation == Operation::Divide {
                    // Division by zero is NULL, as with numbers.
                    if by == 0.0 { Ok(None) } else { stretched(a, 1.0 / by).map(Some).ok_or_else(too_wide) }
                } else {
                    stretched(a, by).map(Some).ok_or_else(too_wide)
                }
            })
        }
        (T::Float64, T::Interval(_)) => zipped::<
            Float64Type,
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
        >(left, right, rows, |by, a| {
            stretched(a, by).ok_or_else(too_wide)
        }),
        (a, b) => undefined(operation, &a, &b),
    }
}

fn undefined(operation: Operation, left: &DataType, right: &DataType) -> Result<ArrayRef> {
    exec_err!("`{}` is not defined for {} and {}", operation.symbol(), types::name(left), types::name(right))
}

/// Combines a date and a time of day into a timestamp.
fn moment(date: &ColumnarValue, time: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    zipped::<Date32Type, Time64MicrosecondType, TimestampMicrosecondType>(date, time, rows, |date, time| {
        let midnight = i64::from(date).checked_mul(MICROS_PER_DAY);
        midnight.and_then(|midnight| midnight.checked_add(time)).ok_or_else(|| out_of_range("timestamp"))
    })
}

/// Adds an interval to a time of day, wrapping around at midnight.
fn clock(time: &ColumnarValue, by: &ColumnarValue, rows: usize, sign: i32) -> Result<ArrayRef> {
    zipped::<Time64MicrosecondType, IntervalMonthDayNanoType, Time64MicrosecondType>(
        time,
        by,
        rows,
        |time, by| {
            let micros = by.nanoseconds / 1_000 % MICROS_PER_DAY * i64::from(sign);
            Ok((time + micros).rem_euclid(MICROS_PER_DAY))
        },
    )
}
