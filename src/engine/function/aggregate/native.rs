//! Aggregates that DataFusion computes exactly as DuckDB does, restricted to the types that DuckDB accepts.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::ScalarValue,
    error::Result,
    functions_aggregate::{
        bit_and_or_xor::{bit_and_udaf, bit_or_udaf, bit_xor_udaf},
        bool_and_or::{bool_and_udaf, bool_or_udaf},
        count::count_udaf,
        min_max::{max_udaf, min_udaf},
    },
    logical_expr::{
        Accumulator, AggregateUDF, Expr, GroupsAccumulator,
        expr::AggregateFunction,
        function::{AccumulatorArgs, StateFieldsArgs},
        simplify::SimplifyContext,
    },
};

use super::{
    description::{Aggregate, AggregateMethod, ArgumentTypes, Rewrite, Typed},
    pick::{extreme, positive},
    rows::{RowAggregate, VALUES},
    running::RunningAggregate,
};

pub(super) const ALL: &[Aggregate] = &[
    Aggregate {
        name: "count_star",
        aliases: &[],
        usage: "count_star()",
        doc: "Returns the number of rows, as `count(*)` does.",
        types: |given| {
            given.expect(0..=0)?;
            Typed::new([], DataType::Int64)
        },
        method: &Native {
            native: count_udaf,
            rewrite: |mut call, _| {
                call.params.args.push(Expr::Literal(ScalarValue::Int64(Some(1)), None));
                replaced(call, count_udaf)
            },
        },
    },
    Aggregate {
        name: "max",
        aliases: &[],
        usage: "max(arg[, n])",
        doc: "Returns the greatest value, or a list of the `n` greatest; NaN is greater than all numbers.",
        types: extreme_types,
        method: &Extreme {
            native: max_udaf,
            rewrite: |call, info| unless_float(call, info, max_udaf),
            floats: RunningAggregate {
                start: &[0.0, f64::NEG_INFINITY],
                add: |s, row| greatest(s, row[0]),
                merge: |s, other| {
                    if other[0] > 0.0 {
                        greatest(s, other[1]);
                    }
                },
                finish: found,
            },
            many: RowAggregate {
                check: positive,
                finish: |columns, settings| extreme(columns, settings, true),
                ..VALUES
            },
        },
    },
    Aggregate {
        name: "min",
        aliases: &[],
        usage: "min(arg[, n])",
        doc: "Returns the least value, or a list of the `n` least.",
        types: extreme_types,
        method: &Extreme {
            native: min_udaf,
            rewrite: |call, info| unless_float(call, info, min_udaf),
            floats: RunningAggregate {
                start: &[0.0, f64::NAN],
                add: |s, row| least(s, row[0]),
                merge: |s, other| {
                    if other[0] > 0.0 {
                        least(s, other[1]);
                    }
                },
                finish: found,
            },
            many: RowAggregate {
                check: positive,
                finish: |columns, settings| extreme(columns, settings, false),
                ..VALUES
            },
        },
    },
    Aggregate {
        name: "bool_and",
        aliases: &[],
        usage: "bool_and(arg)",
        doc: "Returns whether a condition is true in all rows in which it is not NULL.",
        types: boolean,
        method: &Native { native: bool_and_udaf, rewrite: |call, _| replaced(call, bool_and_udaf) },
    },
    Aggregate {
        name: "bool_or",
        aliases: &[],
        usage: "bool_or(arg)",
        doc: "Returns whether a condition is true in a row.",
        types: boolean,
        method: &Native { native: bool_or_udaf, rewrite: |call, _| replaced(call, bool_or_udaf) },
    },
    Aggregate {
        name: "bit_and",
        aliases: &[],
        usage: "bit_and(arg)",
        doc: "Returns the bits that all values have.",
        types: bits,
        method: &Native { native: bit_and_udaf, rewrite: |call, _| replaced(call, bit_and_udaf) },
    },
    Aggregate {
        name: "bit_or",
        aliases: &[],
        usage: "bit_or(arg)",
        doc: "Returns the bits that any value has.",
        types: bits,
        method: &Native { native: bit_or_udaf, rewrite: |call, _| replaced(call, bit_or_udaf) },
    },
    Aggregate {
        name: "bit_xor",
        aliases: &[],
        usage: "bit_xor(arg)",
        doc: "Returns the bits that an odd number of values have.",
        types: bits,
        method: &Native { native: bit_xor_udaf, rewrite: |call, _| replaced(call, bit_xor_udaf) },
    },
];

fn boolean(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(1..=1)? {
        [DataType::Boolean | DataType::Null] => Typed::new([DataType::Boolean], DataType::Boolean),
        _ => given.refuse(),
    }
}

fn bits(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(1..=1)? {
        [DataType::Null] => Typed::new([DataType::Int64], DataType::Int64),
        [of] if of.is_integer() => Typed::new([of.clone()], of.clone()),
        _ => given.refuse(),
    }
}

fn extreme_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.expect(1..=2)? {
        [DataType::Null] => Typed::new([DataType::Int32], DataType::Int32),
        [of] => Typed::new([of.clone()], of.clone()),
        [of, n] if n.is_integer() || n.is_null() => Typed::new(
            [of.clone(), DataType::Int64],
            DataType::List(Arc::new(Field::new_list_field(of.clone(), true))),
        ),
        _ => given.refuse(),
    }
}

