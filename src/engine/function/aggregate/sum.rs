//! Sums and averages that are exact for integers and decimals: an overflow is an error and never wraps.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, PrimitiveArray,
        },
        buffer::NullBuffer,
        compute::cast,
        datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Field, FieldRef, Int64Type, TimeUnit},
    },
    common::ScalarValue,
    error::{DataFusionError, Result},
    functions_aggregate::{average::avg_udaf, sum::sum_udaf},
    logical_expr::{
        Accumulator, AggregateUDF, EmitTo, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use super::types::{HUGEINT, micros};
use super::{
    Aggregate, Given, Method, Typed,
    running::{Floats, MovingFloats},
};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "sum",
        aliases: &[],
        usage: "sum(arg)",
        doc: "Returns the sum of all non-NULL values; integers add up to HUGEINT, decimals to DECIMAL(38, s), and an \
              overflow is an error.",
        types: sum_types,
        method: &Exact { average: false },
    },
    Aggregate {
        name: "avg",
        aliases: &["mean"],
        usage: "avg(arg)",
        doc: "Returns the average of all non-NULL values: a DOUBLE for numbers, and a moment for dates and times.",
        types: average_types,
        method: &Exact { average: true },
    },
    Aggregate {
        name: "count_if",
        aliases: &["countif"],
        usage: "count_if(arg)",
        doc: "Returns the number of rows in which a condition is true.",
        types: |given| match given.expect(1..=1)? {
            [DataType::Boolean | DataType::Null] => Typed::new([DataType::Boolean], HUGEINT),
            _ => given.refuse(),
        },
        method: &Exact { average: false },
    },
];

fn sum_types(given: &Given<'_>) -> Result<Typed> {
    let [of] = given.expect(1..=1)? else { return given.refuse() };
    match of {
        DataType::UInt64 => Typed::new([HUGEINT], HUGEINT),
        DataType::Boolean | DataType::Null => Typed::new([DataType::Int64], HUGEINT),
        of if of.is_integer() => Typed::new([DataType::Int64], HUGEINT),
        of if of.is_floating() => Typed::new([DataType::Float64], DataType::Float64),
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) => {
            Typed::new([DataType::Decimal128(38, *scale)], DataType::Decimal128(38, *scale))
        }
        DataType::Decimal128(_, scale) => Typed::new([of.clone()], DataType::Decimal128(38, *scale)),
        _ => given.refuse(),
    }
}

fn average_types(given: &Given<'_>) -> Result<Typed> {
    let [of] = given.expect(1..=1)? else { return given.refuse() };
    let time = DataType::Time64(TimeUnit::Microsecond);
    match of {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Typed::new([micros(of)], micros(of)),
        DataType::Time32(_) | DataType::Time64(_) => Typed::new([time.clone()], time),
        DataType::Boolean => given.refuse(),
        _ => {
            let sum = sum_types(given)?;
            Typed::new(sum.arguments, DataType::Float64)
        }
    }
}

/// Sums in 128 bits.
#[derive(Debug)]
struct Exact {
    average: bool,
}

/// The type of an exact sum's partial result, whatever its scale.
const TOTAL: DataType = HUGEINT;

impl Exact {
    /// DataFusion's own, for doubles.
    fn native(&self) -> Arc<AggregateUDF> {
        if self.average { avg_udaf() } else { sum_udaf() }
    }

    fn output(&self, call: &AccumulatorArgs<'_>) -> Output {
        let of = call.expr_fields[0].data_type().clone();
        Output { average: self.average, of, result: call.return_field.data_type().clone() }
    }
}

fn is_double(of: &DataType) -> bool {
    *of == DataType::Float64
}

impl Method for Exact {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let mut fields = if is_double(call.input_fields[0].data_type()) {
            vec![Field::new(format!("{}[sum]", call.name), DataType::Float64, true)]
        } else {
            vec![Field::new(format!("{}[sum]", call.name), TOTAL, true)]
        };
        if self.average {
            let kind =
                if is_double(call.input_fields[0].data_type()) { DataType::UInt64 } else { DataType::Int64 };
            fields.insert(0, Field::new(format!("{}[count]", call.name), kind, true));
        }
        Ok(fields.into_iter().map(Arc::new).collect())
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_double(call.expr_fields[0].data_type()) {
            return Ok(Box::new(Floats::new(self.average)));
        }
        Ok(Box::new(Total { output: self.output(&call), sum: 0, count: 0 }))
    }

    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        is_double(call.expr_fields[0].data_type()).then(|| Box::new(MovingFloats::new(self.average)) as _)
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        if is_double(call.expr_fields[0].data_type()) {
            return self.native().create_groups_accumulator(call).map(Some);
        }
        Ok(Some(Box::new(Totals {
            output: self.output(&call),
            sums: Vec::new(),
            counts: Counts::new(self.average),
        })))
    }
}

