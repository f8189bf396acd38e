//! Arithmetic kernels: DuckDB's arithmetic on arrays of the types that `arithmetic::resolve` chose.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray, Scalar, new_null_array,
        },
        compute::{self, kernels::numeric},
        datatypes::{
            DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNano,
            IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
        },
        error::ArrowError,
    },
    common::exec_err,
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
};

use super::{
    arithmetic::Operation,
    types::{self, is_decimal},
};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Computes `left OP right`: `rows` values, or a single one if both operands are constants.
pub(super) fn binary(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    result: &DataType,
) -> Result<ArrayRef> {
    use DataType as T;
    let (left_type, right_type) = (left.data_type(), right.data_type());
    if left_type == T::Null || right_type == T::Null {
        return Ok(new_null_array(result, rows));
    }
    let one = matches!((left, right), (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_)));
    let rows = if one { 1 } else { rows };
    match (operation, &left_type, &right_type) {
        (Operation::ShiftLeft | Operation::ShiftRight, of, _) => {
            shifted(operation, left, right, rows, of, result)
        }
        (_, a, b) if is_decimal(a) && is_decimal(b) => decimals(operation, left, right, rows, result),
        (Operation::Power, T::Float64, T::Float64) => {
            zipped::<Float64Type, Float64Type, Float64Type>(left, right, rows, |base, exponent| {
                Ok(base.powf(exponent))
            })
        }
        (Operation::DivideWhole | Operation::Modulo, a, b) if a.is_integer() && b.is_integer() => {
            let divisor = without_zeros(right, rows)?;
            let kernel = if operation == Operation::Modulo { numeric::rem } else { numeric::div };
            // The remainder of the minimum integer by -1 fits, but DuckDB derives it from the quotient, which
            // overflows.
            if operation == Operation::Modulo && holds_minus_one(&divisor)? {
                with_datum(left, |left| numeric::div(left, &divisor))
                    .map_err(|error| overflow(operation, result, &error))?;
            }
            with_datum(left, |left| kernel(left, &divisor))
                .map_err(|error| overflow(operation, result, &error))
        }
        (Operation::DivideWhole, T::Float32 | T::Float64, _) => {
            let divisor = without_zeros(right, rows)?;
            with_datum(left, |left| numeric::div(left, &divisor))
                .map_err(|error| overflow(operation, result, &error))
        }
        (_, a, b) if types::is_number(a) && types::is_number(b) => {
            let kernel = match operation {
                Operation::Add => numeric::add,
                Operation::Subtract => numeric::sub,
                Operation::Multiply => numeric::mul,
                Operation::Divide => numeric::div,
                _ => numeric::rem,
            };
            with_datum(left, |left| with_datum(right, |right| kernel(left, right)))
                .map_err(|error| overflow(operation, result, &error))
        }
        _ => calendar(operation, left, right, rows),
    }
}

/// Computes `left << right` or `left >> right`.
fn shifted(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    of: &DataType,
    result: &DataType,
) -> Result<ArrayRef> {
    let wide = |value: &ColumnarValue| value.cast_to(&types::HUGEINT, None);
    let bits = i128::try_from(of.primitive_width().unwrap_or(8) * 8).unwrap_or(64);
    let most = if of.is_unsigned_integer() { bits } else { bits - 1 };
    let limit = 10_u128.pow(types::MAX_DIGITS.into());
    let (left, right) = (wide(left)?, wide(right)?);
    let shift = |value: i128, by: i128| match operation {
        Operation::ShiftLeft => shifted_left(value, by, most).and_then(|shifted| {
            if shifted.unsigned_abs() < limit { Ok(shifted) } else { Err(out_of_range("HUGEINT")) }
        }),
        _ if (0..bits).contains(&by) => Ok(value >> by),
        _ => Ok(0),
    };
    let shifted = zipped::<Decimal128Type, Decimal128Type, Decimal128Type>(&left, &right, rows, shift)?;
    let shifted = shifted.as_primitive::<Decimal128Type>().clone().with_data_type(types::HUGEINT);
    Ok(compute::cast(&(Arc::new(shifted) as ArrayRef), result)?)
}

/// Shifts a value left, and fails if the result needs more than `bits` bits.
fn shifted_left(value: i128, by: i128, bits: i128) -> Result<i128> {
    if value < 0 {
        return exec_err!("can't shift the negative number {value} left");
    }
    let fits = by >= 0 && (value == 0 || i128::from(128 - value.leading_zeros()) + by <= bits);
    if fits { Ok(value << by.min(127)) } else { exec_err!("{value} << {by} is out of range") }
}

