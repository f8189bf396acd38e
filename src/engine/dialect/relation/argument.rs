//! Arguments of PIVOT and UNPIVOT: their names, columns and errors.

use std::ops::ControlFlow;

use datafusion::{
    common::{DFSchema, Diagnostic, Span},
    error::DataFusionError,
    sql::sqlparser::{
        ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, VisitMut, VisitorMut},
        tokenizer,
    },
};

/// Returns the name of a call's function and its first argument.
fn call(expr: &Expr) -> Option<(&str, &FunctionArg)> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    let name = name.0.last()?.as_ident()?;
    Some((name.value.as_str(), list.args.first()?))
}

/// Returns the function name and the first argument of a call, if that is an expression.
pub(super) fn argument(expr: &Expr) -> Option<(&str, &Expr)> {
    match call(expr)? {
        (name, FunctionArg::Unnamed(FunctionArgExpr::Expr(value))) => Some((name, value)),
        _ => None,
    }
}

/// Spells the columns in an expression as the table does (names are case-insensitive), and appends their
/// positions to `places`.
pub(super) fn resolve(expr: &mut Expr, schema: &DFSchema, places: &mut Vec<usize>) {
    struct Resolve<'a>(&'a DFSchema, &'a mut Vec<usize>);
    impl VisitorMut for Resolve<'_> {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let name = match expr {
                Expr::Identifier(name) => name,
                Expr::CompoundIdentifier(names) => match names.last_mut() {
                    Some(name) => name,
                    None => return ControlFlow::Continue(()),
                },
                _ => return ControlFlow::Continue(()),
            };
            let same = |field: &datafusion::arrow::datatypes::FieldRef| {
                field.name().eq_ignore_ascii_case(&name.value)
            };
            if let Some(place) = self.0.fields().iter().position(same) {
                name.value.clone_from(self.0.field(place).name());
                name.quote_style = Some('"');
                self.1.push(place);
            }
            ControlFlow::Continue(())
        }
    }
    let _ = expr.visit(&mut Resolve(schema, places));
}

/// Makes a name unique: like DuckDB, adds a number to the second of two equal names.
pub(super) fn unique(name: &str, taken: &[String]) -> String {
    let is_taken = |name: &str| taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    if !is_taken(name) {
        return name.to_owned();
    }
    (1..=taken.len() + 1)
        .map(|number| format!("{name}_{number}"))
        .find(|name| !is_taken(name))
        .unwrap_or_default()
}

/// Returns an error at a position in the statement.
pub(super) fn refused(message: impl Into<String>, help: &str, span: tokenizer::Span) -> DataFusionError {
    let message = message.into();
    let mut diagnostic = Diagnostic::new_error(&message, Span::try_from_sqlparser_span(span));
    diagnostic.add_help(help, None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}
