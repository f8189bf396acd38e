//! Depth limit: rejects statements whose expressions are nested too deeply to plan.

use datafusion::sql::sqlparser::{
    ast::{BinaryOperator, Expr},
    tokenizer::{Token, TokenWithSpan},
};

use super::refusal::SyntaxRefusal;

/// The maximum number of levels, as in DuckDB (`max_expression_depth`). Each level asks for the type of every
/// level inside it, so planning time grows with the square of the depth.
const DEEPEST: usize = 1_000;

/// The maximum number of conditions in a chain of AND and OR, and of expressions within each other. The limit
/// is the stack of the planning threads.
const LONGEST: usize = 20_000;

/// The maximum number of calls, lists, structs and maps within each other. DataFusion makes the name of
/// every level whenever it asks for a type, so planning time grows with the cube of their depth. Names of
/// operators and casts are short.
const CALLS: usize = 250;

/// The maximum number of lambdas within each other. DataFusion plans the body of a lambda twice, and so the
/// innermost one 2ⁿ times.
const LAMBDAS: usize = 10;

/// The maximum weight of subqueries within each other. DataFusion checks and rewrites the plan of a subquery
/// as part of each plan around it, twice or more for each level.
const SUBQUERIES: usize = 12;

/// The stack of expressions being visited.
#[derive(Default)]
pub(super) struct Nesting {
    open: Vec<OpenExpr>,
    levels: usize,
    calls: usize,
    lambdas: usize,
    subqueries: usize,
}

/// The contribution of an expression to the nesting of those inside it.
#[derive(Clone, Copy, Default)]
struct OpenExpr {
    is_level: bool,
    /// The number of its calls: several if methods follow each other.
    calls: usize,
    is_lambda: bool,
    /// The weight of its subquery. Those of conditions are planned more often than those that are values.
    subquery: usize,
}

impl Nesting {
    /// Enters an expression, which is a chain of this many parts.
    ///
    /// # Errors
    /// If it is too deep or too long: returns a message and a workaround.
    pub(super) fn enter(&mut self, expr: &Expr, parts: usize) -> Result<(), (String, &'static str)> {
        let chained = matches!(expr, Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. });
        let is_level = !chained && !matches!(expr, Expr::Nested(_));
        let is_lambda = matches!(expr, Expr::Lambda(_));
        let subquery = match expr {
            Expr::Subquery(_) => 1,
            Expr::InSubquery { .. } | Expr::Exists { .. } => 2,
            _ => 0,
        };
        let calls = calls(expr);
        self.open.push(OpenExpr { is_level, calls, is_lambda, subquery });
        self.levels += usize::from(is_level);
        self.calls += calls;
        self.lambdas += usize::from(is_lambda);
        self.subqueries += subquery;
        let refused = |most| format!("this expression is nested more than {most} levels deep");
        if self.levels > DEEPEST {
            let help = "compute parts of it in a CTE, or give many values to one function: concat(…)";
            return Err((refused(DEEPEST), help));
        }
        if self.calls > CALLS {
            let help = "compute parts of it in a CTE";
            return Err((
                format!("calls, lists, structs or maps are nested more than {CALLS} levels deep"),
                help,
            ));
        }
        if self.lambdas > LAMBDAS {
            let help = "unnest the lists in a CTE, and group the results with `list(…)`";
            return Err((format!("lambdas are nested more than {LAMBDAS} levels deep"), help));
        }
        if self.subqueries > SUBQUERIES {
            let help = "move the inner ones to CTEs";
            return Err(("subqueries are nested too deeply".to_owned(), help));
        }
        let help = "write long lists of conditions as `in (…)`, or join a table of values";
        if parts > LONGEST {
            return Err((format!("this condition has more than {LONGEST} parts"), help));
        }
        if self.open.len() > LONGEST {
            return Err((refused(LONGEST), help));
        }
        Ok(())
    }

    /// Leaves the expression that was entered last.
    pub(super) fn leave(&mut self) {
        let OpenExpr { is_level, calls, is_lambda, subquery } = self.open.pop().unwrap_or_default();
        self.levels -= usize::from(is_level);
        self.calls -= calls;
        self.lambdas -= usize::from(is_lambda);
        self.subqueries -= subquery;
    }
}

/// Returns the number of calls that an expression becomes around its operands.
fn calls(expr: &Expr) -> usize {
    match expr {
        Expr::Function(_)
        | Expr::Array(_)
        | Expr::Dictionary(_)
        | Expr::Struct { .. }
        | Expr::Tuple(_)
        | Expr::Extract { .. }
        | Expr::Position { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Overlay { .. }
        | Expr::Ceil { .. }
        | Expr::Floor { .. }
        | Expr::AtTimeZone { .. } => 1,
        // The lists of its keys and values, too.
        Expr::Map(_) => 2,
        Expr::CompoundFieldAccess { access_chain, .. } => access_chain.len(),
        _ => 0,
    }
}

/// The maximum nesting of parentheses and subqueries that the parser accepts.
pub(super) const MOST_BRACKETS: usize = 1_000;

/// Checks the nesting of brackets before anything looks for their ends.
///
/// # Errors
/// At the first bracket that is too deep.
pub(super) fn brackets(tokens: &[TokenWithSpan]) -> Result<(), SyntaxRefusal> {
    let mut open = 0_usize;
    for token in tokens {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => open += 1,
            Token::RParen | Token::RBracket | Token::RBrace => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_BRACKETS {
            let message = format!("brackets are nested more than {MOST_BRACKETS} levels deep here");
            return Err(SyntaxRefusal::new(message, Some("compute parts of it in CTEs"), token.span));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::DuckDbDialect, tokenizer::Tokenizer};

    use super::*;

    fn checked(sql: &str) -> Result<(), SyntaxRefusal> {
        brackets(&Tokenizer::new(&DuckDbDialect {}, sql).tokenize_with_location().unwrap())
    }

    #[test]
    fn brackets_are_counted_before_they_are_parsed() {
        for (open, close) in [("[", "]"), ("(", ")"), ("{'a': ", "}"), ("f(", ")")] {
            let nested = |levels: usize| open.repeat(levels) + "1" + &close.repeat(levels);
            assert!(checked(&nested(MOST_BRACKETS)).is_ok());
            let refused = checked(&nested(MOST_BRACKETS + 1)).unwrap_err();
            assert_eq!(refused.message, "brackets are nested more than 1000 levels deep here");
            assert!(checked(&open.repeat(50_000)).is_err());
        }
        assert!(checked(&"[1], ".repeat(50_000)).is_ok());
        assert!(checked(&"]".repeat(50_000)).is_ok());
    }
}
