//! Converted arrays, and the rows that didn't fit.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        buffer::NullBuffer,
        compute::{self, CastOptions},
        datatypes::DataType,
    },
    error::Result,
};

/// Cast values, with NULL for each value that doesn't fit.
pub(super) struct Converted {
    pub(super) array: ArrayRef,
    /// The rows in which something doesn't fit, which can be a part of a nested value; `None` if there are
    /// none.
    pub(super) misfits: Option<Vec<bool>>,
}

impl Converted {
    /// Marks the rows that became NULL as misfits.
    pub(super) fn of(before: &ArrayRef, after: ArrayRef) -> Self {
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

/// Runs Arrow's cast, with NULL for each value that doesn't fit.
pub(super) fn arrow(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    Ok(compute::cast_with_options(array, to, &options)?)
}
