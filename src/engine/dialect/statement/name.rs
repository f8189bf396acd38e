//! Name resolution: retries names that DataFusion didn't find as DuckDB would read them, without case and as
//! an alias of the same SELECT.
//!
//! A column of FROM always takes precedence over an alias, and only the planner knows the columns. So the
//! statement is planned first, and each name that wasn't found is then replaced in its SELECT.

use std::ops::ControlFlow;

use datafusion::{
    common::{Column, Location},
    sql::sqlparser::ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, VisitMut, VisitorMut},
};

/// Replaces the unknown name at a location of the statement. Returns whether there was a replacement.
///
/// `valid` lists the columns that the planner knows there.
pub(in crate::engine::dialect) fn resolve(
    query: &mut Query,
    name: &str,
    at: Location,
    valid: &[Column],
) -> bool {
    let mut search = SelectSearch { name, at, depth: Vec::new(), selects: 0 };
    let ControlFlow::Break(select) = query.visit(&mut search) else { return false };
    let mut replace = AliasReplacement { name, valid, select, selects: 0, done: false };
    let _ = query.visit(&mut replace);
    replace.done
}

/// A search for the SELECT that has the name at the location.
struct SelectSearch<'a> {
    name: &'a str,
    at: Location,
    /// The ordinals of the enclosing SELECTs.
    depth: Vec<usize>,
    selects: usize,
}

impl VisitorMut for SelectSearch<'_> {
    /// The ordinal of the found SELECT.
    type Break = usize;

    fn pre_visit_select(&mut self, _: &mut Select) -> ControlFlow<usize> {
        self.depth.push(self.selects);
        self.selects += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &mut Select) -> ControlFlow<usize> {
        self.depth.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<usize> {
        let names: &[Ident] = match expr {
            Expr::Identifier(name) => std::slice::from_ref(name),
            Expr::CompoundIdentifier(names) => names,
            _ => return ControlFlow::Continue(()),
        };
        let here =
            |name: &Ident| (name.span.start.line, name.span.start.column) == (self.at.line, self.at.column);
        if names.iter().any(here)
            && names.last().is_some_and(|last| last.value.eq_ignore_ascii_case(self.name))
            && let Some(select) = self.depth.last()
        {
            return ControlFlow::Break(*select);
        }
        ControlFlow::Continue(())
    }
}

/// A visitor that replaces a name in the expressions of one SELECT.
struct AliasReplacement<'a> {
    name: &'a str,
    valid: &'a [Column],
    select: usize,
    selects: usize,
    done: bool,
}

impl AliasReplacement<'_> {
    /// Returns the column of `range()` or `generate_series()` if the query uses DataFusion's name for it, as
    /// projects do that predate the DuckDB dialect.
    fn series(&self) -> Option<&Column> {
        let is_series = |column: &&Column| matches!(column.name.as_str(), "range" | "generate_series");
        self.valid.iter().find(is_series).filter(|_| self.name.eq_ignore_ascii_case("value"))
    }
}

/// Aliases a column that is selected by its old name, so that the result keeps that name.
fn keep_name(select: &mut Select, old: &str, new: &str) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && name.value.eq_ignore_ascii_case(old)
        {
            let alias = name.clone();
            *item = SelectItem::ExprWithAlias { expr: Expr::Identifier(Ident::with_quote('"', new)), alias };
        }
    }
}

impl VisitorMut for AliasReplacement<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let own = self.selects;
        self.selects += 1;
        if own != self.select {
            return ControlFlow::Continue(());
        }
        let same = |column: &&Column| column.name.eq_ignore_ascii_case(self.name);
        let column = self.valid.iter().find(same).or_else(|| self.series());
        if let Some(column) = column.filter(|column| !column.name.eq_ignore_ascii_case(self.name)) {
            keep_name(select, self.name, &column.name);
        }
        let mut occurrences = match column {
            // Quoting the name makes it exact.
            Some(column) if column.name != self.name => {
                Occurrences { name: self.name, with: With::Name(&column.name), depth: 0, done: false }
            }
            Some(_) => return ControlFlow::Break(()),
            None => {
                let alias = select.projection.iter().position(|item| {
                    matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value.eq_ignore_ascii_case(self.name))
                });
                let Some(at) = alias else { return ControlFlow::Break(()) };
                let SelectItem::ExprWithAlias { expr, .. } = &select.projection[at] else {
                    return ControlFlow::Break(());
                };
                let expr = Expr::Nested(Box::new(expr.clone()));
                let mut occurrences =
                    Occurrences { name: self.name, with: With::Expr(expr), depth: 0, done: false };
                for item in select.projection.iter_mut().skip(at + 1) {
                    let _ = item.visit(&mut occurrences);
                }
                occurrences.conditions(select);
                self.done = occurrences.done;
                return ControlFlow::Break(());
            }
        };
        for item in &mut select.projection {
            let _ = item.visit(&mut occurrences);
        }
        for from in &mut select.from {
            for join in &mut from.joins {
                let _ = join.join_operator.visit(&mut occurrences);
            }
        }
        occurrences.conditions(select);
        self.done = occurrences.done;
        ControlFlow::Break(())
    }
}

#[expect(clippy::large_enum_variant, reason = "there is one")]
enum With<'a> {
    Name(&'a str),
    Expr(Expr),
}

/// A visitor that replaces a name outside subqueries.
struct Occurrences<'a> {
    name: &'a str,
    with: With<'a>,
    depth: usize,
    done: bool,
}

impl Occurrences<'_> {
    fn conditions(&mut self, select: &mut Select) {
        for condition in
            [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten()
        {
            let _ = condition.visit(self);
        }
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            for key in keys {
                // An alias can be a whole key, but not part of one.
                let whole = matches!(key, Expr::Identifier(_) | Expr::Nested(_));
                if whole || matches!(self.with, With::Name(_)) {
                    let _ = key.visit(self);
                }
            }
        }
        for window in &mut select.named_window {
            let _ = window.visit(self);
        }
    }
}

impl VisitorMut for Occurrences<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match (&self.with, expr) {
            (With::Expr(with), expr @ Expr::Identifier(_)) => {
                if matches!(&*expr, Expr::Identifier(name) if name.value.eq_ignore_ascii_case(self.name)) {
                    *expr = with.clone();
                    self.done = true;
                }
            }
            (With::Name(with), Expr::Identifier(name)) => self.done |= rename(name, self.name, with),
            (With::Name(with), Expr::CompoundIdentifier(names)) => {
                if let Some(last) = names.last_mut() {
                    self.done |= rename(last, self.name, with);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn rename(name: &mut Ident, from: &str, to: &str) -> bool {
    let hit = name.value.eq_ignore_ascii_case(from) && (name.value != to || name.quote_style.is_none());
    if hit {
        to.clone_into(&mut name.value);
        name.quote_style = Some('"');
    }
    hit
}
