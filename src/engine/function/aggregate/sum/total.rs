//! Accumulator for the sum of one group.

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray},
        datatypes::{Decimal128Type, Int64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::Accumulator,
};

use super::{
    output::{Output, addends, total_of_decimals, total_of_integers},
    total_type::TOTAL,
};

/// The sum of one group.
#[derive(Debug)]
pub(super) struct Total {
    pub(super) output: Output,
    pub(super) sum: i128,
    pub(super) count: i64,
}

impl Total {
    fn of(&self, column: &ArrayRef) -> Result<(i128, i64)> {
        let column = addends(column)?;
        let total = match column.as_primitive_opt::<Int64Type>() {
            Some(integers) => Some(total_of_integers(integers)),
            None => total_of_decimals(column.as_primitive::<Decimal128Type>()),
        };
        let count = i64::try_from(column.len() - column.null_count()).unwrap_or(i64::MAX);
        Ok((total.ok_or_else(|| self.output.overflow())?, count))
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (total, count) = self.of(&values[0])?;
        self.sum = self.sum.checked_add(total).ok_or_else(|| self.output.overflow())?;
        self.count += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (total, count) = self.of(&values[0])?;
        self.sum = self.sum.checked_sub(total).ok_or_else(|| self.output.overflow())?;
        self.count -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.output.one(self.sum, self.count)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let total = (self.count > 0).then_some(self.sum);
        let total = ScalarValue::new_primitive::<Decimal128Type>(total, &TOTAL)?;
        Ok(if self.output.average { vec![ScalarValue::Int64(Some(self.count)), total] } else { vec![total] })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (totals, counted) = self.of(&states[states.len() - 1])?;
        self.sum = self.sum.checked_add(totals).ok_or_else(|| self.output.overflow())?;
        self.count += if self.output.average {
            datafusion::arrow::compute::sum(states[0].as_primitive::<Int64Type>()).unwrap_or(0)
        } else {
            counted
        };
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}
