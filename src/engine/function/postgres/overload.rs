//! Overloads: the signatures of functions and operators.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    error::Result,
    logical_expr::Volatility,
};

use super::{
    kind::{GivenArgument, PostgresKind},
    unresolved::Unresolved,
};
use crate::engine::function::call::Call;

/// Computes a column from arguments that have the overload's types.
type RoutineBody = fn(&Call) -> Result<ArrayRef>;

/// The rule for an overload's result type.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum RoutineResult {
    Kind(PostgresKind),
    /// The type of the first argument.
    Same,
    /// Computed at planning time from the argument types after casts and from constants.
    By(fn(&[DataType], &[GivenArgument]) -> Result<DataType, Unresolved>),
}

/// One signature of a function or operator.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Routine {
    pub(super) name: &'static str,
    pub(super) takes: &'static [PostgresKind],
    /// The type of any further arguments, if the overload accepts them.
    pub(super) rest: Option<PostgresKind>,
    /// The type that all arguments are finally cast to.
    pub(super) meets: Option<PostgresKind>,
    pub(super) gives: RoutineResult,
    pub(super) volatility: Volatility,
    pub(super) body: RoutineBody,
}

impl Routine {
    pub(super) fn parameter(&self, at: usize) -> Option<PostgresKind> {
        self.takes.get(at).copied().or(self.rest)
    }

    pub(super) fn accepts(&self, arguments: usize) -> bool {
        arguments == self.takes.len() || (arguments > self.takes.len() && self.rest.is_some())
    }

    /// Formats the call with its parameter types.
    pub(super) fn shown(&self, name: &str) -> String {
        let kinds: Vec<&str> = self.takes.iter().map(|kind| kind.shown()).collect();
        match (symbol(name), kinds.as_slice()) {
            (Some(symbol), [left, right]) => format!("{left} {symbol} {right}"),
            (Some(symbol), [one]) => format!("{symbol} {one}"),
            _ => format!("{name}({})", kinds.join(", ")),
        }
    }

    pub(super) const fn meeting(mut self, kind: PostgresKind) -> Self {
        self.meets = Some(kind);
        self
    }

    pub(super) const fn and(mut self, kind: PostgresKind) -> Self {
        self.rest = Some(kind);
        self
    }

    pub(super) const fn stable(mut self) -> Self {
        self.volatility = Volatility::Stable;
        self
    }

    pub(super) const fn volatile(mut self) -> Self {
        self.volatility = Volatility::Volatile;
        self
    }
}

/// Defines an overload with a fixed result type.
pub(super) const fn takes(
    name: &'static str,
    takes: &'static [PostgresKind],
    gives: PostgresKind,
    body: RoutineBody,
) -> Routine {
    by(name, takes, RoutineResult::Kind(gives), body)
}

/// Defines an overload with any rule for its result type.
pub(super) const fn by(
    name: &'static str,
    takes: &'static [PostgresKind],
    gives: RoutineResult,
    body: RoutineBody,
) -> Routine {
    Routine { name, takes, rest: None, meets: None, gives, volatility: Volatility::Immutable, body }
}

/// Defines an overload that PostgreSQL has but that is rejected here.
pub(super) const fn refused(
    name: &'static str,
    takes: &'static [PostgresKind],
    why: fn(&[DataType], &[GivenArgument]) -> Result<DataType, Unresolved>,
) -> Routine {
    by(name, takes, RoutineResult::By(why), |_| crate::engine::function::call::fail("a refused call"))
}

/// Returns whether this is an operator: operators are functions whose names SQL can't call.
pub(super) fn is_operator(name: &str) -> bool {
    name.starts_with('$')
}

/// Returns the operator's SQL symbol.
pub(super) fn symbol(name: &str) -> Option<&str> {
    match name {
        "$neg" => Some("-"),
        "$pos" => Some("+"),
        "$not" => Some("~"),
        "$abs" => Some("@"),
        other => other.strip_prefix('$'),
    }
}
