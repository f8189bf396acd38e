//! The functions and operators of dialect `postgresql`: an allow list, each entry compared with a PostgreSQL
//! server.
//!
//! - `overload`: signatures of functions; `kind`: PostgreSQL's types and implicit casts
//! - `resolve`: overload resolution; `unresolved`: its errors
//! - `named`: a call before and after the type check
//! - `operator`, `numeric`: arithmetic
//! - `text`, `pattern`, `number`, `date`, `format`, `array`: families of functions
//! - `output`: values formatted as text; `duckdb`: functions computed as in dialect `duckdb`

mod aggregate;
mod array;
mod date;
mod duckdb;
mod format;
pub(in crate::engine) mod kind;
mod named;
mod number;
mod numeric;
mod operator;
pub(in crate::engine) mod output;
mod overload;
mod pattern;
#[cfg(test)]
mod reference;
pub(in crate::engine) mod resolve;
mod series;
mod span;
mod text;
mod text_more;
pub(in crate::engine) mod unresolved;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use datafusion::{execution::SessionStateBuilder, logical_expr::ScalarUDF};

use self::overload::is_operator;
pub(in crate::engine) use self::{
    named::{BoundRoutine, NamedRoutine, bind},
    numeric::float_digits,
    overload::Routine,
};

/// Returns whether all readers of Delta tables agree on the date of this many days since 1970.
pub(in crate::engine) fn is_date(days: i32) -> bool {
    span::is_date(super::call::Days(days))
}

/// Returns all overloads, by name.
fn routines() -> &'static BTreeMap<&'static str, Vec<&'static Routine>> {
    static ROUTINES: LazyLock<BTreeMap<&'static str, Vec<&'static Routine>>> = LazyLock::new(|| {
        let mut found: BTreeMap<&'static str, Vec<&'static Routine>> = BTreeMap::new();
        let families = [
            operator::ROUTINES,
            text::ROUTINES,
            text_more::ROUTINES,
            pattern::ROUTINES,
            number::ROUTINES,
            date::ROUTINES,
            format::ROUTINES,
            array::ROUTINES,
            span::ROUTINES,
            series::ROUTINES,
        ];
        for overload in families.into_iter().flatten() {
            found.entry(overload.name).or_default().push(overload);
        }
        found
    });
    &ROUTINES
}

/// Returns whether a scalar function of this name is allowed.
pub(in crate::engine) fn is_scalar(name: &str) -> bool {
    !is_operator(name) && routines().contains_key(name)
}

/// Returns whether an aggregate of this name is allowed.
pub(in crate::engine) fn is_aggregate(name: &str) -> bool {
    name == "count" || aggregate::names().any(|known| known == name)
}

/// The allowed window functions.
pub(in crate::engine) const WINDOWS: [&str; 11] = [
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Returns the names of all allowed functions.
pub(in crate::engine) fn names() -> Vec<&'static str> {
    let scalar = routines().keys().copied().filter(|name| !is_operator(name));
    scalar.chain(aggregate::names()).chain(WINDOWS).chain(["count", "grouping"]).collect()
}

/// Replaces DataFusion's functions with PostgreSQL's.
pub(in crate::engine) fn install(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let functions = builder.scalar_functions().get_or_insert_default();
    functions.clear();
    functions.extend(
        routines()
            .iter()
            .map(|(name, overloads)| Arc::new(ScalarUDF::new_from_impl(NamedRoutine::new(name, overloads)))),
    );
    aggregate::install(&mut builder);
    super::window::install(&mut builder);
    super::zero::install(&mut builder);
    builder
}