/// Computes `~ array`.
pub(super) fn bitwise_not(array: &ArrayRef) -> Result<ArrayRef> {
    use datafusion::arrow::datatypes as t;
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef
    where
        T::Native: std::ops::Not<Output = T::Native>,
    {
        Arc::new(array.as_primitive::<T>().unary::<_, T>(|value| !value))
    }
    Ok(match array.data_type() {
        DataType::Int8 => of::<t::Int8Type>(array),
        DataType::Int16 => of::<t::Int16Type>(array),
        DataType::Int32 => of::<t::Int32Type>(array),
        DataType::Int64 => of::<t::Int64Type>(array),
        DataType::UInt8 => of::<t::UInt8Type>(array),
        DataType::UInt16 => of::<t::UInt16Type>(array),
        DataType::UInt32 => of::<t::UInt32Type>(array),
        DataType::UInt64 => of::<t::UInt64Type>(array),
        other => return exec_err!("`~` is not defined for {}", types::name(other)),
    })
}

/// Computes `- array`.
pub(super) fn negate(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Interval(_) => {
            let intervals = array.as_primitive::<IntervalMonthDayNanoType>();
            let negated = intervals.try_unary::<_, IntervalMonthDayNanoType, DataFusionError>(|value| {
                scaled(value, -1).ok_or_else(|| out_of_range("interval"))
            });
            Ok(Arc::new(negated?))
        }
        unsigned if unsigned.is_unsigned_integer() => {
            let zeros = compute::cast(
                &(Arc::new(datafusion::arrow::array::Int64Array::from(vec![0])) as ArrayRef),
                unsigned,
            )?;
            numeric::sub(&Scalar::new(zeros), array)
                .map_err(|error| overflow(Operation::Negate, unsigned, &error))
        }
        of => numeric::neg(array.as_ref()).map_err(|error| overflow(Operation::Negate, of, &error)),
    }
}

/// Returns whether a divisor is -1 in some row.
fn holds_minus_one(divisor: &dyn Datum) -> Result<bool> {
    let data_type = divisor.get().0.data_type();
    if !data_type.is_signed_integer() {
        return Ok(false);
    }
    let minus_one = datafusion::common::ScalarValue::new_negative_one(data_type)?.to_scalar()?;
    Ok(datafusion::arrow::compute::kernels::cmp::eq(divisor, &minus_one)?.true_count() > 0)
}

/// Runs a kernel on a column or a constant.
fn with_datum<T>(
    value: &ColumnarValue,
    kernel: impl FnOnce(&dyn Datum) -> std::result::Result<T, ArrowError>,
) -> std::result::Result<T, ArrowError> {
    match value {
        ColumnarValue::Array(array) => kernel(array),
        ColumnarValue::Scalar(value) => match value.to_scalar() {
            Ok(scalar) => kernel(&scalar),
            Err(error) => Err(ArrowError::ExternalError(Box::new(error))),
        },
    }
}

