//! The functions and operators of dialect `postgresql`: an allow list, each entry compared with a PostgreSQL
//! server.
//!
//! - `kind`: PostgreSQL's types and implicit casts; `resolve`: overload resolution
//! - `named`: a call before and after the type check
//! - `operator`, `numeric`: arithmetic
//! - `text`, `pattern`, `number`, `date`, `format`, `array`: families of functions
//! - `output`: values formatted as text

mod array;
mod date;
mod format;
pub(in crate::engine) mod kind;
mod named;
mod number;
mod numeric;
mod operator;
pub(in crate::engine) mod output;
mod pattern;
#[cfg(test)]
mod reference;
pub(in crate::engine) mod resolve;
mod series;
mod span;
mod text;
mod text_more;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use datafusion::{
    arrow::{array::ArrayRef, compute::cast, datatypes::DataType},
    error::Result,
    execution::SessionStateBuilder,
    logical_expr::{ScalarUDF, Volatility},
};

use self::{
    kind::{Given, Kind},
    resolve::Unresolved,
};
pub(in crate::engine) use self::{
    named::{Bound, Named, bind},
    numeric::{float_digits, rescaled},
};
use super::call::Call;

/// Computes a column from arguments that have the overload's types.
type Body = fn(&Call) -> Result<ArrayRef>;

/// The rule for an overload's result type.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Gives {
    Kind(Kind),
    /// The type of the first argument.
    Same,
    /// Computed at planning time from the argument types after casts and from constants.
    By(fn(&[DataType], &[Given]) -> Result<DataType, Unresolved>),
}

/// One signature of a function or operator.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Overload {
    name: &'static str,
    takes: &'static [Kind],
    /// The type of any further arguments, if the overload accepts them.
    rest: Option<Kind>,
    /// The type that all arguments are finally cast to.
    meets: Option<Kind>,
    gives: Gives,
    volatility: Volatility,
    body: Body,
}

impl Overload {
    fn parameter(&self, at: usize) -> Option<Kind> {
        self.takes.get(at).copied().or(self.rest)
    }

    fn accepts(&self, arguments: usize) -> bool {
        arguments == self.takes.len() || (arguments > self.takes.len() && self.rest.is_some())
    }

    /// Formats the call with its parameter types.
    fn shown(&self, name: &str) -> String {
        let kinds: Vec<&str> = self.takes.iter().map(|kind| kind.shown()).collect();
        match (symbol(name), kinds.as_slice()) {
            (Some(symbol), [left, right]) => format!("{left} {symbol} {right}"),
            (Some(symbol), [one]) => format!("{symbol} {one}"),
            _ => format!("{name}({})", kinds.join(", ")),
        }
    }

    const fn meeting(mut self, kind: Kind) -> Self {
        self.meets = Some(kind);
        self
    }

    const fn and(mut self, kind: Kind) -> Self {
        self.rest = Some(kind);
        self
    }

    const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }
}

/// Defines an overload with a fixed result type.
const fn takes(name: &'static str, takes: &'static [Kind], gives: Kind, body: Body) -> Overload {
    by(name, takes, Gives::Kind(gives), body)
}

/// Defines an overload with any rule for its result type.
const fn by(name: &'static str, takes: &'static [Kind], gives: Gives, body: Body) -> Overload {
    Overload { name, takes, rest: None, meets: None, gives, volatility: Volatility::Immutable, body }
}

/// Defines an overload that PostgreSQL has but that is rejected here.
const fn refused(
    name: &'static str,
    takes: &'static [Kind],
    why: fn(&[DataType], &[Given]) -> Result<DataType, Unresolved>,
) -> Overload {
    by(name, takes, Gives::By(why), |_| super::call::fail("a refused call"))
}

/// Returns whether all readers of Delta tables agree on the date of this many days since 1970.
pub(in crate::engine) fn is_date(days: i32) -> bool {
    span::is_date(super::call::Days(days))
}

/// Returns all overloads, by name.
fn routines() -> &'static BTreeMap<&'static str, Vec<&'static Overload>> {
    static ROUTINES: LazyLock<BTreeMap<&'static str, Vec<&'static Overload>>> = LazyLock::new(|| {
        let mut found: BTreeMap<&'static str, Vec<&'static Overload>> = BTreeMap::new();
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

/// Returns whether this is an operator: operators are functions whose names SQL can't call.
fn is_operator(name: &str) -> bool {
    name.starts_with('$')
}

/// Returns the operator's SQL symbol.
fn symbol(name: &str) -> Option<&str> {
    match name {
        "$neg" => Some("-"),
        "$pos" => Some("+"),
        "$not" => Some("~"),
        "$abs" => Some("@"),
        other => other.strip_prefix('$'),
    }
}

/// Returns whether a scalar function of this name is allowed.
pub(in crate::engine) fn is_scalar(name: &str) -> bool {
    !is_operator(name) && routines().contains_key(name)
}

/// Returns whether an aggregate of this name is allowed.
pub(in crate::engine) fn is_aggregate(name: &str) -> bool {
    name == "count" || super::aggregate::postgres::names().any(|known| known == name)
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
    scalar.chain(super::aggregate::postgres::names()).chain(WINDOWS).chain(["count", "grouping"]).collect()
}

/// Replaces DataFusion's functions with PostgreSQL's.
pub(in crate::engine) fn install(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    let functions = builder.scalar_functions().get_or_insert_default();
    functions.clear();
    functions.extend(
        routines()
            .iter()
            .map(|(name, overloads)| Arc::new(ScalarUDF::new_from_impl(Named::new(name, overloads)))),
    );
    super::aggregate::postgres::install(&mut builder);
    super::window::install(&mut builder);
    super::zero::install(&mut builder);
    builder
}

/// Returns the average at scale `to` of `count` values whose sum is `total` at scale `from`; `None` if it has
/// too many digits.
pub(in crate::engine::function) fn average(total: i128, from: i8, count: i64, to: i8) -> Option<i128> {
    numeric::quotient((total, from), (count.into(), 0), to)
}

/// Evaluates a call with the equivalent DuckDB function, and casts the result to the expected type.
fn as_in_duckdb(name: &str, call: &Call) -> Result<ArrayRef> {
    let types: Vec<DataType> = (0..call.len()).map(|at| call.type_of(at).clone()).collect();
    let Some(function) = super::functions().find(|function| function.names.contains(&name)) else {
        return super::call::fail(format!("{name} is missing"));
    };
    let column = (function.resolve_leniently(&types)?.overload.body)(call)?;
    Ok(if column.data_type() == call.returns() { column } else { cast(&column, call.returns())? })
}