/// How totals become results.
#[derive(Debug)]
struct Output {
    average: bool,
    of: DataType,
    result: DataType,
}

/// The greatest magnitude of 38 digits.
const LARGEST: i128 = 10_i128.pow(38) - 1;

impl Output {
    fn overflow(&self) -> DataFusionError {
        let shown = crate::engine::function::kind::type_name(&self.of);
        let result = crate::engine::function::kind::type_name(&self.result);
        let hint = "cast the argument to double to sum without a limit";
        DataFusionError::Execution(format!(
            "overflow: the sum of {shown} values does not fit into {result}; {hint}"
        ))
    }

    fn checked(&self, total: i128) -> Result<i128> {
        if (-LARGEST..=LARGEST).contains(&total) { Ok(total) } else { Err(self.overflow()) }
    }

    /// The quotient as a double, rounded once.
    fn double(&self, total: i128, count: i64) -> f64 {
        let scale = match self.of {
            DataType::Decimal128(_, scale) => 10_f64.powi(i32::from(scale)),
            _ => 1.0,
        };
        #[expect(clippy::cast_precision_loss, reason = "an average is a double")]
        let quotient = total as f64 / (count as f64 * scale);
        quotient
    }

    /// The quotient as a decimal, with the digits that PostgreSQL gives it.
    fn quotient(&self, total: i128, count: i64) -> Result<i128> {
        use crate::engine::function::postgres::{average, kind::scale};
        average(total, scale(&self.of), count.max(1), scale(&self.result)).ok_or_else(|| self.overflow())
    }

    /// The quotient of moments, rounded to the nearest, halves towards 1970.
    fn moment(&self, total: i128, count: i64) -> Result<i64> {
        let count = i128::from(count.max(1));
        let rest = total % count;
        let up = if rest.abs() * 2 > count { rest.signum() } else { 0 };
        i64::try_from(total / count + up).map_err(|_| self.overflow())
    }

    fn one(&self, total: i128, count: i64) -> Result<ScalarValue> {
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

    fn many(&self, totals: Vec<i128>, counts: &[i64], nulls: Option<NullBuffer>) -> Result<ArrayRef> {
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

/// The argument as what is added up: an [`Int64Array`] or a [`Decimal128Array`].
fn addends(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Int64 | DataType::Decimal128(..) => Arc::clone(column),
        _ => cast(column, &DataType::Int64)?,
    })
}

/// The sum of the valid values, exact as long as there are fewer than 2^31.
fn total_of_integers(values: &Int64Array) -> i128 {
    // The halves of each value are summed apart: no addition can overflow, and the compiler vectorises both.
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

fn total_of_decimals(values: &Decimal128Array) -> Option<i128> {
    let add =
        |values: &[i128], total: i128| values.iter().try_fold(total, |sum, value| sum.checked_add(*value));
    match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => {
            nulls.valid_slices().try_fold(0, |total, (start, end)| add(&values.values()[start..end], total))
        }
        None => add(values.values(), 0),
    }
}

/// The sum of one group.
#[derive(Debug)]
struct Total {
    output: Output,
    sum: i128,
    count: i64,
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

/// How many values each group has, or for sums only which have one.
#[derive(Debug)]
enum Counts {
    Each(Vec<i64>),
    /// Every group has one: no row was NULL or filtered yet.
    All,
    Seen(Vec<bool>),
}

impl Counts {
    fn new(average: bool) -> Self {
        if average { Self::Each(Vec::new()) } else { Self::All }
    }

    /// Makes room for `groups`, of which `before` are old; `partial` if some rows have no value.
    fn grow(&mut self, before: usize, groups: usize, partial: bool) {
        match self {
            Self::Each(counts) => counts.resize(groups, 0),
            Self::All if partial => {
                let mut seen = vec![true; before];
                seen.resize(groups, false);
                *self = Self::Seen(seen);
            }
            Self::All => {}
            Self::Seen(seen) => seen.resize(groups, false),
        }
    }

