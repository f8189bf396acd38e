//! Arithmetic of decimals: digits and a scale.

use datafusion::arrow::datatypes::{DataType, i256};

/// Returns 10 to the power of `exponent`.
pub(in crate::engine::function) fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

pub(in crate::engine::function) fn wide_power(exponent: i32) -> Option<i256> {
    let exponent = u32::try_from(exponent).ok()?;
    let (first, second) = (exponent.min(38), exponent.saturating_sub(38));
    i256::from_i128(10_i128.pow(first)).checked_mul(i256::from_i128(10_i128.checked_pow(second)?))
}

/// Rescales `value` from scale `from` to `to`, rounding half away from zero; `None` if it has more than 38
/// digits.
pub(in crate::engine) fn rescaled(value: i128, from: i8, to: i8) -> Option<i128> {
    let shift = i32::from(to) - i32::from(from);
    let moved = if shift >= 0 {
        value.checked_mul(power(shift)?)?
    } else {
        match power(-shift) {
            Some(divisor) => {
                let (quotient, rest) = (value / divisor, value % divisor);
                quotient + if rest.abs() >= divisor - rest.abs() { rest.signum() } else { 0 }
            }
            None => 0,
        }
    };
    (moved.abs() <= LARGEST).then_some(moved)
}

/// Computes `left / right` at a scale, rounded where PostgreSQL rounds; `None` if it has too many digits.
pub(in crate::engine::function) fn quotient(left: (i128, i8), right: (i128, i8), to: i8) -> Option<i128> {
    let digits = chosen_scale(left, right).min(i32::from(to));
    let shift = digits + i32::from(right.1) - i32::from(left.1);
    let (mut dividend, mut divisor) = (i256::from_i128(left.0), i256::from_i128(right.0));
    if shift >= 0 {
        dividend = dividend.checked_mul(wide_power(shift)?)?;
    } else {
        divisor = divisor.checked_mul(wide_power(-shift)?)?;
    }
    let (whole, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
    let negative = (left.0 < 0) != (right.0 < 0);
    let magnitude = |value: i256| if value.is_negative() { value.wrapping_neg() } else { value };
    let (rest, divisor) = (magnitude(rest), magnitude(divisor));
    let up = rest >= divisor.wrapping_sub(rest);
    let step = i256::from_i128(if !up {
        0
    } else if negative {
        -1
    } else {
        1
    });
    let value = whole.checked_add(step)?.to_i128()?;
    value.checked_mul(power(i32::from(to) - digits)?)
}

/// Returns the scale of a quotient: at least 16 significant digits, counted in groups of four.
fn chosen_scale(left: (i128, i8), right: (i128, i8)) -> i32 {
    let (left_weight, left_first) = leading(left.0, left.1);
    let (right_weight, right_first) = leading(right.0, right.1);
    let weight = left_weight - right_weight - i32::from(left_first <= right_first);
    let shown = |scale: i8| if scale >= OPEN_SCALE { 0 } else { i32::from(scale) };
    (16 - weight * 4).max(shown(left.1)).max(shown(right.1)).max(0)
}

/// Returns the weight and value of the first base-10000 digit.
fn leading(value: i128, scale: i8) -> (i32, i128) {
    if value == 0 {
        return (0, 0);
    }
    let magnitude = value.abs();
    let digits = i32::try_from(magnitude.ilog10()).unwrap_or(0) + 1;
    // The power of ten of the first decimal digit.
    let exponent = digits - 1 - i32::from(scale);
    let weight = exponent.div_euclid(4);
    let kept = exponent - weight * 4 + 1;
    let first = if digits >= kept {
        magnitude / power(digits - kept).unwrap_or(1)
    } else {
        magnitude * power(kept - digits).unwrap_or(1)
    };
    (weight, first)
}

/// Returns the scale of a numeric.
pub(in crate::engine) fn scale(of: &DataType) -> i8 {
    match of {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale,
        _ => 0,
    }
}

/// The scale of numerics whose scale PostgreSQL picks at run time: quotients, averages, and text or floats
/// cast to `numeric`.
pub(in crate::engine) const OPEN_SCALE: i8 = 20;

/// Returns the average at scale `to` of `count` values whose sum is `total` at scale `from`; `None` if it has
/// too many digits.
pub(in crate::engine::function) fn average(total: i128, from: i8, count: i64, to: i8) -> Option<i128> {
    quotient((total, from), (count.into(), 0), to)
}

/// The greatest magnitude of 38 digits.
const LARGEST: i128 = 10_i128.pow(38) - 1;

#[cfg(test)]
mod tests {
    use super::{leading, quotient, rescaled};

    #[test]
    fn quotients_have_the_digits_that_postgresql_picks() {
        // select 1::numeric / 3, 100::numeric / 3, 10::numeric / 4, 1e10::numeric / 3
        assert_eq!(quotient((1, 0), (3, 0), 20), Some(33_333_333_333_333_333_333));
        assert_eq!(quotient((100, 0), (3, 0), 20), Some(3_333_333_333_333_333_330_000));
        assert_eq!(quotient((10, 0), (4, 0), 20), Some(250_000_000_000_000_000_000));
        assert_eq!(quotient((10_000_000_000, 0), (3, 0), 20), Some(333_333_333_333_333_333_000_000_000_000));
        assert_eq!(quotient((-2, 0), (3, 0), 20), Some(-66_666_666_666_666_666_667));
        assert_eq!(leading(12_345, 0), (1, 1));
        assert_eq!(leading(5, 1), (-1, 5000));
        assert_eq!(rescaled(25, 1, 0), Some(3));
        assert_eq!(rescaled(-25, 1, 0), Some(-3));
    }
}