/// Updates `s`, which holds the number of values and the greatest one.
fn greatest(s: &mut [f64], value: f64) {
    s[0] += 1.0;
    if value.is_nan() || value > s[1] {
        s[1] = value;
    }
}

/// Updates `s`, which holds the number of values and the least one.
fn least(s: &mut [f64], value: f64) {
    s[0] += 1.0;
    if s[1].is_nan() || value < s[1] {
        s[1] = value;
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of all such functions")]
fn found(s: &[f64]) -> Result<Option<f64>> {
    Ok((s[0] > 0.0).then_some(s[1]))
}

/// Rewrites the call to DataFusion's own function, which its optimizer recognizes.
#[expect(clippy::unnecessary_wraps, reason = "all functions of this kind have one type")]
fn replaced(call: AggregateFunction, native: fn() -> Arc<AggregateUDF>) -> Result<Expr> {
    let mut params = call.params;
    // Order doesn't change the result, and DataFusion can't plan it here.
    params.order_by.clear();
    Ok(Expr::AggregateFunction(AggregateFunction { func: native(), params }))
}

/// Like [`replaced`], but only for a single argument whose type isn't a float.
fn unless_float(
    call: AggregateFunction,
    info: &SimplifyContext,
    native: fn() -> Arc<AggregateUDF>,
) -> Result<Expr> {
    match call.params.args.as_slice() {
        [one] => match info.get_data_type(one)? {
            of if of.is_floating() || is_ordered_otherwise(&of) => Ok(Expr::AggregateFunction(call)),
            _ => replaced(call, native),
        },
        _ => Ok(Expr::AggregateFunction(call)),
    }
}

/// Returns whether DataFusion orders values of this type differently from DuckDB. It compares months before
/// days, so that 1 month is greater than 31 days, and sorts NULL first within structs and lists.
fn is_ordered_otherwise(of: &DataType) -> bool {
    matches!(of, DataType::Interval(_)) || of.is_nested()
}

/// An aggregate computed by DataFusion's own function.
#[derive(Debug)]
struct Native {
    native: fn() -> Arc<AggregateUDF>,
    rewrite: Rewrite,
}

impl AggregateMethod for Native {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        native_state(self.native, call)
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        (self.native)().accumulator(call)
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        native_groups(self.native, call)
    }

    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        self.retracts().then(|| native_moving(self.native, call)).flatten()
    }

    fn retracts(&self) -> bool {
        // DataFusion would return 0 for a frame that has become empty.
        (self.native)().name() != "bit_xor"
    }

    fn rewrite(&self) -> Option<Rewrite> {
        Some(self.rewrite)
    }
}

fn native_state(native: fn() -> Arc<AggregateUDF>, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
    native().state_fields(StateFieldsArgs {
        name: call.name,
        input_fields: call.input_fields,
        return_field: Arc::clone(&call.return_field),
        ordering_fields: call.ordering_fields,
        is_distinct: call.is_distinct,
    })
}

fn native_groups(
    native: fn() -> Arc<AggregateUDF>,
    call: AccumulatorArgs<'_>,
) -> Result<Option<Box<dyn GroupsAccumulator>>> {
    let native = native();
    if native.groups_accumulator_supported(call.clone()) {
        return native.create_groups_accumulator(call).map(Some);
    }
    Ok(None)
}

fn native_moving(
    native: fn() -> Arc<AggregateUDF>,
    call: &AccumulatorArgs<'_>,
) -> Option<Box<dyn Accumulator>> {
    native().create_sliding_accumulator(call.clone()).ok().filter(|one| one.supports_retract_batch())
}

/// `min` and `max`. DataFusion computes them for one argument, except for floats: its result depends on row
/// order if a value is NaN, and file statistics leave NaN out.
#[derive(Debug)]
struct Extreme {
    native: fn() -> Arc<AggregateUDF>,
    rewrite: Rewrite,
    floats: RunningAggregate,
    many: RowAggregate,
}

impl Extreme {
    /// Returns our method for the call's types, or `None` to use DataFusion's.
    fn own(&self, arguments: &[FieldRef]) -> Option<&dyn AggregateMethod> {
        match arguments {
            [_, _, ..] => Some(&self.many),
            [one] if is_ordered_otherwise(one.data_type()) => Some(&self.many),
            [one] if one.data_type().is_floating() => Some(&self.floats),
            _ => None,
        }
    }
}

impl AggregateMethod for Extreme {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        match self.own(call.input_fields) {
            Some(own) => own.state(call),
            None => native_state(self.native, call),
        }
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.own(call.expr_fields) {
            Some(own) => own.accumulator(call),
            None => (self.native)().accumulator(call),
        }
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        match self.own(call.expr_fields) {
            Some(own) => own.groups(call),
            None => native_groups(self.native, call),
        }
    }

    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        match self.own(call.expr_fields) {
            Some(own) => own.moving(call),
            None => native_moving(self.native, call),
        }
    }

    fn rewrite(&self) -> Option<Rewrite> {
        Some(self.rewrite)
    }

    fn own_distinct(&self) -> bool {
        // Duplicates don't change an extreme; lists of extremes are deduplicated by row.
        true
    }
}
