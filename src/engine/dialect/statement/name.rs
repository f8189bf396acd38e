//! Name resolution: retries names that DataFusion didn't find as DuckDB would read them, without case and as
//! an alias of the same SELECT.
//!
//! A column of FROM always takes precedence over an alias, and only the planner knows the columns. So the
//! statement is planned first, and each name that wasn't found is then replaced in its SELECT.

use std::ops::ControlFlow;

use datafusion::{
    common::{Column, Location},
    sql::sqlparser::{
        ast::{Expr, GroupByExpr, Ident, Query, Select, SelectItem, VisitMut, VisitorMut},
        tokenizer::Span,
    },
};

use crate::engine::dialect::refusal::SyntaxRefusal;

/// The maximum number of expressions that aliases of one statement are replaced by. An alias that is used
/// twice doubles its expression, so a chain of such aliases doubles at each step.
pub(in crate::engine::dialect) const MOST_EXPRESSIONS: usize = 50_000;

/// Replaces the unknown name at a location of the statement. Returns whether there was a replacement.
///
/// `valid` lists the columns that the planner knows there; `left` is the number of expressions that may still
/// be added.
///
/// # Errors
/// If the name is an alias and replacing it would add more than `left` expressions.
pub(in crate::engine::dialect) fn resolve(
    query: &mut Query,
    name: &str,
    at: Location,
    valid: &[Column],
    left: &mut usize,
) -> Result<bool, SyntaxRefusal> {
    let mut search = SelectSearch { name, at, depth: Vec::new(), selects: 0 };
    let ControlFlow::Break(select) = query.visit(&mut search) else { return Ok(false) };
    let mut replace = AliasReplacement { name, valid, select, selects: 0, left, done: false };
    match query.visit(&mut replace) {
        ControlFlow::Break(Some(refused)) => Err(refused),
        _ => Ok(replace.done),
    }
}

/// Returns the number of expressions in an expression.
fn size(expr: &mut Expr) -> usize {
    struct Count(usize);
    impl VisitorMut for Count {
        type Break = ();

        fn pre_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
    }
    let mut count = Count(0);
    let _ = expr.visit(&mut count);
    count.0
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
    left: &'a mut usize,
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
    /// The error if the name's replacement is too long.
    type Break = Option<SyntaxRefusal>;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Option<SyntaxRefusal>> {
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
                Occurrences { name: self.name, with: With::Name(&column.name), depth: 0, count: 0 }
            }
            Some(_) => return ControlFlow::Break(None),
            None => {
                let alias = select.projection.iter().position(|item| {
                    matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value.eq_ignore_ascii_case(self.name))
                });
                let Some(at) = alias else { return ControlFlow::Break(None) };
                let SelectItem::ExprWithAlias { expr, alias } = &select.projection[at] else {
                    return ControlFlow::Break(None);
                };
                let span = alias.span;
                let mut expr = Expr::Nested(Box::new(expr.clone()));
                let size = size(&mut expr);
                let most = *self.left / size;
                let mut occurrences =
                    Occurrences { name: self.name, with: With::Expr(expr, most), depth: 0, count: 0 };
                for item in select.projection.iter_mut().skip(at + 1) {
                    let _ = item.visit(&mut occurrences);
                }
                occurrences.conditions(select);
                if occurrences.count > most {
                    return ControlFlow::Break(Some(too_long(self.name, span)));
                }
                *self.left -= occurrences.count * size;
                self.done = occurrences.count > 0;
                return ControlFlow::Break(None);
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
        self.done = occurrences.count > 0;
        ControlFlow::Break(None)
    }
}

fn too_long(alias: &str, span: Span) -> SyntaxRefusal {
    let message = format!(
        "the alias {alias} is used so often that the query would have over {MOST_EXPRESSIONS} expressions: each \
         use of an alias repeats its expression"
    );
    SyntaxRefusal::new(message, Some("compute it in a CTE and select from that"), span)
}

#[expect(clippy::large_enum_variant, reason = "there is one")]
enum With<'a> {
    Name(&'a str),
    /// The expression, and the maximum number of times it is put in.
    Expr(Expr, usize),
}

/// A visitor that replaces a name outside subqueries.
struct Occurrences<'a> {
    name: &'a str,
    with: With<'a>,
    depth: usize,
    /// The number of occurrences.
    count: usize,
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
            (With::Expr(with, most), expr @ Expr::Identifier(_)) => {
                if matches!(&*expr, Expr::Identifier(name) if name.value.eq_ignore_ascii_case(self.name)) {
                    self.count += 1;
                    if self.count > *most {
                        return ControlFlow::Break(());
                    }
                    *expr = with.clone();
                }
            }
            (With::Name(with), Expr::Identifier(name)) => {
                self.count += usize::from(rename(name, self.name, with));
            }
            (With::Name(with), Expr::CompoundIdentifier(names)) => {
                if let Some(last) = names.last_mut() {
                    self.count += usize::from(rename(last, self.name, with));
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::engine::{Engine, EngineSettings};

    /// Returns a SELECT of `levels` aliases, each of which uses the one before twice.
    fn doubling(levels: usize) -> String {
        let mut sql = "select a0".to_owned();
        for level in 1..=levels {
            let before = level - 1;
            write!(sql, ", (a{before} || a{before}) as a{level}").unwrap();
        }
        sql + " from (select 'x' as a0)"
    }

    #[tokio::test]
    async fn aliases_that_double_are_refused() {
        let settings = EngineSettings {
            threads: 1,
            memory_limit: None,
            dialect: "duckdb".into(),
            database: "lake".into(),
            temp_dir: None,
        };
        let engine = Engine::new(&settings).unwrap();
        engine.plan(&doubling(8)).await.unwrap();
        let error = engine.plan(&doubling(40)).await.unwrap_err();
        assert!(error.message.contains("is used so often that the query would have over 50000"), "{error:?}");
        assert_eq!(error.helps, ["compute it in a CTE and select from that"]);
    }
}
