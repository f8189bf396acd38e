//! Floats: parsing and narrowing, with errors for values out of range.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, Float32Array, Float64Array, StringArray},
        datatypes::{DataType, Float64Type},
    },
    error::{DataFusionError, Result},
};

use crate::engine::function::postgres::kind::type_name;

pub(super) fn fault<T>(message: impl Into<String>) -> Result<T> {
    Err(DataFusionError::Execution(message.into()))
}

pub(super) fn floats(array: &ArrayRef) -> Result<ArrayRef> {
    let values = array.as_primitive::<Float64Type>();
    let narrow = |value: Option<f64>| match value {
        None => Ok(None),
        Some(value) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the nearest float is what a cast to it means"
            )]
            let float = value as f32;
            if float.is_infinite() && value.is_finite() {
                fault("value out of range: overflow")
            } else if float == 0.0 && value != 0.0 {
                fault("value out of range: underflow")
            } else {
                Ok(Some(float))
            }
        }
    };
    Ok(Arc::new(values.iter().map(narrow).collect::<Result<Float32Array>>()?))
}

/// Parses texts as doubles.
pub(super) fn doubles(texts: &StringArray) -> Result<ArrayRef> {
    let values = texts.iter().map(|text| text.map(double).transpose());
    Ok(Arc::new(values.collect::<Result<Float64Array>>()?))
}

pub(super) fn invalid<T>(text: &str, to: &DataType) -> Result<T> {
    fault(format!("invalid input syntax for type {}: \"{text}\"", type_name(to)))
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// Parses a double: digits, or one of `NaN`, `Infinity`, `inf`.
pub(super) fn double(text: &str) -> Result<f64> {
    let digits = text.trim_matches(is_space);
    let Ok(value) = digits.parse::<f64>() else { return invalid(text, &DataType::Float64) };
    let has_digits = digits.bytes().any(|byte| byte.is_ascii_digit());
    let is_zero =
        !digits.split(['e', 'E']).next().unwrap_or("").bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if has_digits && (value.is_infinite() || (value == 0.0 && !is_zero)) {
        return fault(format!("\"{text}\" is out of range for type double precision"));
    }
    Ok(value)
}
