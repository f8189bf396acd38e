//! Aggregates of dialect `postgresql`: DuckDB's methods with PostgreSQL's names and types.

use std::sync::{Arc, LazyLock};

use datafusion::{
    arrow::{
        array::{ArrayRef, BooleanArray},
        compute::{CastOptions, cast_with_options},
        datatypes::{DataType, FieldRef},
    },
    common::{ScalarValue, plan_err},
    error::{DataFusionError, Result},
    execution::SessionStateBuilder,
    logical_expr::{
        Accumulator, AggregateUDF, EmitTo, GroupsAccumulator,
        function::{AccumulatorArgs, StateFieldsArgs},
    },
};

use crate::engine::function::{
    aggregate::{
        call,
        description::{Aggregate, AggregateMethod, ArgumentTypes, Typed},
    },
    decimal::{OPEN_SCALE, scale},
    postgres::kind::{self, PostgresKind, array_of, as_numeric, numeric, timestamptz, type_name},
};

/// Replaces DataFusion's aggregates with PostgreSQL's.
pub(in crate::engine::function) fn install(builder: &mut SessionStateBuilder) {
    let memory = crate::engine::function::aggregate::memory(builder);
    let functions = builder.aggregate_functions().get_or_insert_default();
    functions.retain(|udaf| ["count", "grouping"].contains(&udaf.name()));
    // DISTINCT ON is planned as this aggregate; SQL can't call it.
    functions.push(datafusion::functions_aggregate::first_last::first_value_udaf());
    let limited = |one| call::AggregateCall::new(one).within(memory);
    functions.extend(ALL.iter().map(|one| Arc::new(AggregateUDF::new_from_impl(limited(one)))));
}

/// Returns the names of all aggregates except `count`.
pub(in crate::engine::function) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().flat_map(|one| one.aliases.iter().copied().chain([one.name]))
}

type AggregateTypes = fn(&ArgumentTypes<'_>) -> Result<Typed>;

static ALL: LazyLock<Vec<Aggregate>> = LazyLock::new(|| {
    let like = |name: &'static str, aliases: &'static [&'static str], model: &str, types: AggregateTypes| {
        let found = crate::engine::function::aggregate::all().find(|one| one.name == model)?;
        Some(Aggregate { name, aliases, usage: "", doc: "", types, method: found.method })
    };
    let sum = crate::engine::function::aggregate::all().find(|one| one.name == "sum").map(|one| one.method);
    let sum: Option<&'static dyn AggregateMethod> = sum.map(|inner| {
        let method: &'static dyn AggregateMethod = Box::leak(Box::new(NarrowedMethod(inner)));
        method
    });
    let mut found = vec![
        sum.map(|method| Aggregate {
            name: "sum",
            aliases: &[],
            usage: "",
            doc: "",
            types: sum_types,
            method,
        }),
        like("avg", &[], "avg", average_types),
        like("min", &[], "min", extreme_types),
        like("max", &[], "max", extreme_types),
        like("bool_and", &["every"], "bool_and", boolean),
        like("bool_or", &[], "bool_or", boolean),
        like("bit_and", &[], "bit_and", bits),
        like("bit_or", &[], "bit_or", bits),
        like("bit_xor", &[], "bit_xor", bits),
        like("string_agg", &[], "string_agg", texts),
        like("array_agg", &[], "array_agg", items),
        like("percentile_cont", &[], "percentile_cont", continuous),
        like("percentile_disc", &[], "percentile_disc", discrete),
        like("variance", &["var_samp"], "var_samp", one_double),
        like("var_pop", &[], "var_pop", one_double),
        like("stddev", &["stddev_samp"], "stddev_samp", one_double),
        like("stddev_pop", &[], "stddev_pop", one_double),
    ];
    for name in [
        "corr",
        "covar_pop",
        "covar_samp",
        "regr_avgx",
        "regr_avgy",
        "regr_intercept",
        "regr_r2",
        "regr_slope",
        "regr_sxx",
        "regr_sxy",
        "regr_syy",
    ] {
        found.push(like(name, &[], name, two_doubles));
    }
    found.into_iter().flatten().collect()
});

fn refuse<T>(given: &ArgumentTypes<'_>, help: &str) -> Result<T> {
    let types: Vec<String> = given.types.iter().map(type_name).collect();
    plan_err!("there is no `{}({})` with `dialect: postgresql`: {help}", given.name, types.join(", "))
}

fn sum_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    let [of] = given.types else { return refuse(given, "it takes one value") };
    match of {
        // Keep these types unchanged: a view's plan is type-checked again wherever the view is read.
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Typed::new([of.clone()], DataType::Int64),
        DataType::Int64 => Typed::new([as_numeric(of, None)], numeric(0)),
        DataType::Decimal128(..) => Typed::new([of.clone()], numeric(scale(of))),
        DataType::Float64 => Typed::new([DataType::Float64], DataType::Float64),
        DataType::Float32 => refuse(given, "cast the argument to double precision"),
        _ => refuse(given, "cast the argument to a number"),
    }
}

fn average_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    let [of] = given.types else { return refuse(given, "it takes one value") };
    match of {
        of if of.is_integer() => Typed::new([DataType::Int64], numeric(OPEN_SCALE)),
        DataType::Decimal128(..) => Typed::new([of.clone()], numeric(scale(of).max(OPEN_SCALE))),
        DataType::Float32 | DataType::Float64 => Typed::new([DataType::Float64], DataType::Float64),
        _ => refuse(given, "cast the argument to a number"),
    }
}

