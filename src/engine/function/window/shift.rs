//! `lag`, `lead` and `nth_value` with an offset, default or position that varies by row: DataFusion's
//! versions require constants.

use std::ops::Range;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array},
        compute::{cast, kernels::zip::zip, take},
        datatypes::{DataType, Int64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::PartitionEvaluator,
};

/// `lag` and `lead` over one partition.
#[derive(Debug)]
pub(super) struct Shift {
    /// True for `lead`, which looks ahead.
    pub(super) ahead: bool,
    pub(super) ignore_nulls: bool,
}

impl Shift {
    /// Returns the row `offset` rows away, if there is one.
    fn away(&self, values: &ArrayRef, row: usize, offset: i64) -> Option<usize> {
        let step = if self.ahead == (offset >= 0) { 1 } else { -1 };
        if !self.ignore_nulls {
            let distance = isize::try_from(offset.unsigned_abs()).ok()?;
            let at = row.checked_add_signed(step * distance)?;
            return (at < values.len()).then_some(at);
        }
        let (mut at, mut left) = (row, offset.unsigned_abs());
        while left > 0 {
            at = at.checked_add_signed(step).filter(|at| *at < values.len())?;
            left -= u64::from(values.is_valid(at));
        }
        Some(at)
    }
}

impl PartitionEvaluator for Shift {
    fn evaluate_all(&mut self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let values = &arguments[0];
        let offsets = arguments.get(1).map(|offsets| cast(offsets, &DataType::Int64)).transpose()?;
        let offset = |row| match &offsets {
            Some(offsets) => offsets.is_valid(row).then(|| offsets.as_primitive::<Int64Type>().value(row)),
            None => Some(1),
        };
        let mut found = Vec::with_capacity(rows);
        let mut missing = Vec::with_capacity(rows);
        for row in 0..rows {
            let offset = offset(row);
            let at = offset.and_then(|offset| self.away(values, row, offset));
            found.push(at.map(|at| u32::try_from(at).unwrap_or(u32::MAX)));
            missing.push(offset.is_some() && at.is_none());
        }
        let shifted = take(values, &UInt32Array::from(found), None)?;
        match arguments.get(2) {
            Some(default) => {
                Ok(zip(&BooleanArray::from(missing), &cast(default, values.data_type())?, &shifted)?)
            }
            None => Ok(shifted),
        }
    }

    fn supports_bounded_execution(&self) -> bool {
        false
    }
}

/// `nth_value` over one partition. Rows must be requested in order.
#[derive(Debug, Default)]
pub(super) struct Nth {
    pub(super) ignore_nulls: bool,
    row: usize,
}

impl Nth {
    pub(super) fn new(ignore_nulls: bool) -> Self {
        Self { ignore_nulls, row: 0 }
    }
}

impl PartitionEvaluator for Nth {
    fn evaluate(&mut self, arguments: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        let values = &arguments[0];
        let positions = cast(&arguments[1], &DataType::Int64)?;
        let row = self.row;
        self.row += 1;
        let none = ScalarValue::try_from(values.data_type());
        if !positions.is_valid(row) {
            return none;
        }
        let Ok(position) = usize::try_from(positions.as_primitive::<Int64Type>().value(row)) else {
            return none;
        };
        let mut rows = range.clone().filter(|at| !self.ignore_nulls || values.is_valid(*at));
        match position.checked_sub(1).and_then(|position| rows.nth(position)) {
            Some(at) => ScalarValue::try_from_array(values, at),
            None => none,
        }
    }

    fn uses_window_frame(&self) -> bool {
        true
    }

    fn supports_bounded_execution(&self) -> bool {
        false
    }
}
