//! Numeric arithmetic: exact to 38 digits with an error beyond, and quotients at the scale that PostgreSQL
//! picks.

use datafusion::{
    arrow::datatypes::{DataType, i256},
    error::Result,
};

use super::{
    kind::{GivenArgument, MAX_DIGITS, numeric},
    unresolved::Unresolved,
};
use crate::engine::function::{
    call::{Call, Digits, fail},
    decimal::{OPEN_SCALE, power, quotient, rescaled, scale, wide_power},
};

/// Returns the value, or fails if it exceeds the type's precision.
pub(super) fn fit(value: i128, to: &DataType) -> Result<Option<Digits>> {
    let DataType::Decimal128(digits, _) = to else { return fail("a numeric field is no decimal") };
    if value.unsigned_abs() < 10_u128.pow(u32::from(*digits)) {
        return Ok(Some(Digits(value)));
    }
    fail(format!("numeric field overflow: {} has no room for the value", shown(to)))
}

fn shown(of: &DataType) -> String {
    match of {
        DataType::Decimal128(digits, scale) => format!("numeric({digits},{scale})"),
        other => other.to_string(),
    }
}

fn too_wide<T>(to: &DataType) -> Result<T> {
    fail(format!("numeric field overflow: the result doesn't fit into {}", shown(to)))
}

/// Returns the type of sums and remainders, with the greater scale of the operands.
#[expect(clippy::unnecessary_wraps, reason = "the type of all such functions")]
pub(super) fn sum_type(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    Ok(numeric(types.iter().map(scale).max().unwrap_or(0)))
}

/// Returns the type of a product, with the sum of the operands' scales.
pub(super) fn product_type(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    let digits: i16 = types.iter().map(|of| i16::from(scale(of))).sum();
    match i8::try_from(digits) {
        Ok(digits) if digits <= 38 => Ok(numeric(digits)),
        _ => Err(Unresolved::new(
            format!("this product has {digits} digits after the point: a decimal holds 38 digits in all"),
            "round an operand first: round(x, 6)",
        )),
    }
}

/// Returns the type of a quotient, whose scale PostgreSQL picks for each value.
#[expect(clippy::unnecessary_wraps, reason = "the type of all such functions")]
pub(super) fn quotient_type(types: &[DataType], _: &[GivenArgument]) -> Result<DataType, Unresolved> {
    Ok(numeric(types.iter().map(scale).max().unwrap_or(0).max(OPEN_SCALE)))
}

/// Computes `left + sign * right`.
pub(super) fn add(call: &Call, sign: i128) -> Result<datafusion::arrow::array::ArrayRef> {
    let to = call.returns();
    let (left_scale, right_scale) = (scale(call.type_of(0)), scale(call.type_of(1)));
    call.map2(|left: Digits, right: Digits| {
        let sum = rescaled(left.0, left_scale, scale(to))
            .zip(rescaled(right.0, right_scale, scale(to)))
            .and_then(|(left, right)| left.checked_add(sign * right));
        sum.map_or_else(|| too_wide(to), |sum| fit(sum, to))
    })
}

/// Computes `left * right`.
pub(super) fn multiply(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let to = call.returns();
    call.map2(|left: Digits, right: Digits| {
        left.0.checked_mul(right.0).map_or_else(|| too_wide(to), |product| fit(product, to))
    })
}

/// Computes the remainder, with the sign of the dividend.
pub(super) fn modulo(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let to = call.returns();
    let (left_scale, right_scale) = (scale(call.type_of(0)), scale(call.type_of(1)));
    call.map2(|left: Digits, right: Digits| {
        if right.0 == 0 {
            return fail("division by zero");
        }
        let wide = |value: i128, from: i8| {
            i256::from_i128(value).checked_mul(wide_power(i32::from(scale(to)) - i32::from(from))?)
        };
        let rest = wide(left.0, left_scale)
            .zip(wide(right.0, right_scale))
            .and_then(|(left, right)| left.checked_rem(right)?.to_i128());
        rest.map_or_else(|| too_wide(to), |rest| fit(rest, to))
    })
}

