//! The depth of a statement's expressions: those that are too deep to be planned are refused.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

/// Levels that are refused, as in DuckDB (`max_expression_depth`). The type of a level is asked for by each
/// level around it, so that planning takes as long as the square of this number.
const DEEPEST: usize = 1_000;

/// Conditions in a chain of AND and OR that are refused, which has one type at all levels: within the stack
/// of the threads that plan.
const LONGEST: usize = 20_000;

/// The expressions that are being visited.
#[derive(Default)]
pub(super) struct Depth {
    /// For each, whether the expressions in it are a level deeper.
    open: Vec<bool>,
    levels: usize,
}

impl Depth {
    /// Goes into an expression.
    ///
    /// # Errors
    /// If it is too deep: a message and a way out.
    pub(super) fn enter(&mut self, expr: &Expr) -> Result<(), (String, &'static str)> {
        let chained = matches!(expr, Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. });
        let is_level = !chained && !matches!(expr, Expr::Nested(_));
        self.open.push(is_level);
        self.levels += usize::from(is_level);
        let refused = |most| format!("this expression is nested more than {most} levels deep");
        if self.levels > DEEPEST {
            let help = "compute parts of it in a CTE, or give many values to one function: concat(…)";
            return Err((refused(DEEPEST), help));
        }
        if self.open.len() > LONGEST {
            let help = "write long lists of conditions as `in (…)`, or join a table of values";
            return Err((refused(LONGEST), help));
        }
        Ok(())
    }

    /// Leaves the expression that was entered last.
    pub(super) fn leave(&mut self) {
        self.levels -= usize::from(self.open.pop().unwrap_or_default());
    }
}
