//! Array casts: convert an array to another type.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, new_null_array},
        buffer::NullBuffer,
        compute::{self, CastOptions},
        datatypes::DataType,
    },
    common::exec_err,
    error::Result,
};

use super::{format, nested, number, text, time, value_text, written::LONGEST};
use crate::engine::dialect::types::{self, Rule, Target};

/// Casts the values of an array. If `lenient`, values that don't fit become NULL.
///
/// # Errors
/// For the first value that doesn't fit; the message names its `subject`.
pub(in crate::engine::dialect) fn convert(
    array: &ArrayRef,
    target: &Target,
    lenient: bool,
    (subject, line): &(String, Option<u64>),
) -> Result<ArrayRef> {
    let Converted { array: converted, misfits } = kernel(array, target)?;
    let Some(row) = misfits.filter(|_| !lenient).and_then(|rows| rows.iter().position(|misfit| *misfit))
    else {
        return Ok(converted);
    };
    let mut text = value_text(array, row)?.unwrap_or_default();
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

/// Cast values, with NULL for each value that doesn't fit.
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    /// The rows in which something doesn't fit, which can be a part of a nested value; `None` if there are
    /// none.
    pub(super) misfits: Option<Vec<bool>>,
}

impl Converted {
    /// Marks the rows that became NULL as misfits.
    fn of(before: &ArrayRef, after: ArrayRef) -> Self {
        if before.logical_null_count() == after.logical_null_count() {
            return Self { array: after, misfits: None };
        }
        let (was, is) = (before.logical_nulls(), after.logical_nulls());
        let is_null =
            |nulls: &Option<NullBuffer>, row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let misfits = (0..after.len()).map(|row| is_null(&is, row) && !is_null(&was, row)).collect();
        Self { array: after, misfits: Some(misfits) }
    }
}

/// Casts values with the kernel for their types, with NULL for each value that doesn't fit.
pub(super) fn kernel(array: &ArrayRef, target: &Target) -> Result<Converted> {
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
        (from, _) if from.is_floating() && target.rule == Rule::Huge => number::huge(array)?,
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

/// Runs Arrow's cast, with NULL for each value that doesn't fit.
pub(super) fn arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    Ok(compute::cast_with_options(array, to, &options)?)
}
