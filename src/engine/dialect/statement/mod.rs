//! Statement rewrites: replace DuckDB syntax that DataFusion can't plan with equivalent syntax that it can,
//! so that it plans what DuckDB means. No types are known here; whatever depends on them is left to `coerce`.
//!
//! - `column`: names of columns that are casts
//! - `expression`: casts, operators and special forms become functions; `literal`, `function`: literals, and
//!   calls with another syntax; `condition`: CASE and NOT; `long_condition`: AND and OR of many parts
//! - `access`: fields, positions, slices and methods of a value
//! - `aggregate`: aggregate calls that DataFusion reads differently
//! - `subquery`: EXISTS and IN (SELECT …) as values become scalar subqueries
//! - `lambda`: fields and lists of the parameters of a lambda
//! - `relation`, `join`: relations in FROM
//! - `query`: ORDER BY, LIMIT, VALUES, DISTINCT ON; `long_union`: UNION ALL of many parts
//! - `using`: columns that joins with USING merge
//! - `window`: windows that extend others, and ORDER BY within window function calls
//! - `having`: aliases in HAVING
//! - `name`: case-insensitive names, and aliases of the same SELECT
//! - `star`, `expand`: COLUMNS and stars with options, before and after their columns are known;
//!   `star_column`, `star_place`: their columns, and where a query has them

mod access;
mod aggregate;
mod column;
mod condition;
mod expand;
mod expression;
mod file_table;
pub(super) mod frame;
mod function;
mod grouping;
mod having;
mod join;
mod lambda;
mod literal;
pub(super) mod long_condition;
pub(super) mod long_union;
mod name;
mod query;
pub(super) mod relation;
mod star;
mod star_column;
mod star_place;
pub(super) mod subquery;
pub(super) mod using;
mod window;

use std::{collections::HashSet, mem, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, LimitClause, OrderBy, OrderByKind, Query, Select, SelectFlavor, SelectItem,
    SetExpr, Spanned, TableFactor, TableFunctionArgs, VisitMut, VisitorMut, WildcardAdditionalOptions,
    WindowFrame, WindowType,
};

pub(super) use self::{
    expand::expand,
    having::having,
    name::{MOST_EXPRESSIONS, resolve},
    star::{Choice, Star, condition},
    star_column::{StarColumn, candidates},
    star_place::number_of,
};
use super::refusal::SyntaxRefusal;

/// Rewrites a query in place. Returns its stars; placeholders in the query refer to them by index.
///
/// # Errors
/// For the first construct that would be planned with a different meaning.
pub(super) fn lower(query: &mut Query) -> Result<Vec<Star>, SyntaxRefusal> {
    let mut lowering = StatementLowering::default();
    match query.visit(&mut lowering) {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(lowering.stars),
    }
}

