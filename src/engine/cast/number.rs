//! Conversions between numbers and booleans: fractions are rounded, and values out of range don't fit.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray},
        datatypes::{
            ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
            Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
        },
    },
    error::Result,
};

use super::converted::arrow;
use crate::engine::cast::types::{MAX_DIGITS, is_decimal};

/// Converts values to another numeric type or to booleans, with NULL for each value that doesn't fit.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::Decimal256(_, scale), _) => {
            let narrow = arrow(array, &T::Decimal128(MAX_DIGITS, *scale))?;
            if narrow.data_type() == to { Ok(narrow) } else { convert(&narrow, to) }
        }
        (T::Boolean, to) if is_decimal(to) => arrow(&arrow(array, &T::Int8)?, to),
        (T::Decimal128(..), T::Boolean) => {
            let values = array.as_primitive::<Decimal128Type>();
            Ok(Arc::new(BooleanArray::from_unary(values, |value| value != 0)))
        }
        (T::Decimal128(_, scale), to) if to.is_integer() && *scale > 0 => {
            let whole = arrow(array, &T::Decimal128(MAX_DIGITS, 0))?;
            arrow(&whole, to)
        }
        (T::Decimal128(_, scale), T::Float64) => Ok(doubles(array, *scale)),
        (T::Decimal128(_, scale), T::Float32) => Ok(floats(array, *scale)),
        (T::Float16 | T::Float32 | T::Float64, to) if to.is_integer() => {
            let doubles = arrow(array, &T::Float64)?;
            rounded(doubles.as_primitive::<Float64Type>(), to)
        }
        (T::Float32, T::Decimal128(digits, scale)) => {
            let values = array.as_primitive::<Float32Type>();
            // Compute in 32-bit floating point, as DuckDB does.
            let shifted =
                values.unary::<_, Float64Type>(|value| (value * 10_f32.powi((*scale).into())).into());
            decimals(&shifted, *digits, *scale)
        }
        (T::Float64, T::Decimal128(digits, scale)) => {
            let values = array.as_primitive::<Float64Type>();
            let shifted = values.unary::<_, Float64Type>(|value| value * 10_f64.powi((*scale).into()));
            decimals(&shifted, *digits, *scale)
        }
        (T::Float64, T::Float32) => {
            let values = array.as_primitive::<Float64Type>();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the nearest float is what a cast to it means"
            )]
            let narrow = |value: f64| {
                let float = value as f32;
                (float.is_finite() || !value.is_finite()).then_some(float)
            };
            Ok(Arc::new(values.unary_opt::<_, Float32Type>(narrow)))
        }
        _ => arrow(array, to),
    }
}

/// Converts decimals to the nearest doubles.
fn doubles(array: &ArrayRef, scale: i8) -> ArrayRef {
    let power = 10_i128.pow(u32::try_from(scale).unwrap_or(0));
    let values = array.as_primitive::<Decimal128Type>();
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is what a cast to it means")]
    let double = |value: i128| {
        // Beyond 2^53, convert the digits before and after the point separately, because a double
        // can't hold both exactly.
        if value.unsigned_abs() <= 1 << 53 {
            value as f64 / power as f64
        } else {
            (value / power) as f64 + (value % power) as f64 / power as f64
        }
    };
    Arc::new(values.unary::<_, Float64Type>(double))
}

/// Converts decimals to the nearest floats.
fn floats(array: &ArrayRef, scale: i8) -> ArrayRef {
    let power = 10_i128.pow(u32::try_from(scale).unwrap_or(0));
    let values = array.as_primitive::<Decimal128Type>();
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what a cast to it means")]
    let float = |value: i128| {
        if value.unsigned_abs() <= 1 << 24 {
            value as f32 / power as f32
        } else {
            (value / power) as f32 + (value % power) as f32 / power as f32
        }
    };
    Arc::new(values.unary::<_, Float32Type>(float))
}

/// Converts doubles that are already multiplied by the scale to decimals, rounding half away from zero.
fn decimals(values: &PrimitiveArray<Float64Type>, digits: u8, scale: i8) -> Result<ArrayRef> {
    let limit = 10_f64.powi(digits.into());
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the range")]
    let decimal = |value: f64| {
        let value = value.round();
        (value.abs() < limit).then_some(value as i128)
    };
    let decimals = values.unary_opt::<_, Decimal128Type>(decimal);
    Ok(Arc::new(decimals.with_precision_and_scale(digits, scale)?))
}

/// Converts doubles to HUGEINT, rounding half to even.
pub(super) fn huge(array: &ArrayRef) -> Result<ArrayRef> {
    let doubles = arrow(array, &DataType::Float64)?;
    let whole = doubles.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even);
    decimals(&whole, MAX_DIGITS, 0)
}

/// Rounds doubles to integers, half to even. Negative numbers don't fit unsigned types, even if they round to
/// zero.
fn rounded(values: &PrimitiveArray<Float64Type>, to: &DataType) -> Result<ArrayRef> {
    /// Converts values within the range: `from` is the minimum of the type, `end` is its maximum plus 1.
    fn within<T: ArrowPrimitiveType>(
        values: &PrimitiveArray<Float64Type>,
        from: f64,
        end: f64,
        narrow: impl Fn(f64) -> T::Native,
    ) -> ArrayRef {
        Arc::new(values.unary_opt::<_, T>(|value| {
            let nearest = value.round_ties_even();
            (value >= from && nearest >= from && nearest < end).then(|| narrow(nearest))
        }))
    }
    macro_rules! to {
        ($arrow:ty, $native:ty) => {{
            let end =
                2.0_f64.powi(i32::try_from(<$native>::BITS).unwrap_or(64) - i32::from(<$native>::MIN != 0));
            let from = if <$native>::MIN == 0 { 0.0 } else { -end };
            #[allow(
                clippy::allow_attributes,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole and within the range; only unsigned types lose a sign"
            )]
            let narrow = |value: f64| value as $native;
            within::<$arrow>(values, from, end, narrow)
        }};
    }
    Ok(match to {
        DataType::Int8 => to!(Int8Type, i8),
        DataType::Int16 => to!(Int16Type, i16),
        DataType::Int32 => to!(Int32Type, i32),
        DataType::Int64 => to!(Int64Type, i64),
        DataType::UInt8 => to!(UInt8Type, u8),
        DataType::UInt16 => to!(UInt16Type, u16),
        DataType::UInt32 => to!(UInt32Type, u32),
        DataType::UInt64 => to!(UInt64Type, u64),
        other => arrow(&(Arc::new(values.clone()) as ArrayRef), other)?,
    })
}
