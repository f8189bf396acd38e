//! The catalog: all scalar functions of dialect `duckdb`, family by family.

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

use super::{
    clock, date, date_format, date_parse, date_part, date_trunc, description::Function, encoding, floating,
    hash, interval, json, list, map, number, other, path, record, regular_expression, rounding,
    scalar::ScalarFunction, similarity, text, text_format, text_join, text_slice, time_bucket, zone,
};

/// The families of scalar functions, in the order of the reference.
pub(super) const FAMILIES: &[&[Function]] = &[
    text::FUNCTIONS,
    text_slice::FUNCTIONS,
    text_join::FUNCTIONS,
    encoding::FUNCTIONS,
    similarity::FUNCTIONS,
    regular_expression::FUNCTIONS,
    number::FUNCTIONS,
    rounding::FUNCTIONS,
    floating::FUNCTIONS,
    text_format::FUNCTIONS,
    path::FUNCTIONS,
    date_part::FUNCTIONS,
    date_trunc::FUNCTIONS,
    date::FUNCTIONS,
    date_format::FUNCTIONS,
    date_parse::FUNCTIONS,
    clock::FUNCTIONS,
    interval::FUNCTIONS,
    time_bucket::FUNCTIONS,
    zone::FUNCTIONS,
    other::FUNCTIONS,
    hash::FUNCTIONS,
    list::FUNCTIONS[0],
    list::FUNCTIONS[1],
    list::FUNCTIONS[2],
    list::FUNCTIONS[3],
    record::FUNCTIONS,
    map::FUNCTIONS,
    json::FUNCTIONS[0],
    json::FUNCTIONS[1],
    json::FUNCTIONS[2],
];

/// Returns all scalar functions of dialect `duckdb`.
pub(super) fn functions() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().copied().flatten()
}

/// Looks up a function by name, for calls that aren't planned from SQL.
pub(in crate::engine) fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    let found = functions().find(|function| function.names.contains(&name))?;
    Some(Arc::new(ScalarUDF::new_from_impl(ScalarFunction::new(found))))
}
