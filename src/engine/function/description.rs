//! Function descriptions: names, documentation and overloads, all constant.

use datafusion::{
    arrow::{array::ArrayRef, datatypes::DataType},
    common::{ScalarValue, plan_err},
    error::Result,
    logical_expr::Volatility,
};

use super::{call::Call, kind::ParameterKind};

/// A family of functions, which is a section of the reference.
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

/// A function of dialect `duckdb`. Each family's file holds a table of these:
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
    /// The primary name, then the aliases; all in lower case.
    pub(super) names: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) family: Family,
    /// The call syntax with named arguments: `repeat(text, count)`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) syntax: &'static str,
    /// One sentence, in the third person.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) doc: &'static str,
    /// An expression and its value as text, which tests check.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))]
    pub(super) example: (&'static str, &'static str),
    pub(super) volatility: Volatility,
    /// The overloads, in the order in which errors list them.
    pub(super) overloads: &'static [Overload],
}

impl Function {
    /// Returns the family's defaults; names, syntax, doc, example and overloads must be filled in.
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

    /// Returns the primary name.
    pub(super) fn name(&self) -> &'static str {
        self.names[0]
    }
}

/// Computes a column from arguments that have the overload's types.
pub(super) type FunctionBody = fn(&Call) -> Result<ArrayRef>;

/// The argument types as the body will receive them, and the arguments that are literals.
pub(super) struct Typing<'a> {
    pub(super) types: &'a [DataType],
    pub(super) literals: &'a [Option<&'a ScalarValue>],
    /// The arguments that vary by row; empty before the type check.
    pub(super) varying: &'a [bool],
    /// True once literals are known: from then on an argument that must be constant and isn't is an error.
    pub(super) strict: bool,
}

impl Typing<'_> {
    /// Rejects an argument that varies by row.
    pub(super) fn constant(&self, argument: usize, what: &str) -> Result<()> {
        if self.varying.get(argument) == Some(&true) {
            return plan_err!("{what} must be a constant, not a column");
        }
        Ok(())
    }

    /// Returns the text of an argument that is a literal.
    pub(super) fn text(&self, argument: usize) -> Option<&str> {
        self.literals.get(argument).copied().flatten()?.try_as_str().flatten()
    }
}

/// The rule for an overload's result type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    /// Always this type. `T`, and lists of it, are the common type of the arguments.
    Kind(ParameterKind),
    /// The type of this argument.
    Same(usize),
    /// Computed from types and literals at planning time. The text is shown in signatures.
    By(
        fn(&Typing) -> Result<DataType>,
        #[cfg_attr(not(test), expect(dead_code, reason = "the reference is written by a test"))] &'static str,
    ),
}

/// One signature of a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overload {
    pub(super) takes: &'static [ParameterKind],
    /// The type of any further arguments, if the overload accepts them.
    pub(super) rest: Option<ParameterKind>,
    pub(super) gives: Gives,
    pub(super) body: FunctionBody,
}

impl Overload {
    /// Also accepts any number of further arguments of this type.
    pub(super) const fn and(mut self, rest: ParameterKind) -> Self {
        self.rest = Some(rest);
        self
    }

    /// Returns the parameter at a position, or `None` if there can't be one.
    pub(super) fn parameter(&self, at: usize) -> Option<ParameterKind> {
        self.takes.get(at).copied().or(self.rest)
    }
}

/// Defines an overload with a fixed result type.
pub(super) const fn takes(
    takes: &'static [ParameterKind],
    gives: ParameterKind,
    body: FunctionBody,
) -> Overload {
    Overload { takes, rest: None, gives: Gives::Kind(gives), body }
}

/// Defines an overload that returns its first argument's type.
pub(super) const fn keeps(takes: &'static [ParameterKind], body: FunctionBody) -> Overload {
    Overload { takes, rest: None, gives: Gives::Same(0), body }
}

/// Defines an overload whose result type is computed.
pub(super) const fn computes(
    takes: &'static [ParameterKind],
    gives: fn(&Typing) -> Result<DataType>,
    shown: &'static str,
    body: FunctionBody,
) -> Overload {
    Overload { takes, rest: None, gives: Gives::By(gives, shown), body }
}
