//! Depth limit: rejects statements whose expressions are nested too deeply to plan.

use datafusion::{
    error::Result,
    sql::sqlparser::ast::{BinaryOperator, Expr},
};

/// The maximum number of levels, as in DuckDB (`max_expression_depth`). Each level asks for the type of every
/// level inside it, so planning time grows with the square of the depth.
const DEEPEST: usize = 1_000;

/// The maximum number of conditions in a chain of AND and OR. All levels of such a chain have one type, so
/// the limit is the stack of the planning threads.
const LONGEST: usize = 20_000;

/// The stack of expressions being visited.
#[derive(Default)]
pub(super) struct Nesting {
    /// For each open expression, whether it adds a level.
    open: Vec<bool>,
    levels: usize,
}

impl Nesting {
    /// Enters an expression.
    ///
    /// # Errors
    /// If it is too deep: returns a message and a workaround.
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

/// The maximum nesting of parentheses and subqueries that the parser accepts.
pub(super) const MOST_BRACKETS: usize = 1_000;
