//! The description of a function: its names, its documentation and its overloads, all constant.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    common::{ScalarValue, plan_err},
    error::Result,
    logical_expr::Volatility,
};

use super::{call::Call, kind::Kind};

/// A family of functions: a section of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Text,
    RegularExpression,
    Number,
    Date,
    Timestamp,
    Interval,
    List,
    Struct,
    Map,
    Json,
    Other,
}

/// A function of dialect `duckdb`. A family's file holds a table of these:
///
/// ```ignore
/// Function {
///     names: &["repeat"],
///     syntax: "repeat(text, count)",
///     doc: "Repeats a text.",
///     example: ("repeat('ab', 2)", "abab"),
///     overloads: &[takes(&[Varchar, BigInt], Varchar, |call| {
///         call.map2(|text: &str, count: i64| Ok(Some(text.repeat(usize::try_from(count).unwrap_or(0)))))
///     })],
///     ..Function::TEXT
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    /// The name, then its aliases; all in lower case.
    pub(super) names: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) family: Family,
    /// A call with named arguments: `repeat(text, count)`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) syntax: &'static str,
    /// One sentence, in the third person.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) doc: &'static str,
    /// An expression and its value as text; tests evaluate it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) example: (&'static str, &'static str),
    pub(super) volatility: Volatility,
    /// In the order in which an error lists them.
    pub(super) overloads: &'static [Overload],
}

impl Function {
    /// What most functions of a family share; names, syntax, doc, example and overloads are to be filled in.
    pub(super) const fn of(family: Family) -> Self {
        Self {
            names: &[],
            family,
            syntax: "",
            doc: "",
            example: ("", ""),
            volatility: Volatility::Immutable,
            overloads: &[],
        }
    }

    pub(super) const TEXT: Self = Self::of(Family::Text);
    pub(super) const REGULAR_EXPRESSION: Self = Self::of(Family::RegularExpression);
    pub(super) const NUMBER: Self = Self::of(Family::Number);
    pub(super) const DATE: Self = Self::of(Family::Date);
    pub(super) const TIMESTAMP: Self = Self::of(Family::Timestamp);
    pub(super) const INTERVAL: Self = Self::of(Family::Interval);
    pub(super) const LIST: Self = Self::of(Family::List);
    pub(super) const STRUCT: Self = Self::of(Family::Struct);
    pub(super) const MAP: Self = Self::of(Family::Map);
    pub(super) const JSON: Self = Self::of(Family::Json);
    pub(super) const OTHER: Self = Self::of(Family::Other);

    /// The primary name.
    pub(super) fn name(&self) -> &'static str {
        self.names[0]
    }
}

/// Computes a column from the arguments, which have the types of the overload.
pub(super) type Body = fn(&Call) -> Result<ArrayRef>;

/// The argument types as they will reach the body, and the arguments that are literals.
pub(super) struct Typing<'a> {
    pub(super) types: &'a [DataType],
    pub(super) literals: &'a [Option<&'a ScalarValue>],
    /// The arguments that differ from row to row; none before the check of types.
    pub(super) varying: &'a [bool],
    /// True once literals are recognised: an argument that must be a constant and isn't one is an error from
    /// then on.
    pub(super) strict: bool,
}

impl Typing<'_> {
    /// Refuses an argument that differs from row to row.
    pub(super) fn constant(&self, argument: usize, what: &str) -> Result<()> {
        if self.varying.get(argument) == Some(&true) {
            return plan_err!("{what} must be a constant, not a column");
        }
        Ok(())
    }

    /// The text of an argument that is a literal.
    pub(super) fn text(&self, argument: usize) -> Option<&str> {
        self.literals.get(argument).copied().flatten()?.try_as_str().flatten()
    }
}

/// The rule for an overload's result type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    /// Always this type. `T` and lists of it are the type that the arguments agreed on.
    Kind(Kind),
    /// The type of an argument.
    Same(usize),
    /// Computed from types and literals; an error is one of planning. The text stands in signatures.
    By(
        fn(&Typing) -> Result<DataType>,
        #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))] &'static str,
    ),
}

/// One signature of a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overload {
    pub(super) takes: &'static [Kind],
    /// The type of any number of further arguments.
    pub(super) rest: Option<Kind>,
    pub(super) gives: Gives,
    pub(super) body: Body,
}

impl Overload {
    /// The same, taking any number of further arguments of a type.
    pub(super) const fn and(mut self, rest: Kind) -> Self {
        self.rest = Some(rest);
        self
    }

    /// The parameter at a position, if there may be one.
    pub(super) fn parameter(&self, at: usize) -> Option<Kind> {
        self.takes.get(at).copied().or(self.rest)
    }
}

/// An overload of which the result type is fixed.
pub(super) const fn takes(takes: &'static [Kind], gives: Kind, body: Body) -> Overload {
    Overload { takes, rest: None, gives: Gives::Kind(gives), body }
}

/// An overload that gives the type of its first argument.
pub(super) const fn keeps(takes: &'static [Kind], body: Body) -> Overload {
    Overload { takes, rest: None, gives: Gives::Same(0), body }
}

/// An overload of which the result type is computed.
pub(super) const fn computes(
    takes: &'static [Kind],
    gives: fn(&Typing) -> Result<DataType>,
    shown: &'static str,
    body: Body,
) -> Overload {
    Overload { takes, rest: None, gives: Gives::By(gives, shown), body }
}
