//! Array casts: convert an array to another type.

mod nested;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, new_null_array},
        compute,
        datatypes::DataType,
    },
    common::exec_err,
    error::Result,
};

use super::{
    converted::{Converted, arrow},
    format::{self, value_text},
    number, text, time,
};
use crate::engine::cast::types::{self, CastTarget, TypeRule};

/// Casts the values of an array. If `lenient`, values that don't fit become NULL.
///
/// # Errors
/// For the first value that doesn't fit; the message names its `subject`.
pub(in crate::engine) fn convert(
    array: &ArrayRef,
    target: &CastTarget,
    lenient: bool,
    (subject, line): &(String, Option<u64>),
) -> Result<ArrayRef> {
    let Converted { array: converted, misfits } = kernel(array, target)?;
    let Some(row) = misfits.filter(|_| !lenient).and_then(|rows| rows.iter().position(|misfit| *misfit))
    else {
        return Ok(converted);
    };
    let mut text = match value_text(array, row)? {
        Some(text) => text,
        None => format!("{} since 1970-01-01", time::count(array, row)?),
    };
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain(['…']).collect();
    }
    let value = if types::is_text(array.data_type()) { format!("'{text}'") } else { text };
    let name = target.name();
    if subject.is_empty() {
        return exec_err!("can't cast {value} to {name}: use try_cast to get NULL for such values");
    }
    let line = line.map_or_else(String::new, |line| format!(" (line {line})"));
    exec_err!(
        "can't cast {value} in {subject}{line} to {name}: use try_cast to get NULL for such values; \
         `{subject} is not null and try_cast({subject} as {name}) is null` finds their rows"
    )
}

/// Casts values with the kernel for their types, with NULL for each value that doesn't fit.
pub(super) fn kernel(array: &ArrayRef, target: &CastTarget) -> Result<Converted> {
    use DataType as T;
    let (from, to) = (array.data_type(), &target.data_type);
    if from == &T::Null {
        return Ok(Converted { array: new_null_array(to, array.len()), misfits: None });
    }
    if let T::Dictionary(_, value) = from {
        return kernel(&compute::cast(array, value)?, target);
    }
    if types::is_text(from) {
        let texts = compute::cast(array, &T::Utf8)?;
        if to.is_nested() {
            return nested::parse(texts.as_string(), to);
        }
        return Ok(Converted::of(&texts, text::parse(&texts, target)?));
    }
    if from == to {
        return Ok(Converted { array: Arc::clone(array), misfits: None });
    }
    let number = |of: &DataType| types::is_number(of) || of == &T::Boolean;
    let converted = match (from, to) {
        (_, T::Utf8) => format::texts(array)?,
        (from, _) if from.is_floating() && target.rule == TypeRule::Huge => number::huge(array)?,
        (from, to) if number(from) && number(to) => number::convert(array, to)?,
        (T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::Struct(_) | T::Map(..), _) => {
            return nested::convert(array, to);
        }
        (T::Date32 | T::Date64 | T::Timestamp(..) | T::Time32(_) | T::Time64(_), _) => {
            time::convert(array, to)?
        }
        _ => arrow(array, to)?,
    };
    Ok(Converted::of(array, converted))
}

/// The maximum number of characters of an expression or a value in a message.
pub(super) const LONGEST: usize = 120;