/// Visits the LIMIT clauses of a query and its subqueries.
pub(super) fn limits<E>(
    query: &mut Query,
    of_one: impl FnMut(&mut LimitClause) -> Result<(), E>,
) -> Result<(), E> {
    struct LimitVisitor<F>(F);
    impl<E, F: FnMut(&mut LimitClause) -> Result<(), E>> VisitorMut for LimitVisitor<F> {
        type Break = E;

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<E> {
            match query.limit_clause.as_mut().map_or(Ok(()), &mut self.0) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    match query.visit(&mut LimitVisitor(of_one)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Expands ORDER BY ALL in the query that has `name` as the placeholder for it. `known` is the number of
/// columns if the query is a set operation. Returns whether such a query was found.
pub(super) fn order_by_all(query: &mut Query, name: &str, known: usize) -> bool {
    struct OrderByAllSearch<'a>(&'a str, usize);
    impl VisitorMut for OrderByAllSearch<'_> {
        type Break = ();

        fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
            let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = &query.order_by else {
                return ControlFlow::Continue(());
            };
            let is_it = matches!(orders.as_slice(), [order]
                if matches!(&order.expr, Expr::Identifier(name) if name.value == self.0));
            if !is_it {
                return ControlFlow::Continue(());
            }
            let columns = match query.body.as_ref() {
                SetExpr::Select(select) => select.projection.len(),
                _ => self.1,
            };
            query::order_by_all(query, columns);
            ControlFlow::Break(())
        }
    }
    name.starts_with(query::ALL) && query.visit(&mut OrderByAllSearch(name, known)).is_break()
}

#[derive(Default)]
struct StatementLowering {
    /// The LIMIT clauses of the enclosing queries, which stay as written.
    limits: Vec<Option<LimitClause>>,
    /// The window frames, which stay as written: one entry per expression being visited.
    frames: Vec<Option<WindowFrame>>,
    /// The frames of the named windows of each enclosing SELECT.
    named_frames: Vec<Vec<Option<WindowFrame>>>,
    /// The arguments of table functions, which stay as written.
    arguments: Vec<Option<TableFunctionArgs>>,
    /// The names of the relations in FROM, which can clash with a lambda's parameters.
    relations: Vec<String>,
    /// The subqueries that DataFusion plans as joins, by memory address.
    joined: HashSet<*const Query>,
    /// The stars whose columns aren't known yet.
    stars: Vec<Star>,
    /// For each SELECT being visited, the indexes of its stars.
    own_stars: Vec<Vec<usize>>,
    /// The number of queries with ORDER BY ALL so far.
    ordered_by_all: usize,
}

impl StatementLowering {
    /// Registers a star of the current SELECT, and returns its placeholder. Equal stars share one.
    fn star(&mut self, star: Star) -> Expr {
        let span = star.span;
        let own = self.own_stars.last().into_iter().flatten();
        let number = own.copied().find(|number| self.stars[*number] == star).unwrap_or(self.stars.len());
        if number == self.stars.len() {
            self.stars.push(star);
            if let Some(own) = self.own_stars.last_mut() {
                own.push(number);
            }
        }
        star::placeholder(number, span)
    }

    /// Replaces the stars in a SELECT list: those with options, and also `plain` ones if their columns must
    /// be known.
    fn stars(&mut self, select: &mut Select, plain: bool) {
        for item in &mut select.projection {
            if let Some(star) = Star::of_item(item, plain) {
                *item = SelectItem::UnnamedExpr(self.star(star));
            }
        }
    }
}

fn flow(result: Result<(), SyntaxRefusal>) -> ControlFlow<SyntaxRefusal> {
    result.map_or_else(ControlFlow::Break, ControlFlow::Continue)
}

impl VisitorMut for StatementLowering {
    type Break = SyntaxRefusal;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SyntaxRefusal> {
        if let Some(with) = &mut query.with {
            for table in &mut with.cte_tables {
                column::tell_apart(&table.alias, &mut table.query);
            }
        }
        using::lower(query)?;
        flow(query::recursive(query))?;
        flow(query::fetch(query))?;
        self.limits.push(query.limit_clause.take());
        column::name_casts(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<SyntaxRefusal> {
        query.limit_clause = self.limits.pop().flatten();
        if let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = &mut query.order_by {
            for order in orders {
                expression::as_written(&mut order.expr);
            }
        }
        query::values(query);
        if matches!(&query.order_by, Some(OrderBy { kind: OrderByKind::All(_), .. }))
            && let SetExpr::Select(select) = query.body.as_mut()
        {
            // The number of columns is known only after the stars are expanded.
            self.stars(select, true);
        }
        flow(query::distinct_on(query))?;
        match query::order(query, self.ordered_by_all) {
            Ok(by_all) => self.ordered_by_all += usize::from(by_all),
            Err(refused) => return ControlFlow::Break(refused),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SyntaxRefusal> {
        if matches!(select.flavor, SelectFlavor::FromFirstNoSelect) {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        }
        select.flavor = SelectFlavor::Standard;
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            flow(grouping::tuples(keys))?;
            flow(grouping::sets(keys))?;
        }
        self.relations.extend(lambda::relations(&select.from));
        self.own_stars.push(Vec::new());
        window::inherit(select)?;
        if let Err(refused) = aggregate::states(select) {
            return ControlFlow::Break(refused);
        }
        subquery::name_columns(select);
        subquery::lateral(select);
        for condition in
            [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten()
        {
            flow(subquery::rows(condition))?;
        }
        for condition in [&select.selection, &select.having, &select.qualify].into_iter().flatten() {
            subquery::joined(condition, true, &mut self.joined);
        }
        for join in select.from.iter_mut().flat_map(|from| &mut from.joins) {
            flow(join::lower(join))?;
        }
        let frames = select.named_window.iter_mut().map(|window| match &mut window.1 {
            datafusion::sql::sqlparser::ast::NamedWindowExpr::WindowSpec(spec) => spec.window_frame.take(),
            datafusion::sql::sqlparser::ast::NamedWindowExpr::NamedWindow(_) => None,
        });
        self.named_frames.push(frames.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<SyntaxRefusal> {
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            keys.iter_mut().for_each(expression::as_written);
            let before = keys.len();
            keys.retain(|key| !matches!(key, Expr::Tuple(items) if items.is_empty()));
            let calls = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                    self::condition::has_call(expr)
                }
                _ => false,
            };
            // All rows form one group, even if the SELECT computes nothing from it.
            if keys.len() < before && keys.is_empty() && !select.projection.iter().any(calls) {
                let help = Some("select an aggregate, such as any_value(…)");
                let message = "GROUP BY () without an aggregate is not supported";
                return ControlFlow::Break(SyntaxRefusal::new(message, help, select.span()));
            }
        }
        // DataFusion omits the column of either side if USING merges them.
        let merges = select.from.iter().flat_map(|from| &from.joins).any(using::merges);
        self.stars(select, merges);
        self.own_stars.pop();
        let frames = self.named_frames.pop().unwrap_or_default();
        for (window, frame) in select.named_window.iter_mut().zip(frames) {
            if let datafusion::sql::sqlparser::ast::NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                spec.window_frame = frame;
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SyntaxRefusal> {
        if let TableFactor::Derived { subquery, alias: Some(alias), .. } = factor {
            column::tell_apart(alias, subquery);
        }
        file_table::refuse(factor)?;
        relation::lower(factor)?;
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            for join in &mut table_with_joins.joins {
                flow(join::lower(join))?;
            }
        }
        // Functions of constants that remain get their arguments as written.
        self.arguments.push(match factor {
            TableFactor::Table { args, .. } => args.take(),
            _ => None,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SyntaxRefusal> {
        if let (Some(Some(arguments)), TableFactor::Table { args, .. }) = (self.arguments.pop(), factor) {
            *args = Some(arguments);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        let frame = match expr {
            Expr::Function(function) => match &mut function.over {
                Some(WindowType::WindowSpec(spec)) => spec.window_frame.take(),
                _ => None,
            },
            _ => None,
        };
        self.frames.push(frame);
        if let Expr::Function(function) = expr {
            lambda::lower(function, &self.relations)?;
        }
        expression::before(expr)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        if let Some(frame) = self.frames.pop().flatten()
            && let Expr::Function(function) = expr
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
        {
            spec.window_frame = Some(frame);
        }
        if let Expr::Function(function) = expr {
            match Star::of_call(function) {
                Ok(Some(star)) => {
                    *expr = self.star(star);
                    return ControlFlow::Continue(());
                }
                Ok(None) => {}
                Err(refused) => return ControlFlow::Break(refused),
            }
        }
        if let Some(rewritten) = subquery::lower(expr, &self.joined) {
            *expr = rewritten;
            return ControlFlow::Continue(());
        }
        if let Expr::Array(list) = expr {
            // DataFusion plans the items of a list literal without their context: neither outer columns nor
            // CTEs are known there.
            let is_inner = self.own_stars.len() > 1;
            let reads =
                |item: &Expr| (is_inner && self::relation::has_column(item)) || subquery::has_subquery(item);
            if list.elem.iter().any(reads) {
                *expr = crate::engine::ast::call("list_value", mem::take(&mut list.elem));
            }
        }
        let taken = mem::replace(expr, Expr::Identifier(Ident::new("")));
        match expression::lower(taken) {
            Ok(lowered) => *expr = lowered,
            Err(refused) => return ControlFlow::Break(refused),
        }
        ControlFlow::Continue(())
    }
}

/// Returns a placeholder query.
pub(super) fn nothing() -> Query {
    relation::query(value_of(crate::engine::ast::integer(1)))
}

/// Returns `SELECT value`.
pub(super) fn value_of(value: Expr) -> SetExpr {
    SetExpr::Select(Box::new(relation::select(value, Vec::new(), None)))
}

/// Returns the value of `SELECT value`.
pub(super) fn only_value(query: Query) -> Option<Expr> {
    let SetExpr::Select(select) = *query.body else { return None };
    match select.projection.into_iter().next()? {
        SelectItem::UnnamedExpr(value) => Some(value),
        _ => None,
    }
}
