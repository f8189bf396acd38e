//! Aggregates over a list's items: `list_sum(list)` and `list_aggregate(list, 'sum')`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray},
        compute::{cast, nullif},
        datatypes::DataType,
    },
    common::{ScalarValue, plan_err},
    error::Result,
};

use super::super::{
    aggregate::{lists_type, over_lists},
    call::{Call, fail},
    description::{Function, Gives, Overload, Typing},
    kind::ParameterKind::{Any, AnyList, Varchar},
};
use super::lists::{Lists, item_of};

macro_rules! aggregated {
    ($($name:literal $of:literal,)*) => {
        &[
            Function {
                names: &["list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"],
                syntax: "list_aggregate(list, name, …)",
                doc: "Computes the aggregate of this name over the items; further arguments are the aggregate's.",
                example: ("list_aggregate([1, 2, 3], 'sum')", "6"),
                overloads: &[Overload {
                    takes: &[AnyList, Varchar],
                    rest: Some(Any),
                    gives: Gives::By(named_type, "of the aggregate"),
                    body: named,
                }],
                ..Function::LIST
            },
            $(Function {
                names: &[$name],
                syntax: concat!($name, "(list)"),
                doc: concat!("Computes `", $of, "` over the items of a list."),
                overloads: &[Overload {
                    takes: &[AnyList],
                    rest: Some(Any),
                    gives: Gives::By(|typing| result(typing, $of, 1), concat!("of ", $of)),
                    body: |call| aggregate(call, $of, 1),
                }],
                ..Function::LIST
            },)*
        ]
    };
}

pub(super) const FUNCTIONS: &[Function] = aggregated! {
    "list_any_value" "any_value",
    "list_approx_count_distinct" "approx_count_distinct",
    "list_avg" "avg",
    "list_bit_and" "bit_and",
    "list_bit_or" "bit_or",
    "list_bit_xor" "bit_xor",
    "list_bool_and" "bool_and",
    "list_bool_or" "bool_or",
    "list_count" "count",
    "list_entropy" "entropy",
    "list_first" "first",
    "list_histogram" "histogram",
    "list_kurtosis" "kurtosis",
    "list_kurtosis_pop" "kurtosis_pop",
    "list_last" "last",
    "list_mad" "mad",
    "list_max" "max",
    "list_median" "median",
    "list_min" "min",
    "list_mode" "mode",
    "list_product" "product",
    "list_sem" "sem",
    "list_skewness" "skewness",
    "list_stddev_pop" "stddev_pop",
    "list_stddev_samp" "stddev_samp",
    "list_string_agg" "string_agg",
    "list_sum" "sum",
    "list_var_pop" "var_pop",
    "list_var_samp" "var_samp",
};

/// Returns the result type of an aggregate over the first argument's items. The aggregate's other arguments
/// start at `rest`.
fn result(typing: &Typing, name: &str, rest: usize) -> Result<DataType> {
    let mut types = vec![item_of(typing, 0)];
    types.extend_from_slice(&typing.types[rest..]);
    if types[0] == DataType::Null && matches!(name, "bit_and" | "bit_or" | "bit_xor") {
        // DuckDB doesn't infer a type from NULL alone.
        let alone = typing.types.first() == Some(&DataType::Null);
        return Ok(if alone { DataType::Int32 } else { DataType::Int64 });
    }
    lists_type(name, &types)
}

fn named_type(typing: &Typing) -> Result<DataType> {
    let Some(name) = typing.text(1) else {
        return plan_err!("`list_aggregate`: the name of the aggregate must be a constant text");
    };
    result(typing, &name.to_ascii_lowercase(), 2)
}

fn named(call: &Call) -> Result<ArrayRef> {
    match call.constant_value::<&str>(1)? {
        Some(name) => aggregate(call, &name.to_ascii_lowercase(), 2),
        None => fail("`list_aggregate`: the name of the aggregate must be a constant text"),
    }
}

fn aggregate(call: &Call, name: &str, rest: usize) -> Result<ArrayRef> {
    let lists = Lists::of(call, 0)?;
    let constants = (rest..call.len()).map(|argument| match call.constant(argument) {
        Some(value) => ScalarValue::try_from_array(value, 0),
        None => fail(format!("`{name}`: arguments after the list must be constants")),
    });
    let constants: Vec<ScalarValue> = constants.collect::<Result<_>>()?;
    let mut groups = Vec::new();
    let mut places = Vec::new();
    for row in 0..call.rows() {
        for at in lists.row(row).into_iter().flatten() {
            groups.push(row);
            places.push(super::lists::narrow(at));
        }
    }
    let places = datafusion::arrow::array::UInt32Array::from(places);
    let items = datafusion::arrow::compute::take(lists.items(), &places, None)?;
    let results = over_lists(name, &items, &constants, &groups, call.rows())?;
    let results = cast(&results, call.returns())?;
    if lists.list.null_count() == 0 {
        return Ok(results);
    }
    let null: BooleanArray = (0..call.rows()).map(|row| Some(lists.list.is_null(row))).collect();
    Ok(Arc::clone(&nullif(&results, &null)?))
}
