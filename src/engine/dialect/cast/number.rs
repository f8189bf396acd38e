//! Numbers and booleans as each other: fractions round, and what is out of range doesn't fit.

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

use super::arrow;
use crate::engine::dialect::types::{MAX_DIGITS, is_decimal};

/// The values as another type of number, or as booleans; NULL where they don't fit.
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
        (T::Float16 | T::Float32 | T::Float64, to) if to.is_integer() => {
            let doubles = arrow(array, &T::Float64)?;
            rounded(doubles.as_primitive::<Float64Type>(), to)
        }
        // HUGEINT rounds as integers do, other decimals half away from zero.
        (T::Float32 | T::Float64, T::Decimal128(MAX_DIGITS, 0)) => {
            let doubles = arrow(array, &T::Float64)?;
            let whole = doubles.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even);
            let finite = whole.unary_opt::<_, Float64Type>(|value| value.is_finite().then_some(value));
            arrow(&(Arc::new(finite) as ArrayRef), to)
        }
        (T::Float32 | T::Float64, to) if is_decimal(to) => {
            let doubles = arrow(array, &T::Float64)?;
            let doubles = doubles.as_primitive::<Float64Type>();
            let finite = doubles.unary_opt::<_, Float64Type>(|value| value.is_finite().then_some(value));
            arrow(&(Arc::new(finite) as ArrayRef), to)
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

/// Doubles to the nearest integer, to the even one if there are two.
fn rounded(values: &PrimitiveArray<Float64Type>, to: &DataType) -> Result<ArrayRef> {
    /// The range as doubles: `from` is a value of the type, `end` is the first beyond it.
    fn within<T: ArrowPrimitiveType>(
        values: &PrimitiveArray<Float64Type>,
        from: f64,
        end: f64,
        narrow: impl Fn(f64) -> T::Native,
    ) -> ArrayRef {
        Arc::new(values.unary_opt::<_, T>(|value| {
            let value = value.round_ties_even();
            (value >= from && value < end).then(|| narrow(value))
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