/// Computes the integer quotient.
pub(super) fn divide_whole(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let to = call.returns();
    let shift = i32::from(scale(call.type_of(1))) - i32::from(scale(call.type_of(0)));
    call.map2(|left: Digits, right: Digits| {
        if right.0 == 0 {
            return fail("division by zero");
        }
        let (mut left, mut right) = (i256::from_i128(left.0), i256::from_i128(right.0));
        let widened = if shift >= 0 {
            wide_power(shift).and_then(|by| left.checked_mul(by)).map(|value| left = value)
        } else {
            wide_power(-shift).and_then(|by| right.checked_mul(by)).map(|value| right = value)
        };
        let whole = widened.and_then(|()| left.checked_div(right)?.to_i128());
        whole.map_or_else(|| too_wide(to), |whole| fit(whole, to))
    })
}

/// Computes the quotient.
pub(super) fn divide(call: &Call) -> Result<datafusion::arrow::array::ArrayRef> {
    let to = call.returns();
    let (left_scale, right_scale) = (scale(call.type_of(0)), scale(call.type_of(1)));
    call.map2(|left: Digits, right: Digits| {
        if right.0 == 0 {
            return fail("division by zero");
        }
        quotient((left.0, left_scale), (right.0, right_scale), scale(to))
            .map_or_else(|| too_wide(to), |value| fit(value, to))
    })
}

/// Formats a finite float with the significant digits that PostgreSQL keeps when casting it to numeric.
pub(in crate::engine) fn float_digits(value: f64, significant: usize) -> String {
    format!("{value:.*e}", significant - 1)
}

/// Returns the type of a numeric rounded to a constant number of digits.
pub(super) fn rounded_type(_: &[DataType], given: &[GivenArgument]) -> Result<DataType, Unresolved> {
    match given.get(1) {
        None => Ok(numeric(0)),
        Some(digits) => match digits.integer() {
            Some(digits) if digits <= 0 => Ok(numeric(0)),
            Some(digits) if digits <= i64::from(MAX_DIGITS) => {
                Ok(numeric(i8::try_from(digits).unwrap_or(OPEN_SCALE)))
            }
            _ => Err(Unresolved::new(
                "the number of digits must be a constant of at most 38 here: a column has one type",
                "write a number, as in round(x, 2)",
            )),
        },
    }
}

/// Rounds or truncates to a number of digits, which may be negative.
pub(super) fn round(call: &Call, cut: bool) -> Result<datafusion::arrow::array::ArrayRef> {
    let (from, to) = (scale(call.type_of(0)), call.returns());
    let digits = if call.len() > 1 { Some(call.column::<i32>(1)?) } else { None };
    let values = call.column::<Digits>(0)?;
    call.each(|row| {
        let at = match &digits {
            Some(digits) => digits.at(row),
            None => Some(0),
        };
        let (Some(value), Some(at)) = (values.at(row), at) else { return Ok(None) };
        let at = i8::try_from(at.clamp(-100, 100)).unwrap_or(0);
        let kept = if cut && at < from {
            power(i32::from(from) - i32::from(at)).map_or(Some(0), |unit| Some(value.0 / unit))
        } else {
            rescaled(value.0, from, at)
        };
        let moved = kept.and_then(|kept| rescaled(kept, at, scale(to)));
        moved.map_or_else(|| too_wide(to), |moved| fit(moved, to))
    })
}

/// Returns the nearest integer in one direction.
pub(super) fn whole(call: &Call, up: bool) -> Result<datafusion::arrow::array::ArrayRef> {
    let (from, to) = (scale(call.type_of(0)), call.returns());
    let unit = power(i32::from(from)).unwrap_or(i128::MAX);
    call.map1(|value: Digits| {
        let floor = value.0.div_euclid(unit);
        let exact = value.0.rem_euclid(unit) == 0;
        fit(if up && !exact { floor + 1 } else { floor }, to)
    })
}
