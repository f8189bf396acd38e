//! Exact sums and averages of integers and decimals: an overflow is an error and never wraps.

mod output;
mod total;
mod total_type;
mod totals;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, TimeUnit},
    error::Result,
    functions_aggregate::{average::avg_udaf, sum::sum_udaf},
    logical_expr::{
        Accumulator, AggregateUDF, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use self::{
    output::Output,
    total::Total,
    total_type::{TOTAL, is_double},
    totals::{RowCounts, Totals},
};
use super::{
    description::{Aggregate, AggregateMethod, ArgumentTypes, Typed},
    running::{Floats, MovingFloats},
    types::{HUGEINT, micros},
};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "sum",
        aliases: &[],
        usage: "sum(arg)",
        doc: "Returns the sum of all non-NULL values; integers add up to HUGEINT, decimals to DECIMAL(38, s), and an \
              overflow is an error.",
        types: sum_types,
        method: &ExactSum { average: false },
    },
    Aggregate {
        name: "avg",
        aliases: &["mean"],
        usage: "avg(arg)",
        doc: "Returns the average of all non-NULL values: a DOUBLE for numbers, and a moment for dates and times.",
        types: average_types,
        method: &ExactSum { average: true },
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
        method: &ExactSum { average: false },
    },
];

fn sum_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
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

fn average_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
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
struct ExactSum {
    average: bool,
}

impl ExactSum {
    /// Returns DataFusion's own aggregate, used for doubles.
    fn native(&self) -> Arc<AggregateUDF> {
        if self.average { avg_udaf() } else { sum_udaf() }
    }

    fn output(&self, call: &AccumulatorArgs<'_>) -> Output {
        let of = call.expr_fields[0].data_type().clone();
        Output { average: self.average, of, result: call.return_field.data_type().clone() }
    }
}

impl AggregateMethod for ExactSum {
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

    fn may_sort_first(&self) -> bool {
        true
    }

    fn sorts_first(&self, arguments: &[FieldRef]) -> bool {
        is_double(arguments[0].data_type())
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
            counts: RowCounts::new(self.average),
        })))
    }
}
