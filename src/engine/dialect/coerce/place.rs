//! Error locations: finds the expression that an error is about in the statement.

use std::{fmt, ops::ControlFlow};

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Diagnostic, ScalarValue, Span,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::DataFusionError,
    logical_expr::{Expr, ScalarUDF, expr::ScalarFunction},
    sql::sqlparser::{
        ast::{self, Query, Spanned, Visit, Visitor},
        tokenizer,
    },
};

use super::super::arithmetic::Arithmetic;
use crate::engine::cast::{
    self,
    types::{self, is_text},
};

pub(super) fn incomparable(
    left: &Expr,
    left_type: &DataType,
    right: &Expr,
    right_type: &DataType,
    op: &str,
) -> DataFusionError {
    let message = format!("can't compare {} {op} {}", types::name(left_type), types::name(right_type));
    let text = if is_text(left_type) { left } else { right };
    let other = if is_text(left_type) { right_type } else { left_type };
    let help = if is_text(left_type) || is_text(right_type) {
        format!("cast the text: cast({} as {})", written(text), types::name(other).to_lowercase())
    } else {
        "cast one of them to the other's type".to_owned()
    };
    refusal(PlaceClues::of_all([left, right]), message, &help)
}

/// Returns the approximate SQL of an expression.
pub(super) fn written(expr: &Expr) -> String {
    cast::written(expr).unwrap_or_else(|| "…".to_owned())
}

/// Returns an error at an expression.
pub(super) fn at(expr: &Expr, message: String, help: &str) -> DataFusionError {
    refusal(PlaceClues::of(expr), message, help)
}

/// Returns an error about a subject.
pub(super) fn refusal(about: PlaceClues, message: String, help: &str) -> DataFusionError {
    Misplaced { message, help: Some(help.to_owned()), about }.into()
}

/// Adds a subject to an error, unless it has a location already.
pub(super) fn placed(error: DataFusionError, about: PlaceClues) -> DataFusionError {
    if error.diagnostic().is_some() || misplaced(&error).is_some() {
        return error;
    }
    Misplaced { message: super::super::super::message(&error), help: None, about }.into()
}

/// The clues to the location of a planned expression. Plans keep only the locations of columns.
#[derive(Debug, Clone, Default)]
pub(super) struct PlaceClues {
    /// The names of the called function.
    functions: Vec<String>,
    /// The constants in the expression, in order.
    literals: Vec<String>,
    column: Option<Span>,
}

impl PlaceClues {
    /// Collects the clues of an expression.
    pub(super) fn of(expr: &Expr) -> Self {
        let mut found = Self::default();
        if let Expr::ScalarFunction(call) = expr {
            found.functions = names(&call.func);
        }
        found.gather(expr);
        found
    }

    /// Collects the clues of a call.
    pub(super) fn of_call(call: &ScalarFunction) -> Self {
        let mut found = Self { functions: names(&call.func), ..Self::default() };
        call.args.iter().for_each(|arg| found.gather(arg));
        found
    }

    /// Collects the clues of several expressions.
    pub(super) fn of_all<'a>(values: impl IntoIterator<Item = &'a Expr>) -> Self {
        let mut found = Self::default();
        values.into_iter().for_each(|value| found.gather(value));
        found
    }

    fn gather(&mut self, expr: &Expr) {
        let visited = expr.apply(|part| {
            match part {
                Expr::Column(column) if self.column.is_none() => self.column = column.spans().first(),
                Expr::Literal(value, _) => self.literals.extend(text_of(value)),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "the visitor never fails");
    }

    fn is_called(&self, name: &str) -> bool {
        self.functions.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Returns the names that SQL can call a function by; none for operators and casts.
fn names(function: &ScalarUDF) -> Vec<String> {
    let inner = function.inner().as_ref() as &dyn std::any::Any;
    if inner.is::<Arithmetic>() || inner.is::<cast::CastFunction>() {
        return Vec::new();
    }
    std::iter::once(function.name().to_owned()).chain(function.aliases().iter().cloned()).collect()
}

fn text_of(value: &ScalarValue) -> Option<String> {
    cast::value_text(&value.to_array().ok()?, 0).ok()?
}

/// An error whose location in the statement is still unknown.
#[derive(Debug)]
struct Misplaced {
    message: String,
    help: Option<String>,
    about: PlaceClues,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.message)
    }
}

impl std::error::Error for Misplaced {}

impl From<Misplaced> for DataFusionError {
    fn from(misplaced: Misplaced) -> Self {
        Self::External(Box::new(misplaced))
    }
}

fn misplaced(error: &DataFusionError) -> Option<&Misplaced> {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => misplaced(inner),
        DataFusionError::Shared(inner) => misplaced(inner),
        DataFusionError::External(inner) => inner.downcast_ref(),
        _ => None,
    }
}

