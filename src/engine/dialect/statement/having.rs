//! Aliases in HAVING, which take precedence over the columns of FROM there:
//! `select a, max(b) as b … having b > 6`.
//!
//! GROUP BY keys take precedence over both, and the arguments of an aggregate are always columns of FROM.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Query, Select, SelectItem, VisitMut, VisitorMut};

/// Replaces the aliases in the HAVING of every SELECT with their expressions.
pub(in crate::engine::dialect) fn having(query: &mut Query, is_aggregate: impl Fn(&str) -> bool) {
    let _ = query.visit(&mut Selects(is_aggregate));
}

struct Selects<F>(F);

impl<F: Fn(&str) -> bool> VisitorMut for Selects<F> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some(mut condition) = select.having.take() else { return ControlFlow::Continue(()) };
        let _ = condition.visit(&mut Aliases { select, is_aggregate: &self.0, within: 0 });
        select.having = Some(condition);
        ControlFlow::Continue(())
    }
}

struct Aliases<'a, F> {
    select: &'a Select,
    is_aggregate: &'a F,
    /// The number of enclosing subqueries, aggregates and lambdas.
    within: usize,
}

impl<F: Fn(&str) -> bool> Aliases<'_, F> {
    /// Returns whether names in an expression can't be aliases: in an aggregate, or in a lambda, which has
    /// parameters.
    fn is_apart(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Function(function) => {
                (self.is_aggregate)(&function.name.to_string().trim_matches('"').to_lowercase())
            }
            Expr::Lambda(_) => true,
            _ => false,
        }
    }

    fn is_key(&self, name: &str) -> bool {
        let GroupByExpr::Expressions(keys, _) = &self.select.group_by else { return false };
        keys.iter().any(|key| {
            let last = last_name(key);
            // A key may be the alias of a column, which then is the key.
            let aliased = last.and_then(|last| self.named(last)).and_then(last_name);
            [last, aliased].into_iter().flatten().any(|key| key.eq_ignore_ascii_case(name))
        })
    }

    fn named(&self, name: &str) -> Option<&Expr> {
        self.select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value.eq_ignore_ascii_case(name) => Some(expr),
            _ => None,
        })
    }
}

/// Returns the name of a column, without its table.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

impl<F: Fn(&str) -> bool> VisitorMut for Aliases<'_, F> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.within += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.within -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.within += usize::from(self.is_apart(expr));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.is_apart(expr) {
            self.within -= 1;
            return ControlFlow::Continue(());
        }
        if self.within == 0
            && let Expr::Identifier(name) = expr
            && !self.is_key(&name.value)
            && let Some(named) = self.named(&name.value)
        {
            *expr = Expr::Nested(Box::new(named.clone()));
        }
        ControlFlow::Continue(())
    }
}