fn overflow(operation: Operation, result: &DataType, error: &ArrowError) -> DataFusionError {
    let detail = match error {
        ArrowError::ArithmeticOverflow(text) => {
            text.strip_prefix("Overflow happened on: ").unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    };
    DataFusionError::Execution(format!(
        "{detail} is out of range of {}: cast an operand of `{}` to a wider type",
        types::name(result),
        operation.symbol()
    ))
}

fn out_of_range(what: &str) -> DataFusionError {
    DataFusionError::Execution(format!("{what} out of range"))
}

/// Returns the divisors, with zeros replaced by NULL.
fn without_zeros(divisor: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    let divisor = divisor.to_array(rows)?;
    let zero = compute::cast(
        &(Arc::new(datafusion::arrow::array::Int64Array::from(vec![0])) as ArrayRef),
        divisor.data_type(),
    )?;
    let zeros = compute::kernels::cmp::eq(&divisor, &Scalar::new(zero))?;
    // Arrow treats negative zero as a distinct value.
    let zeros = if divisor.data_type().is_floating() {
        let negative = compute::cast(
            &(Arc::new(datafusion::arrow::array::Float64Array::from(vec![-0.0])) as ArrayRef),
            divisor.data_type(),
        )?;
        compute::or_kleene(&zeros, &compute::kernels::cmp::eq(&divisor, &Scalar::new(negative))?)?
    } else {
        zeros
    };
    Ok(compute::nullif(&divisor, &zeros)?)
}

/// Applies a function to every row where neither operand is NULL.
fn zipped<L: ArrowPrimitiveType, R: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    function: impl Fn(L::Native, R::Native) -> Result<O::Native>,
) -> Result<ArrayRef> {
    // Fast path for constants, which are common: no copy, and no null check per row.
    let result: PrimitiveArray<O> = match (left, right) {
        (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
            let right = right.to_array()?;
            if right.is_null(0) {
                return Ok(new_null_array(&O::DATA_TYPE, rows));
            }
            let right = right.as_primitive::<R>().value(0);
            left.as_primitive::<L>().try_unary(|left| function(left, right))?
        }
        (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
            let left = left.to_array()?;
            if left.is_null(0) {
                return Ok(new_null_array(&O::DATA_TYPE, rows));
            }
            let left = left.as_primitive::<L>().value(0);
            right.as_primitive::<R>().try_unary(|right| function(left, right))?
        }
        _ => {
            let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
            let pairs = left.as_primitive::<L>().iter().zip(right.as_primitive::<R>());
            let values = pairs.map(|pair| match pair {
                (Some(left), Some(right)) => function(left, right).map(Some),
                _ => Ok(None),
            });
            values.collect::<Result<PrimitiveArray<O>>>()?
        }
    };
    Ok(Arc::new(result))
}

fn decimals(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    result: &DataType,
) -> Result<ArrayRef> {
    let DataType::Decimal128(digits, scale) = result else {
        return exec_err!("a decimal can't be {}", types::name(result));
    };
    let own = |of: &DataType| types::digits(of).map_or(0, |(_, scale)| scale);
    let factor = |of: &DataType| {
        let shift = u32::try_from(i16::from(*scale) - i16::from(own(of))).unwrap_or(0);
        10_i128.checked_pow(shift).unwrap_or(i128::MAX)
    };
    let (left_factor, right_factor) = (factor(&left.data_type()), factor(&right.data_type()));
    let limit = 10_u128.pow(u32::from(*digits));
    let name = types::name(result);
    let too_wide = |left: i128, right: i128| {
        DataFusionError::Execution(format!(
            "the result of `{}` is out of range of {name} ({left} and {right}, without their points): \
             cast an operand to a decimal of fewer digits after the point, or to double",
            operation.symbol()
        ))
    };
    let array = match operation {
        Operation::Multiply => {
            zipped::<Decimal128Type, Decimal128Type, Decimal128Type>(left, right, rows, |left, right| {
                let product = left.checked_mul(right).filter(|value| value.unsigned_abs() < limit);
                product.ok_or_else(|| too_wide(left, right))
            })?
        }
        Operation::Add | Operation::Subtract => {
            let sign = if operation == Operation::Add { 1 } else { -1 };
            zipped::<Decimal128Type, Decimal128Type, Decimal128Type>(left, right, rows, |left, right| {
                let sum =
                    (|| left.checked_mul(left_factor)?.checked_add(sign * right.checked_mul(right_factor)?))(
                    );
                sum.filter(|value| value.unsigned_abs() < limit).ok_or_else(|| too_wide(left, right))
            })?
        }
        Operation::DivideWhole => {
            let divisor = ColumnarValue::Array(without_zeros(right, rows)?);
            zipped::<Decimal128Type, Decimal128Type, Decimal128Type>(left, &divisor, rows, |left, right| {
                left.checked_div(right).ok_or_else(|| too_wide(left, right))
            })?
        }
        _ => {
            let divisor = ColumnarValue::Array(without_zeros(right, rows)?);
            zipped::<Decimal128Type, Decimal128Type, Decimal128Type>(left, &divisor, rows, |left, right| {
                let rest =
                    (|| left.checked_mul(left_factor)?.checked_rem(right.checked_mul(right_factor)?))();
                rest.ok_or_else(|| too_wide(left, right))
            })?
        }
    };
    let array = array.as_primitive::<Decimal128Type>().clone();
    Ok(Arc::new(array.with_precision_and_scale(*digits, *scale)?))
}

