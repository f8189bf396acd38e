//! Statement rewrites: checks clauses against the allow list, and rewrites expressions with `expression`.

use std::{collections::HashSet, mem, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Fetch, GroupByExpr, Ident, LimitClause, NamedWindowExpr, OrderBy, OrderByKind, Query,
    Select, SetExpr, Spanned, TableFactor, Value, ValueWithSpan, Values, VisitMut, VisitorMut, WindowFrame,
    WindowType,
};

use super::super::statement::subquery;
use super::{
    clause::{Flow, admitted, counts, ordered, set_operations, unlisted},
    expression::{self, as_written},
    from, name,
    placeholder::UNKNOWN,
    refuse::PostgresRefusal,
};

/// Rewrites a query in place.
///
/// # Errors
/// For the first construct that isn't on the allow list.
pub(super) fn lower(query: &mut Query) -> Result<(), PostgresRefusal> {
    let mut lowering = PostgresLowering::default();
    match query.visit(&mut lowering) {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Default)]
struct PostgresLowering {
    /// The LIMIT clauses of the enclosing queries, which stay as written.
    limits: Vec<Option<LimitClause>>,
    /// The window frames: one entry per expression being visited.
    frames: Vec<Option<WindowFrame>>,
    /// The frames of the named windows of each enclosing SELECT.
    named_frames: Vec<Vec<Option<WindowFrame>>>,
    /// The subqueries that DataFusion plans as joins, by memory address.
    joined: HashSet<*const Query>,
}

impl VisitorMut for PostgresLowering {
    type Break = PostgresRefusal;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        let span = query.span();
        if !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return unlisted("a clause after the query", "end it with ORDER BY, LIMIT or OFFSET", span);
        }
        set_operations(&query.body)?;
        if let SetExpr::Values(values) = query.body.as_mut() {
            open_texts(values);
        }
        if let Some(fetch) = query.fetch.take() {
            fetched(query, fetch)?;
        }
        if let Some(limit) = &query.limit_clause {
            counts(limit, span)?;
        }
        if let Some(order) = &query.order_by {
            ordered(order, &query.body)?;
        }
        self.limits.push(query.limit_clause.take());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> Flow {
        query.limit_clause = self.limits.pop().flatten();
        if let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = &mut query.order_by {
            for order in orders {
                restore(&mut order.expr);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        admitted(select)?;
        from::merged_columns(select)?;
        name::assign(&mut select.projection);
        for condition in [&select.selection, &select.having].into_iter().flatten() {
            subquery::joined(condition, true, &mut self.joined);
        }
        let frames = select.named_window.iter_mut().map(|window| match &mut window.1 {
            NamedWindowExpr::WindowSpec(spec) => spec.window_frame.take(),
            NamedWindowExpr::NamedWindow(_) => None,
        });
        self.named_frames.push(frames.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> Flow {
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            keys.iter_mut().for_each(restore);
        }
        if let Some(Distinct::On(keys)) = &mut select.distinct {
            keys.iter_mut().for_each(restore);
        }
        let frames = self.named_frames.pop().unwrap_or_default();
        for (window, frame) in select.named_window.iter_mut().zip(frames) {
            if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                spec.window_frame = frame;
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        from::lower(factor)
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        let frame = match expr {
            Expr::Function(function) => match &mut function.over {
                Some(WindowType::WindowSpec(spec)) => spec.window_frame.take(),
                _ => None,
            },
            _ => None,
        };
        self.frames.push(frame);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        if let Some(frame) = self.frames.pop().flatten()
            && let Expr::Function(function) = expr
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
        {
            spec.window_frame = Some(frame);
        }
        if let Expr::InSubquery { expr: row, .. } | Expr::AnyOp { left: row, .. } = expr
            && matches!(row.as_ref(), Expr::Tuple(_))
        {
            return unlisted("a row before IN (SELECT …)", "use EXISTS with a condition", expr.span());
        }
        if let Some(rewritten) = subquery::lower(expr, &self.joined) {
            *expr = rewritten;
            return ControlFlow::Continue(());
        }
        let taken = mem::replace(expr, Expr::Identifier(Ident::new("")));
        match expression::lower(taken) {
            Ok(lowered) => *expr = lowered,
            Err(refused) => return ControlFlow::Break(refused),
        }
        ControlFlow::Continue(())
    }
}

/// Restores an ordinal as written.
fn restore(expr: &mut Expr) {
    if let Some(written) = as_written(expr) {
        *expr = written;
    }
}

/// Marks text literals in columns of VALUES that also have values of other types.
fn open_texts(values: &mut Values) {
    let is_text =
        |expr: &Expr| matches!(expr, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }));
    let columns = values.rows.first().map_or(0, |row| row.len());
    for column in 0..columns {
        let others = values.rows.iter().filter_map(|row| row.get(column)).any(|expr| !is_text(expr));
        for row in values.rows.iter_mut().filter(|_| others) {
            if let Some(expr) = row.get_mut(column).filter(|expr| is_text(expr)) {
                let text = mem::replace(expr, Expr::Identifier(Ident::new("")));
                *expr = super::build::call(UNKNOWN, vec![text]);
            }
        }
    }
}

/// Rewrites FETCH FIRST n ROWS ONLY to LIMIT n.
fn fetched(query: &mut Query, fetch: Fetch) -> Flow {
    let span = query.span();
    if fetch.with_ties || fetch.percent {
        return unlisted("FETCH … WITH TIES", "rank rows with rank() over (…), and filter", span);
    }
    let rows =
        fetch.quantity.unwrap_or_else(|| Expr::Value(Value::Number("1".into(), false).with_empty_span()));
    let offset = match query.limit_clause.take() {
        None => None,
        Some(LimitClause::LimitOffset { limit: None, offset, limit_by }) if limit_by.is_empty() => offset,
        Some(_) => return unlisted("LIMIT with FETCH", "use one of them", span),
    };
    query.limit_clause = Some(LimitClause::LimitOffset { limit: Some(rows), offset, limit_by: Vec::new() });
    ControlFlow::Continue(())
}
