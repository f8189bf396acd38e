//! Conversion of totals to results.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array, PrimitiveArray},
        buffer::NullBuffer,
        compute::cast,
        datatypes::{DataType, Decimal128Type},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
};

use super::total_type::is_double;

/// Converts totals to results.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) average: bool,
    pub(super) of: DataType,
    pub(super) result: DataType,
}

/// The greatest magnitude of 38 digits.
pub(super) const LARGEST: i128 = 10_i128.pow(38) - 1;

impl Output {
    pub(super) fn overflow(&self) -> DataFusionError {
        let shown = crate::engine::cast::type_name::type_name(&self.of);
        let result = crate::engine::cast::type_name::type_name(&self.result);
        let hint = "cast the argument to double to sum without a limit";
        DataFusionError::Execution(format!(
            "overflow: the sum of {shown} values does not fit into {result}; {hint}"
        ))
    }

    pub(super) fn checked(&self, total: i128) -> Result<i128> {
        if (-LARGEST..=LARGEST).contains(&total) { Ok(total) } else { Err(self.overflow()) }
    }

    /// Returns the quotient as a double, rounded once.
    pub(super) fn double(&self, total: i128, count: i64) -> f64 {
        let scale = match self.of {
            DataType::Decimal128(_, scale) => u32::from(scale.unsigned_abs()),
            _ => 0,
        };
        // Compute as many digits of the quotient as fit, so that rounding happens only in the conversion to
        // double.
        let divisor = 10_i128.checked_pow(scale).and_then(|one| one.checked_mul(count.into()));
        if let Some(divisor) = divisor.filter(|divisor| *divisor > 0) {
            let (magnitude, divisor) = (total.unsigned_abs(), divisor.unsigned_abs());
            let shift = magnitude.leading_zeros().min(127);
            let dividend = magnitude << shift;
            let digits = (dividend / divisor) | u128::from(dividend % divisor != 0);
            #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
            let quotient = digits as f64 * 2_f64.powi(-shift.cast_signed());
            return if total < 0 { -quotient } else { quotient };
        }
        #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
        let quotient = total as f64 / (count as f64 * 10_f64.powi(scale.cast_signed()));
        quotient
    }

    /// Returns the quotient as a decimal, with as many digits as PostgreSQL gives it.
    fn quotient(&self, total: i128, count: i64) -> Result<i128> {
        use crate::engine::function::decimal::{average, scale};
        average(total, scale(&self.of), count.max(1), scale(&self.result)).ok_or_else(|| self.overflow())
    }

    /// Returns the quotient of timestamps, rounded to the nearest, halves towards 1970.
    pub(super) fn moment(&self, total: i128, count: i64) -> Result<i64> {
        let count = i128::from(count.max(1));
        let rest = total % count;
        let up = if rest.abs() * 2 > count { rest.signum() } else { 0 };
        i64::try_from(total / count + up).map_err(|_| self.overflow())
    }

    pub(super) fn one(&self, total: i128, count: i64) -> Result<ScalarValue> {
        if count == 0 {
            return ScalarValue::try_from(&self.result);
        }
        if !self.average {
            return ScalarValue::new_primitive::<Decimal128Type>(Some(self.checked(total)?), &self.result);
        }
        if is_double(&self.result) {
            return Ok(ScalarValue::Float64(Some(self.double(total, count))));
        }
        if let DataType::Decimal128(..) = self.result {
            let quotient = self.quotient(total, count)?;
            return ScalarValue::new_primitive::<Decimal128Type>(Some(quotient), &self.result);
        }
        ScalarValue::Int64(Some(self.moment(total, count)?)).cast_to(&self.result)
    }

    pub(super) fn many(
        &self,
        totals: Vec<i128>,
        counts: &[i64],
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef> {
        if !self.average {
            for total in &totals {
                self.checked(*total)?;
            }
            let sums = PrimitiveArray::<Decimal128Type>::new(totals.into(), nulls);
            return Ok(Arc::new(sums.with_data_type(self.result.clone())));
        }
        let pairs = totals.iter().zip(counts);
        if is_double(&self.result) {
            let averages: Vec<f64> = pairs.map(|(total, count)| self.double(*total, *count)).collect();
            return Ok(Arc::new(Float64Array::new(averages.into(), nulls)));
        }
        if let DataType::Decimal128(..) = self.result {
            let quotients: Vec<i128> =
                pairs.map(|(total, count)| self.quotient(*total, *count)).collect::<Result<_>>()?;
            let averages = PrimitiveArray::<Decimal128Type>::new(quotients.into(), nulls);
            return Ok(Arc::new(averages.with_data_type(self.result.clone())));
        }
        let moments: Vec<i64> =
            pairs.map(|(total, count)| self.moment(*total, *count)).collect::<Result<_>>()?;
        Ok(cast(&Int64Array::new(moments.into(), nulls), &self.result)?)
    }
}

/// Casts the argument to the type that is summed: an [`Int64Array`] or a [`Decimal128Array`].
pub(super) fn addends(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Int64 | DataType::Decimal128(..) => Arc::clone(column),
        _ => cast(column, &DataType::Int64)?,
    })
}

/// Returns the sum of the valid values, exact for fewer than 2^31 of them.
pub(super) fn total_of_integers(values: &Int64Array) -> i128 {
    // The high and low halves of the values are summed separately: no addition can overflow, and the compiler
    // vectorizes both.
    let (mut high, mut low) = (0_i64, 0_i64);
    let mut add = |values: &[i64]| {
        for value in values {
            high += value >> 32;
            low += value & 0xffff_ffff;
        }
    };
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => nulls.valid_slices().for_each(|(start, end)| add(&values.values()[start..end])),
        None => add(values.values()),
    }
    (i128::from(high) << 32) + i128::from(low)
}

pub(super) fn total_of_decimals(values: &Decimal128Array) -> Option<i128> {
    let add =
        |values: &[i128], total: i128| values.iter().try_fold(total, |sum, value| sum.checked_add(*value));
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => {
            nulls.valid_slices().try_fold(0, |total, (start, end)| add(&values.values()[start..end], total))
        }
        None => add(values.values(), 0),
    }
}
