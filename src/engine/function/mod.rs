//! The SQL functions of dialect `duckdb`: DuckDB's names, argument orders and result types.
//!
//! - `aggregate`: aggregates, with their own descriptions
//! - `window`: window functions whose types or results differ from DataFusion's
//! - `zero`: sorting in which 0.0 and -0.0 tie
//! - `value`: values as DuckDB compares them
//! - `description`: `Function`, a constant that describes a function, its `Overload`s and its
//!   documentation
//! - `catalog`: all functions, family by family
//! - `kind`: SQL types as parameters, and implicit casts between types
//! - `resolve`: overload resolution
//! - `scalar`: the adapter from `Function` to DataFusion's scalar functions
//! - `call`: the arguments of one evaluation, and loops over their rows
//! - `planner`: calls with special syntax: `extract(…)`, `position(…)`, `substring(…)`
//! - `like`, `glob`: LIKE with DuckDB's escapes, and GLOB
//! - `field`: fields of NULL structs
//! - `nan`: keys with a canonical NaN
//! - `check`: implicit casts that are allowed for literals only
//! - `reference`: the function reference, `docs/functions.md`
//! - `calendar`, `part`, `named_part`, `zone`, `moment`: dates, their parts, time zones, and `strptime`
//!   parsing
//! - `decimal`: arithmetic of decimals
//! - `letter`: letter case and white space
//! - `re2`: regular-expression syntax
//! - one file per family of functions, or part of one, each with a table `FUNCTIONS`
//!
//! Dialect `generic` installs nothing, so DataFusion's functions keep their own rules. Start at [`install`]
//! and `catalog`.

pub(super) mod aggregate;
mod calendar;
mod call;
mod catalog;
mod check;
mod clock;
mod date;
mod date_format;
mod date_parse;
mod date_part;
mod date_trunc;
pub(super) mod decimal;
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
mod kind;
mod letter;
mod like;
mod list;
mod map;
mod moment;
mod named_part;
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
mod result_size;
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
    catalog::function,
    check::argument_types,
    field::of_null_structs,
    like::with_backslashes,
    list::joined_lists,
    nan::plain_nan,
    value::{comparable, differs},
};
use self::{catalog::functions, scalar::ScalarFunction};

/// DataFusion functions that are removed because they mean something else in DuckDB or to its users, and that
/// have no replacement here: Delta has no TIME WITH TIME ZONE, and no database shares the format syntax of
/// `to_char` (`strftime` formats dates).
const WITHHELD: &[&str] = &["current_time", "to_char", "date_format"];

/// Replaces DataFusion's functions with the dialect's; does nothing for a dialect without its own functions.
///
/// Call it after `with_default_features` and before the state is built. A replaced function is removed under
/// all its names, because copying a state registers its functions again in arbitrary order.
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
