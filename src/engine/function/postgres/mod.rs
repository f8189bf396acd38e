//! The functions and operators of dialect `postgresql`: an allow list, each compared with a PostgreSQL
//! server.
//!
//! - `kind`: PostgreSQL's types and implicit casts; `resolve`: which overload a call means
//! - `named`: a call between planning and the type check, and after it
//! - `operator`, `numeric`: arithmetic
//! - `text`, `pattern`, `number`, `date`, `format`, `array`: families of functions
//! - `output`: values as text

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

/// Computes a column from the arguments, which have the types of the overload.
type Body = fn(&Call) -> Result<ArrayRef>;

/// The rule for an overload's result type.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Gives {
    Kind(Kind),
    /// The type of the first argument.
    Same,
    /// Computed from the types after casts and from constants; an error is one of planning.
    By(fn(&[DataType], &[Given]) -> Result<DataType, Unresolved>),
}

/// One signature of a function or operator.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Overload {
    name: &'static str,
    takes: &'static [Kind],
    /// The type of any number of further arguments.
    rest: Option<Kind>,
    /// The type to which all arguments are cast in the end.
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

    /// The call with the types of its parameters.
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

/// An overload of which the result type is fixed.
const fn takes(name: &'static str, takes: &'static [Kind], gives: Kind, body: Body) -> Overload {
    by(name, takes, Gives::Kind(gives), body)
}

/// An overload whose result type comes about in any way.
const fn by(name: &'static str, takes: &'static [Kind], gives: Gives, body: Body) -> Overload {
    Overload { name, takes, rest: None, meets: None, gives, volatility: Volatility::Immutable, body }
}

/// An overload that PostgreSQL has and that is refused here.
const fn refused(
    name: &'static str,
    takes: &'static [Kind],
    why: fn(&[DataType], &[Given]) -> Result<DataType, Unresolved>,
) -> Overload {
    by(name, takes, Gives::By(why), |_| super::call::fail("a refused call"))
}

/// Returns whether a number of days since 1970 is a date that all readers of Delta tables agree about.
pub(in crate::engine) fn is_date(days: i32) -> bool {
    span::is_date(super::call::Days(days))
}

/// All overloads, by name.
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

/// Operators are functions whose names no SQL can call.
fn is_operator(name: &str) -> bool {
    name.starts_with('$')
}

/// The operator as SQL has it.
fn symbol(name: &str) -> Option<&str> {
    match name {
        "$neg" => Some("-"),
        "$pos" => Some("+"),
        "$not" => Some("~"),
        "$abs" => Some("@"),
        other => other.strip_prefix('$'),
    }
}

/// Returns whether a scalar function of this name is admitted.
pub(in crate::engine) fn is_scalar(name: &str) -> bool {
    !is_operator(name) && routines().contains_key(name)
}

/// Returns whether an aggregate of this name is admitted.
pub(in crate::engine) fn is_aggregate(name: &str) -> bool {
    name == "count" || super::aggregate::postgres::names().any(|known| known == name)
}

/// Window functions that are admitted.
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

/// All names of functions that are admitted.
pub(in crate::engine) fn names() -> Vec<&'static str> {
    let scalar = routines().keys().copied().filter(|name| !is_operator(name));
    scalar.chain(super::aggregate::postgres::names()).chain(WINDOWS).chain(["count", "grouping"]).collect()
}

/// Replaces DataFusion's functions by those of PostgreSQL.
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

/// The average of values whose sum is `total`, of scale `from`, at scale `to`; `None` if it has too many
/// digits.
pub(in crate::engine::function) fn average(total: i128, from: i8, count: i64, to: i8) -> Option<i128> {
    numeric::quotient((total, from), (count.into(), 0), to)
}

/// Computes a call with the body of DuckDB's function of the same meaning, as the type that is due.
fn as_in_duckdb(name: &str, call: &Call) -> Result<ArrayRef> {
    let types: Vec<DataType> = (0..call.len()).map(|at| call.type_of(at).clone()).collect();
    let Some(function) = super::functions().find(|function| function.names.contains(&name)) else {
        return super::call::fail(format!("{name} is missing"));
    };
    let column = (function.resolve_leniently(&types)?.overload.body)(call)?;
    Ok(if column.data_type() == call.returns() { column } else { cast(&column, call.returns())? })
}
