//! Errors with the place of the expression that they are about.

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Diagnostic, Span,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    error::DataFusionError,
    logical_expr::Expr,
};

use super::super::types::{self, is_text};

pub(super) fn incomparable(
    left: &Expr,
    left_type: &DataType,
    right: &Expr,
    right_type: &DataType,
    op: &str,
) -> DataFusionError {
    let message = format!("can't compare {} {op} {}", types::name(left_type), types::name(right_type));
    let about = if place(left).is_some() { left } else { right };
    let text = if is_text(left_type) { left } else { right };
    let other = if is_text(left_type) { right_type } else { left_type };
    let help = if is_text(left_type) || is_text(right_type) {
        format!("cast the text: cast({} as {})", written(text), types::name(other).to_lowercase())
    } else {
        "cast one of them to the other's type".to_owned()
    };
    at(about, message, &help)
}

/// An expression roughly as it is written.
pub(super) fn written(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.flat_name(),
        Expr::Literal(value, _) => format!("'{value}'"),
        _ => "…".to_owned(),
    }
}

/// An error at the place of an expression.
pub(super) fn at(expr: &Expr, message: String, help: &str) -> DataFusionError {
    let mut diagnostic = Diagnostic::new_error(&message, place(expr));
    diagnostic.add_help(help, None);
    DataFusionError::Plan(message).with_diagnostic(diagnostic)
}

pub(super) fn placed(error: DataFusionError, place: Option<Span>) -> DataFusionError {
    if place.is_none() || error.diagnostic().is_some() {
        return error;
    }
    let message = super::super::super::message(&error);
    error.with_diagnostic(Diagnostic::new_error(message, place))
}

/// Where an expression is written: the columns in it know.
pub(super) fn place(expr: &Expr) -> Option<Span> {
    let mut found = None;
    let visited = expr.apply(|part| {
        if let Expr::Column(column) = part
            && let Some(span) = column.spans().first()
        {
            found = Some(span);
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor never fails");
    found
}

/// Where the first of some expressions that knows it is written.
pub(super) fn place_of(expressions: &[Expr]) -> Option<Span> {
    expressions.iter().find_map(place)
}
