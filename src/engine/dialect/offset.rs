//! Offsets of window frames as text, which the planner accepts for any type.

use std::sync::Arc;

use datafusion::{arrow::datatypes::DataType, common::ScalarValue, error::Result, prelude::lit};

use super::{evaluation::evaluated, explicit_cast};
use crate::engine::cast::{
    self, parse_target,
    types::{self, CastTarget, INTERVAL},
};

/// Formats a value and its type so that [`offset`] can read them.
pub(super) fn written(value: &ScalarValue) -> Result<String> {
    let name = types::name(&value.data_type());
    let text = cast::value_text(&Arc::clone(&value.to_array()?), 0)?.unwrap_or_default();
    Ok(format!("{text}::{name}"))
}

/// Parses an offset that was planned as text.
///
/// # Errors
/// If the text isn't a value of its type.
pub(super) fn offset(text: &str) -> Result<ScalarValue> {
    if let Ok(number) = text.parse::<i32>() {
        return Ok(ScalarValue::Int32(Some(number)));
    }
    let (text, target) = match text.rsplit_once("::") {
        Some((text, name)) => (text, parse_target(name)?),
        None => (text, CastTarget::plain(INTERVAL)),
    };
    evaluated(&explicit_cast::explicit(lit(text), &DataType::Utf8, &target, false)?)
}