fn extreme_types(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [DataType::Int8] => Typed::new([DataType::Int16], DataType::Int16),
        [of] if matches!(PostgresKind::of(of), Some(kind) if !matches!(kind, PostgresKind::Boolean | PostgresKind::Bytea | PostgresKind::AnyArray | PostgresKind::TextArray)) => {
            Typed::new([of.clone()], of.clone())
        }
        [DataType::Boolean] => refuse(given, "use bool_and or bool_or"),
        [DataType::Null] => Typed::new([DataType::Utf8], DataType::Utf8),
        _ => refuse(given, "it takes one number, text, date or timestamp"),
    }
}

fn boolean(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [DataType::Boolean | DataType::Null] => Typed::new([DataType::Boolean], DataType::Boolean),
        _ => refuse(given, "it takes a condition"),
    }
}

fn bits(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [of @ (DataType::Int16 | DataType::Int32 | DataType::Int64)] => Typed::new([of.clone()], of.clone()),
        _ => refuse(given, "it takes a whole number"),
    }
}

fn texts(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [DataType::Utf8 | DataType::Null, DataType::Utf8] => {
            Typed::new([DataType::Utf8, DataType::Utf8], DataType::Utf8)
        }
        _ => refuse(given, "it takes a text and a separator: cast the value to text"),
    }
}

fn items(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [DataType::Null] => Typed::new([DataType::Utf8], array_of(DataType::Utf8)),
        [of] if !of.is_nested() => Typed::new([of.clone()], array_of(of.clone())),
        _ => refuse(given, "it takes one value that is no array"),
    }
}

fn is_number(of: &DataType) -> bool {
    of.is_numeric() || of == &DataType::Null
}

fn continuous(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [of, at] if is_number(of) && is_number(at) => {
            Typed::new([DataType::Float64, DataType::Float64], DataType::Float64)
        }
        _ => refuse(given, "it takes a fraction, and orders by numbers"),
    }
}

fn discrete(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [of, at]
            if is_number(at)
                && (of.is_numeric()
                    || matches!(of, DataType::Utf8 | DataType::Date32)
                    || *of == kind::TIMESTAMP
                    || *of == timestamptz()) =>
        {
            Typed::new([of.clone(), DataType::Float64], of.clone())
        }
        _ => refuse(given, "it takes a fraction, and orders by numbers, texts or dates"),
    }
}

fn one_double(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [DataType::Float32 | DataType::Float64] => Typed::new([DataType::Float64], DataType::Float64),
        _ => {
            refuse(given, "PostgreSQL picks the digits of the result; cast the argument to double precision")
        }
    }
}

fn two_doubles(given: &ArgumentTypes<'_>) -> Result<Typed> {
    match given.types {
        [a, b] if is_number(a) && is_number(b) => {
            Typed::new([DataType::Float64, DataType::Float64], DataType::Float64)
        }
        _ => refuse(given, "it takes two numbers"),
    }
}

/// Sums of small integers, whose result is BIGINT.
#[derive(Debug)]
struct NarrowedMethod(&'static dyn AggregateMethod);

impl NarrowedMethod {
    fn narrows(of: &DataType) -> bool {
        *of == DataType::Int64
    }
}

/// Widens the call's result to 38 digits, as the wrapped method expects.
fn wide(mut call: AccumulatorArgs<'_>) -> AccumulatorArgs<'_> {
    if NarrowedMethod::narrows(call.return_field.data_type()) {
        call.return_field = Arc::new(call.return_field.as_ref().clone().with_data_type(numeric(0)));
    }
    call
}

impl AggregateMethod for NarrowedMethod {
    fn state(&self, call: &StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.0.state(call)
    }

    fn accumulator(&self, call: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let narrows = Self::narrows(call.return_field.data_type());
        let inner = self.0.accumulator(wide(call))?;
        Ok(if narrows { Box::new(NarrowedAccumulator(inner)) } else { inner })
    }

    fn groups(&self, call: AccumulatorArgs<'_>) -> Result<Option<Box<dyn GroupsAccumulator>>> {
        let narrows = Self::narrows(call.return_field.data_type());
        let inner = self.0.groups(wide(call))?;
        Ok(inner.map(|inner| if narrows { Box::new(NarrowGroups(inner)) as _ } else { inner }))
    }

    fn moving(&self, call: &AccumulatorArgs<'_>) -> Option<Box<dyn Accumulator>> {
        self.0.moving(call)
    }
}

fn out_of_range() -> DataFusionError {
    DataFusionError::Execution("bigint out of range: cast the argument to bigint".into())
}

#[derive(Debug)]
struct NarrowedAccumulator(Box<dyn Accumulator>);

impl Accumulator for NarrowedAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.0.evaluate()? {
            ScalarValue::Decimal128(sum, ..) => {
                let narrow = sum.map(i64::try_from).transpose().map_err(|_| out_of_range())?;
                Ok(ScalarValue::Int64(narrow))
            }
            other => other.cast_to(&DataType::Int64),
        }
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
}

struct NarrowGroups(Box<dyn GroupsAccumulator>);

impl GroupsAccumulator for NarrowGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        number: usize,
    ) -> Result<()> {
        self.0.update_batch(values, groups, filter, number)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&self.0.evaluate(emit)?, &DataType::Int64, &options).map_err(|_| out_of_range())
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.0.state(emit)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], number: usize) -> Result<()> {
        self.0.merge_batch(values, groups, number)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.0.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
