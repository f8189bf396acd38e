//! Conditions as SQL expressions: CASE and NOT.

use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator};

pub(super) fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}

pub(super) fn case(
    operand: Option<Box<Expr>>,
    condition: Expr,
    then: Expr,
    otherwise: Option<Box<Expr>>,
) -> Expr {
    Expr::Case {
        case_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        end_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        operand,
        conditions: vec![datafusion::sql::sqlparser::ast::CaseWhen { condition, result: then }],
        else_result: otherwise,
    }
}

/// Returns whether an expression calls a function.
pub(super) fn has_call(expr: &Expr) -> bool {
    let mut found = false;
    let _ = datafusion::sql::sqlparser::ast::visit_expressions(expr, |part| {
        found |= matches!(part, Expr::Function(_));
        std::ops::ControlFlow::<()>::Continue(())
    });
    found
}