/// Multiplies each part of an interval by an integer, or returns `None` on overflow.
fn scaled(value: IntervalMonthDayNano, by: i64) -> Option<IntervalMonthDayNano> {
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
fn calendar(
    operation: Operation,
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
) -> Result<ArrayRef> {
    use DataType as T;
    let sign: i32 = if operation == Operation::Subtract { -1 } else { 1 };
    let far = || out_of_range("date or timestamp");
    let wide = || out_of_range("interval");
    match (left.data_type(), right.data_type()) {
        (T::Date32, T::Int32) => {
            zipped::<Date32Type, Int32Type, Date32Type>(left, right, rows, |date, days| {
                days.checked_mul(sign).and_then(|days| date.checked_add(days)).ok_or_else(far)
            })
        }
        (T::Int32, T::Date32) => {
            zipped::<Int32Type, Date32Type, Date32Type>(left, right, rows, |days, date| {
                date.checked_add(days).ok_or_else(far)
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
            let micros = a.checked_sub(b).ok_or_else(wide)?;
            let days = i32::try_from(micros / MICROS_PER_DAY).map_err(|_| wide())?;
            Ok(IntervalMonthDayNano::new(0, days, micros % MICROS_PER_DAY * 1_000))
        }),
        (T::Date32, T::Time64(_)) => moment(left, right, rows),
        (T::Time64(_), T::Date32) => moment(right, left, rows),
        (T::Timestamp(..), T::Interval(_)) => {
            let kernel = if sign < 0 { numeric::sub } else { numeric::add };
            with_datum(left, |left| with_datum(right, |right| kernel(left, right))).map_err(|_| far())
        }
        (T::Interval(_), T::Timestamp(..)) => {
            with_datum(right, |right| with_datum(left, |left| numeric::add(right, left))).map_err(|_| far())
        }
        (T::Time64(_), T::Interval(_)) => clock(left, right, rows, sign),
        (T::Interval(_), T::Time64(_)) => clock(right, left, rows, sign),
        (T::Interval(_), T::Interval(_)) => zipped::<
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
        >(left, right, rows, |a, b| {
            let b = scaled(b, sign.into()).ok_or_else(wide)?;
            let sum = || {
                Some(IntervalMonthDayNano::new(
                    a.months.checked_add(b.months)?,
                    a.days.checked_add(b.days)?,
                    a.nanoseconds.checked_add(b.nanoseconds)?,
                ))
            };
            sum().ok_or_else(wide)
        }),
        (T::Interval(_), T::Int64) => {
            zipped::<IntervalMonthDayNanoType, Int64Type, IntervalMonthDayNanoType>(
                left,
                right,
                rows,
                |a, by| scaled(a, by).ok_or_else(wide),
            )
        }
        (T::Int64, T::Interval(_)) => {
            zipped::<Int64Type, IntervalMonthDayNanoType, IntervalMonthDayNanoType>(
                left,
                right,
                rows,
                |by, a| scaled(a, by).ok_or_else(wide),
            )
        }
        (T::Interval(_), T::Float64) => {
            zipped_option::<IntervalMonthDayNanoType, Float64Type>(left, right, rows, |a, by| {
                if operation == Operation::Divide {
                    // Division by zero is NULL, as with numbers.
                    if by == 0.0 { Ok(None) } else { stretched(a, 1.0 / by).map(Some).ok_or_else(wide) }
                } else {
                    stretched(a, by).map(Some).ok_or_else(wide)
                }
            })
        }
        (T::Float64, T::Interval(_)) => zipped::<
            Float64Type,
            IntervalMonthDayNanoType,
            IntervalMonthDayNanoType,
        >(left, right, rows, |by, a| {
            stretched(a, by).ok_or_else(wide)
        }),
        (a, b) => exec_err!(
            "`{}` is not defined for {} and {}",
            operation.symbol(),
            types::name(&a),
            types::name(&b)
        ),
    }
}

/// Works like [`zipped`], but the function may return NULL.
fn zipped_option<L: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    left: &ColumnarValue,
    right: &ColumnarValue,
    rows: usize,
    function: impl Fn(L::Native, R::Native) -> Result<Option<L::Native>>,
) -> Result<ArrayRef> {
    let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
    let pairs = left.as_primitive::<L>().iter().zip(right.as_primitive::<R>());
    let values = pairs.map(|pair| match pair {
        (Some(left), Some(right)) => function(left, right),
        _ => Ok(None),
    });
    Ok(Arc::new(values.collect::<Result<PrimitiveArray<L>>>()?))
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
