//! Positions of stars: finds the placeholders of stars in a query.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Distinct, Expr, Query, Select, SelectItem, Visit, Visitor};

use super::star::STAR;

/// Returns whether a SELECT contains the star outside its subqueries.
pub(super) fn holds(select: &Select, number: usize) -> bool {
    let has = |expr: &Expr| has_star(expr, Some(number));
    let in_items = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => has(expr),
        _ => false,
    });
    let in_keys = matches!(&select.distinct, Some(Distinct::On(keys)) if keys.iter().any(has));
    in_items || in_keys || [&select.selection, &select.qualify].into_iter().flatten().any(has)
}

/// Returns whether an expression contains a star outside subqueries: any star, or the one with this number.
pub(super) fn has_star(expr: &Expr, number: Option<usize>) -> bool {
    struct StarSearch(Option<usize>, usize);
    impl Visitor for StarSearch {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match star_number(expr) {
                Some(number) if self.1 == 0 && self.0.is_none_or(|wanted| wanted == number) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut StarSearch(number, 0)).is_break()
}

/// Returns the number of the star that an expression stands for.
pub(super) fn star_number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Identifier(name) => number_of(&name.value),
        _ => None,
    }
}

/// Returns the number of the star with this placeholder name.
pub(in crate::engine::dialect) fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix(STAR)?.parse().ok()
}
