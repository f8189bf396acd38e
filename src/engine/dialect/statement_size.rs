//! Statement size: balances long chains right after a statement is parsed, and rejects what is nested too
//! deeply, before anything else walks the statement: each level takes a part of the stack.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::{
    error::Result,
    sql::{
        parser::Statement,
        sqlparser::ast::{Expr, Query, SetExpr, Spanned, VisitMut, VisitorMut},
    },
};

use super::{
    Dialect,
    depth::Nesting,
    refusal::{SyntaxRefusal, refused},
    statement::{long_condition, long_union},
};

/// The maximum number of parts in a chain of UNION, INTERSECT and EXCEPT. DataFusion plans it in time that
/// grows with the square of the parts; UNION ALL is balanced.
const MOST_PARTS: usize = 5_000;

/// Balances the chains of a statement.
///
/// # Errors
/// If it is nested too deeply.
pub(super) fn bounded(dialect: Dialect, mut statement: Statement) -> Result<Statement> {
    if let Statement::Statement(inner) = &mut statement {
        let mut check = SizeCheck {
            // PostgreSQL finds the types of a chain of UNION ALL from left to right.
            balances_unions: dialect == Dialect::DuckDb,
            depth: Nesting::default(),
            recursive: HashSet::new(),
        };
        if let ControlFlow::Break(found) = inner.visit(&mut check) {
            return Err(refused(found));
        }
    }
    Ok(statement)
}

struct SizeCheck {
    balances_unions: bool,
    depth: Nesting,
    /// The queries of recursive CTEs, by memory address.
    recursive: HashSet<*const Query>,
}

impl VisitorMut for SizeCheck {
    type Break = SyntaxRefusal;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SyntaxRefusal> {
        if let Some(with) = query.with.as_ref().filter(|with| with.recursive) {
            self.recursive.extend(with.cte_tables.iter().map(|table| &raw const *table.query));
        }
        if self.balances_unions && !self.recursive.contains(&(&raw const *query)) {
            long_union::balance(&mut query.body);
        }
        let (mut parts, mut body) = (1, query.body.as_ref());
        while let SetExpr::SetOperation { left, right, .. } = body {
            parts += 1;
            if parts > MOST_PARTS {
                let message =
                    format!("this chain of UNION, INTERSECT or EXCEPT has more than {MOST_PARTS} parts");
                let help = "write UNION ALL, and SELECT DISTINCT over all of it";
                return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), right.span()));
            }
            body = left;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        let parts = long_condition::balance(expr);
        match self.depth.enter(expr, parts) {
            Ok(()) => ControlFlow::Continue(()),
            // The end of a chain is small, while its beginning has all other levels.
            Err((message, help)) => {
                let span = match expr {
                    Expr::BinaryOp { right, .. } => right.span(),
                    other => other.span(),
                };
                ControlFlow::Break(SyntaxRefusal::new(message, Some(help), span))
            }
        }
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        self.depth.leave();
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParserBuilder;

    use super::*;
    use crate::engine::grammar::DuckDbGrammar;

    /// Returns the error about a statement, or its text. Long chains are dropped level by level, which takes
    /// more stack than the threads of tests have.
    fn checked(sql: &str) -> Result<String, String> {
        let sql = sql.to_owned();
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(move || checked_here(&sql));
        thread.unwrap().join().unwrap()
    }

    fn checked_here(sql: &str) -> Result<String, String> {
        let grammar = DuckDbGrammar::of_statement(sql.len());
        let mut parsed =
            DFParserBuilder::new(sql).with_dialect(&grammar).build().unwrap().parse_statements().unwrap();
        let bounded = bounded(Dialect::DuckDb, parsed.pop_front().unwrap());
        bounded.map(|statement| statement.to_string()).map_err(|error| error.strip_backtrace())
    }

    #[test]
    fn long_chains_are_refused_before_they_are_walked() {
        for (chain, part) in [(" + ", "a"), (" || ", "a"), (" or ", "a"), (" and ", "a = 1")] {
            let said = checked(&format!("select {}", vec![part; 100_000].join(chain))).unwrap_err();
            assert!(said.contains("more than"), "{chain}: {said}");
        }
        for chain in [" union ", " intersect ", " except ", " union all select 1 union "] {
            let said = checked(&vec!["select 1"; 30_000].join(chain)).unwrap_err();
            assert!(said.contains("more than 5000 parts"), "{chain}: {said}");
        }
    }

    #[test]
    fn a_statement_keeps_its_text() {
        let conditions: Vec<String> = (0..200).map(|number| format!("a = {number}")).collect();
        let unions: Vec<String> = (0..200).map(|number| format!("SELECT {number}")).collect();
        for sql in [
            format!("SELECT a FROM t WHERE {}", conditions.join(" OR ")),
            format!("SELECT a FROM t JOIN u ON {}", conditions.join(" AND ")),
            unions.join(" UNION ALL "),
            format!("WITH RECURSIVE c AS ({}) SELECT * FROM c", unions.join(" UNION ALL ")),
        ] {
            assert_eq!(checked(&sql).unwrap(), sql);
        }
        assert!(checked(&vec!["select 1"; 20_000].join(" union all ")).is_ok());
    }
}