    /// The counts of the groups to emit, and which groups have no value.
    fn emit(&mut self, emit_to: EmitTo) -> (Vec<i64>, Option<NullBuffer>) {
        match self {
            Self::Each(counts) => {
                let counts = emit_to.take_needed(counts);
                let nulls = counts.iter().map(|count| *count > 0).collect();
                (counts, Some(nulls))
            }
            Self::All => (Vec::new(), None),
            Self::Seen(seen) => (Vec::new(), Some(emit_to.take_needed(seen).into())),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Each(counts) => counts.capacity() * size_of::<i64>(),
            Self::All => 0,
            Self::Seen(seen) => seen.capacity(),
        }
    }
}

/// The sums of many groups.
#[derive(Debug)]
struct Totals {
    output: Output,
    sums: Vec<i128>,
    counts: Counts,
}

impl Totals {
    fn add<T: ArrowPrimitiveType<Native: Into<i128>>>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let before = self.sums.len();
        let partial = filter.is_some() || values.null_count() > 0;
        self.sums.resize(total, 0);
        self.counts.grow(before, total, partial);
        let mut fits = true;
        let Self { sums, counts, .. } = self;
        let mut add = |group: usize, value: T::Native| {
            let (sum, overflows) = sums[group].overflowing_add(value.into());
            sums[group] = sum;
            fits &= !overflows;
            match counts {
                Counts::Each(counts) => counts[group] += 1,
                Counts::All => {}
                Counts::Seen(seen) => seen[group] = true,
            }
        };
        if partial {
            let passes = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            for (row, group) in groups.iter().enumerate() {
                if values.is_valid(row) && passes(row) {
                    add(*group, values.value(row));
                }
            }
        } else {
            groups.iter().zip(values.values()).for_each(|(group, value)| add(*group, *value));
        }
        if fits { Ok(()) } else { Err(self.output.overflow()) }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<i128>, Vec<i64>, Option<NullBuffer>) {
        let totals = emit_to.take_needed(&mut self.sums);
        let (counts, nulls) = self.counts.emit(emit_to);
        (totals, counts, nulls)
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let values = addends(&values[0])?;
        match values.as_primitive_opt::<Int64Type>() {
            Some(integers) => self.add(integers, group_indices, filter, total_num_groups),
            None => {
                self.add(values.as_primitive::<Decimal128Type>(), group_indices, filter, total_num_groups)
            }
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (totals, counts, nulls) = self.take(emit_to);
        self.output.many(totals, &counts, nulls)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (totals, counts, nulls) = self.take(emit_to);
        let totals: ArrayRef = Arc::new(Decimal128Array::new(totals.into(), nulls).with_data_type(TOTAL));
        Ok(if self.output.average { vec![Arc::new(Int64Array::from(counts)), totals] } else { vec![totals] })
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let totals = values[values.len() - 1].as_primitive::<Decimal128Type>();
        self.add(totals, group_indices, None, total_num_groups)?;
        if let Counts::Each(counts) = &mut self.counts {
            // Each partial total was counted as one value.
            let partial = values[0].as_primitive::<Int64Type>();
            for (row, group) in group_indices.iter().enumerate() {
                counts[*group] += partial.value(row) - i64::from(totals.is_valid(row));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = addends(&values[0])?;
        let chosen = filter.map(|filter| {
            NullBuffer::new(match filter.nulls() {
                Some(nulls) => filter.values() & nulls.inner(),
                None => filter.values().clone(),
            })
        });
        let nulls = NullBuffer::union(values.nulls(), chosen.as_ref());
        let totals = match values.as_primitive_opt::<Int64Type>() {
            Some(integers) => integers.values().iter().map(|value| i128::from(*value)).collect(),
            None => values.as_primitive::<Decimal128Type>().values().clone(),
        };
        let counts: Vec<i64> = match &nulls {
            Some(nulls) if self.output.average => nulls.iter().map(i64::from).collect(),
            None if self.output.average => vec![1; values.len()],
            _ => Vec::new(),
        };
        let totals: ArrayRef = Arc::new(Decimal128Array::new(totals, nulls).with_data_type(TOTAL));
        Ok(if self.output.average { vec![Arc::new(Int64Array::from(counts)), totals] } else { vec![totals] })
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<i128>() + self.counts.size()
    }
}
