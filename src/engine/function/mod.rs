//! The SQL functions of dialect `duckdb`: DuckDB's names, argument orders and result types.
//!
//! - `aggregate`: aggregates, with descriptions of their own
//! - `window`: window functions whose types or results differ from DataFusion's
//! - `zero`: sorts in which 0.0 and -0.0 tie
//! - `value`: values as DuckDB compares them
//! - `description`: [`Function`], a constant that describes a function, its [`Overload`]s and its
//!   documentation
//! - `kind`: SQL types as parameters, and the implicit casts between types
//! - `resolve`: picks the overload that a call means
//! - `scalar`: a [`Function`] as DataFusion's scalar function
//! - `call`: the arguments of one evaluation, and loops over their rows
//! - `planner`: `extract(…)`, `position(…)`, `substring(…)`: calls with a syntax of their own
//! - `like`, `glob`: LIKE with DuckDB's escapes, and GLOB; `field`: fields of structs that are NULL
//! - `nan`: keys with one NaN
//! - `check`: implicit casts that only literals may have
//! - `reference`: the function reference, `docs/functions.md`
//! - `calendar`, `part`, `zone`, `moment`: dates, their parts, time zones, and what `strptime` reads; `re2`:
//!   the syntax of regular expressions; `keyword`:
//!   names that are quoted
//! - one file per family of functions, or a part of one, each with a table `FUNCTIONS`
//!
//! For dialect `generic` nothing is installed, and DataFusion's functions keep their own rules.
//! Start at [`install`] and [`Function`].

mod aggregate;
mod calendar;
mod call;
mod check;
mod clock;
mod date;
mod date_format;
mod date_parse;
mod date_part;
mod date_trunc;
mod description;
mod encoding;
#[cfg(test)]
mod extremes;
mod field;
mod floating;
mod glob;
mod hash;
mod interval;
mod json;
mod keyword;
mod kind;
mod like;
mod list;
mod map;
mod moment;
mod nan;
#[cfg(test)]
mod nested_cases;
mod number;
mod other;
mod part;
mod path;
mod planner;
pub(super) mod postgres;
mod re2;
mod record;
#[cfg(test)]
mod reference;
mod regular_expression;
mod resolve;
mod rounding;
mod scalar;
mod similarity;
#[cfg(test)]
mod testing;
mod text;
mod text_format;
mod text_join;
mod text_slice;
mod time_bucket;
mod value;
mod window;
mod zero;
mod zone;

use std::{collections::BTreeSet, sync::Arc};

use datafusion::{execution::SessionStateBuilder, logical_expr::ScalarUDF};

pub(super) use self::{
    aggregate::only_row,
    check::argument_types,
    field::of_null_structs,
    json::is_json,
    kind::type_name,
    like::with_backslashes,
    list::joined_lists,
    nan::plain_nan,
    value::{comparable, differs},
    zone::parse as time_zone,
};
use self::{description::Function, scalar::ScalarFunction};

/// The families of scalar functions, in the order of the reference.
const FAMILIES: &[&[Function]] = &[
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

/// DataFusion's functions that mean something else in DuckDB or to its users, and that have no replacement
/// here: TIME WITH TIME ZONE is no type of Delta, and the formats of `to_char` are those of no database
/// (`strftime` writes dates).
const WITHHELD: &[&str] = &["current_time", "to_char", "date_format"];

/// Replaces DataFusion's functions by those of the dialect; does nothing for a dialect that has none of its
/// own.
///
/// Call it after `with_default_features`, and before the state is built: a function that is replaced goes
/// with all of its names, since a state that is copied registers its functions again in any order.
pub(super) fn install(mut builder: SessionStateBuilder, dialect: &str) -> SessionStateBuilder {
    if dialect == "postgresql" {
        return postgres::install(builder);
    }
    if dialect != "duckdb" {
        return builder;
    }
    let ours: Vec<Arc<ScalarUDF>> = functions()
        .chain(glob::OPERATOR)
        .map(|function| Arc::new(ScalarUDF::new_from_impl(ScalarFunction::new(function))))
        .collect();
    let names: BTreeSet<&str> =
        functions().flat_map(|function| function.names).chain(WITHHELD).copied().collect();
    let functions = builder.scalar_functions().get_or_insert_default();
    functions.retain(|udf| {
        !names.contains(udf.name()) && !udf.aliases().iter().any(|alias| names.contains(alias.as_str()))
    });
    functions.extend(ours);
    list::lambda::install(&mut builder, &names);
    aggregate::install(&mut builder);
    window::install(&mut builder);
    zero::install(&mut builder);
    nan::install(&mut builder);
    json::nested::install(&mut builder);
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(planner::CallSyntax));
    builder
}

/// All scalar functions of dialect `duckdb`.
fn functions() -> impl Iterator<Item = &'static Function> {
    FAMILIES.iter().copied().flatten()
}

/// The function of this name, for calls that are not planned from SQL.
pub(super) fn function(name: &str) -> Option<Arc<ScalarUDF>> {
    let found = functions().find(|function| function.names.contains(&name))?;
    Some(Arc::new(ScalarUDF::new_from_impl(ScalarFunction::new(found))))
}