/// Adds the location in the statement to an error, if it can be found.
pub(in crate::engine::dialect) fn located(error: DataFusionError, statement: &Query) -> DataFusionError {
    let Some(found) = misplaced(&error) else { return error };
    let mut search = PlaceSearch {
        about: &found.about,
        open: Vec::new(),
        literals: Vec::new(),
        columns: 0,
        calls: Vec::new(),
    };
    let at = match statement.visit(&mut search) {
        ControlFlow::Break(at) => Span::try_from_sqlparser_span(at),
        // If the statement calls the function only once, use that call.
        ControlFlow::Continue(()) => match search.calls.as_slice() {
            [only] => Span::try_from_sqlparser_span(*only),
            _ => None,
        },
    };
    let mut diagnostic = Diagnostic::new_error(&found.message, at.or(found.about.column));
    if let Some(help) = &found.help {
        diagnostic.add_help(help, None);
    }
    DataFusionError::Plan(found.message.clone()).with_diagnostic(diagnostic)
}

/// A search for an expression: the innermost call around its column, or the innermost expression with the
/// same constants and no column.
struct PlaceSearch<'a> {
    about: &'a PlaceClues,
    /// For each enclosing expression, the number of constants and columns before it.
    open: Vec<(usize, usize)>,
    literals: Vec<String>,
    columns: usize,
    /// The locations of calls of the function.
    calls: Vec<tokenizer::Span>,
}

impl PlaceSearch<'_> {
    fn is_here(&self, from: usize, columns: usize, span: tokenizer::Span) -> bool {
        if let Some(column) = self.about.column {
            let at = tokenizer::Location { line: column.start.line, column: column.start.column };
            return !self.about.functions.is_empty() && span.start <= at && at <= span.end;
        }
        let own = &self.literals[from..];
        columns == self.columns
            && own.len() == self.about.literals.len()
            && own.iter().zip(&self.about.literals).all(|(one, other)| is_same(one, other))
    }
}

impl Visitor for PlaceSearch<'_> {
    type Break = tokenizer::Span;

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<tokenizer::Span> {
        self.open.push((self.literals.len(), self.columns));
        match expr {
            ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) => self.columns += 1,
            ast::Expr::Value(value) => self.literals.extend(constant(&value.value)),
            ast::Expr::TypedString(typed) => self.literals.extend(constant(&typed.value.value)),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<tokenizer::Span> {
        let Some((from, columns)) = self.open.pop() else { return ControlFlow::Continue(()) };
        let name = match expr {
            ast::Expr::Function(function) => function
                .name
                .0
                .last()
                .and_then(|part| part.as_ident())
                .filter(|name| self.about.is_called(&name.value)),
            _ => None,
        };
        if let Some(name) = name {
            self.calls.push(name.span);
        }
        let is_candidate = name.is_some() || self.about.functions.is_empty();
        if is_candidate && self.is_here(from, columns, expr.span()) {
            return ControlFlow::Break(name.map_or_else(|| expr.span(), |name| name.span));
        }
        ControlFlow::Continue(())
    }
}

fn constant(value: &ast::Value) -> Option<String> {
    match value {
        ast::Value::Number(digits, _) => Some(digits.replace('_', "")),
        ast::Value::Boolean(value) => Some(value.to_string()),
        other => other.clone().into_string(),
    }
}

/// Returns whether two constants have the same text, or are the same number up to its sign.
fn is_same(one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok().map(f64::abs);
    one == other || number(one).is_some_and(|one| number(other) == Some(one))
}
