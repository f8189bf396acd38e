//! Arithmetic kernels: DuckDB's arithmetic on arrays of the types that `arithmetic::resolve` chose.
//!
//! - `calendar`: dates, times and intervals
//! - `operand`: columns and constants, NULLs, and errors of results that don't fit

mod calendar;
mod operand;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, Scalar, new_null_array},
        compute::{self, kernels::numeric},
        datatypes::{DataType, Decimal128Type, Float64Type, IntervalMonthDayNanoType},
    },
    common::exec_err,
    error::{DataFusionError, Result},
    logical_expr::ColumnarValue,
};

use self::{
    calendar::{calendar, scaled},
    operand::{out_of_range, overflow, with_datum, without_zeros, zipped},
};
use crate::engine::{
    cast::types::{self, is_decimal},
    operation::Operation,
};

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
