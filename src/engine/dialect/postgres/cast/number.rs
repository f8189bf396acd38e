//! Casts between numbers.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray},
        compute,
        datatypes::{
            ArrowPrimitiveType, DataType, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
        },
    },
    error::Result,
};

use super::{
    arrow::arrow,
    float::{fault, floats},
    read,
};
use crate::engine::function::{
    decimal::{rescaled, scale},
    postgres::{float_digits, kind::type_name},
};

/// Converts numbers to another numeric type: floats are rounded half to even, numerics half away from zero.
pub(super) fn number(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as T;
    match (array.data_type(), to) {
        (T::Decimal128(..), T::Float32 | T::Float64) => {
            let from = scale(array.data_type());
            let values = array.as_primitive::<Decimal128Type>();
            let double = |value: i128| decimal_text(value, from).parse::<f64>().unwrap_or(f64::NAN);
            if to == &T::Float64 {
                return Ok(Arc::new(values.unary::<_, Float64Type>(double)));
            }
            let doubles: ArrayRef = Arc::new(values.unary::<_, Float64Type>(double));
            floats(&doubles)
        }
        (T::Decimal128(..), T::Decimal128(digits, to_scale)) => {
            let from = scale(array.data_type());
            decimals(array.as_primitive::<Decimal128Type>().iter(), *digits, *to_scale, |value| {
                rescaled(value, from, *to_scale)
            })
        }
        (T::Decimal128(..), to) if to.is_integer() => {
            let from = scale(array.data_type());
            let values = array.as_primitive::<Decimal128Type>();
            let whole = values.iter().map(|value| value.and_then(|value| rescaled(value, from, 0)));
            integers(whole, to)
        }
        (T::Float32 | T::Float64, T::Decimal128(digits, to_scale)) => {
            let significant = if array.data_type() == &T::Float32 { 6 } else { 15 };
            let doubles = compute::cast(array, &T::Float64)?;
            let values = doubles.as_primitive::<Float64Type>();
            decimals(values.iter(), *digits, *to_scale, |value| {
                let text = value.is_finite().then(|| float_digits(value, significant))?;
                read::scaled(&text, *to_scale)
            })
        }
        (T::Float32 | T::Float64, to) if to.is_integer() => {
            let doubles = compute::cast(array, &T::Float64)?;
            let values = doubles.as_primitive::<Float64Type>();
            let whole = values.iter().map(|value| {
                value.map(|value| {
                    let whole = value.round_ties_even();
                    // A value beyond every integer type, so that it is out of range.
                    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
                    if whole.abs() < 1e20 { whole as i128 } else { i128::MAX }
                })
            });
            integers(whole, to)
        }
        (T::Float64, T::Float32) => floats(array),
        _ => arrow(array, to),
    }
}

fn decimal_text(value: i128, scale: i8) -> String {
    format!("{value}e-{scale}")
}

fn decimals<T: Copy>(
    values: impl Iterator<Item = Option<T>>,
    digits: u8,
    scale: i8,
    convert: impl Fn(T) -> Option<i128>,
) -> Result<ArrayRef> {
    let limit = 10_u128.pow(u32::from(digits));
    let values = values.map(|value| match value {
        None => Ok(None),
        Some(value) => match convert(value).filter(|value| value.unsigned_abs() < limit) {
            Some(value) => Ok(Some(value)),
            None => {
                fault(format!("numeric field overflow: a value doesn't fit into numeric({digits},{scale})"))
            }
        },
    });
    let made = values.collect::<Result<Decimal128Array>>()?;
    Ok(Arc::new(made.with_precision_and_scale(digits, scale)?))
}

fn integers(values: impl Iterator<Item = Option<i128>>, to: &DataType) -> Result<ArrayRef> {
    fn of<T: ArrowPrimitiveType>(
        values: impl Iterator<Item = Option<i128>>,
        to: &DataType,
    ) -> Result<ArrayRef>
    where
        T::Native: TryFrom<i128>,
    {
        let narrow = |value: Option<i128>| match value.map(T::Native::try_from).transpose() {
            Ok(value) => Ok(value),
            Err(_) => fault(format!("{} out of range", type_name(to))),
        };
        Ok(Arc::new(values.map(narrow).collect::<Result<PrimitiveArray<T>>>()?))
    }
    match to {
        DataType::Int16 => of::<Int16Type>(values, to),
        DataType::Int32 => of::<Int32Type>(values, to),
        _ => of::<Int64Type>(values, to),
    }
}
