//! Statement rewrites: checks clauses against the allow list, and rewrites expressions with `expression`.

use std::{collections::HashSet, mem, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, Fetch, GroupByExpr, Ident, LimitClause, NamedWindowExpr, OrderBy, OrderByExpr,
    OrderByKind, Query, Select, SelectFlavor, SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned,
    TableFactor, Value, ValueWithSpan, Values, VisitMut, VisitorMut, WildcardAdditionalOptions, WindowFrame,
    WindowType,
};

use super::{
    super::{depth::Depth, statement::subquery},
    expression::{self, as_written},
    from, name,
    placeholder::UNKNOWN,
    refuse::Refused,
};

type Flow = ControlFlow<Refused>;

/// Rewrites a query in place.
///
/// # Errors
/// For the first construct that isn't on the allow list.
pub(super) fn lower(query: &mut Query) -> Result<(), Refused> {
    let mut lowering = Lowering::default();
    match query.visit(&mut lowering) {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Default)]
struct Lowering {
    /// The LIMIT clauses of the enclosing queries, which stay as written.
    limits: Vec<Option<LimitClause>>,
    /// The window frames: one entry per expression being visited.
    frames: Vec<Option<WindowFrame>>,
    depth: Depth,
    /// The frames of the named windows of each enclosing SELECT.
    named_frames: Vec<Vec<Option<WindowFrame>>>,
    /// The subqueries that DataFusion plans as joins, by memory address.
    joined: HashSet<*const Query>,
}

fn unlisted(what: &str, help: &str, span: datafusion::sql::sqlparser::tokenizer::Span) -> Flow {
    ControlFlow::Break(Refused::unlisted(what, help, span))
}

impl VisitorMut for Lowering {
    type Break = Refused;

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
        if let Err((message, help)) = self.depth.enter(expr) {
            return ControlFlow::Break(Refused::new(message, help, expr.span()));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        self.depth.leave();
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

fn set_operations(body: &SetExpr) -> Flow {
    match body {
        SetExpr::SetOperation { left, right, set_quantifier, op } => {
            let by_name = matches!(
                set_quantifier,
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
            );
            if by_name || *op == SetOperator::Minus {
                return unlisted("this set operation", "use UNION, INTERSECT or EXCEPT", body.span());
            }
            set_operations(left)?;
            set_operations(right)
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => ControlFlow::Continue(()),
        _ => unlisted("this kind of query", "write SELECT … FROM …", body.span()),
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
                *expr = expression::call(UNKNOWN, vec![text]);
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

/// Checks that row counts are constants.
fn counts(limit: &LimitClause, span: datafusion::sql::sqlparser::tokenizer::Span) -> Flow {
    let constant = |expr: &Expr| matches!(expr, Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) if digits.parse::<i64>().is_ok());
    match limit {
        LimitClause::LimitOffset { limit, offset, limit_by } if limit_by.is_empty() => {
            let counts = limit.iter().chain(offset.iter().map(|offset| &offset.value));
            for count in counts {
                if !constant(count) {
                    return unlisted("a number of rows that is no constant", "write a whole number", span);
                }
            }
            ControlFlow::Continue(())
        }
        _ => unlisted("this form of LIMIT", "write LIMIT n OFFSET m", span),
    }
}

/// Checks that ORDER BY has only names or positions of output columns, or expressions of input columns.
fn ordered(order: &OrderBy, body: &SetExpr) -> Flow {
    let OrderBy { kind: OrderByKind::Expressions(orders), interpolate: None } = order else {
        return unlisted("ORDER BY ALL", "name the columns", order.span());
    };
    let aliases: Vec<&Ident> = match body {
        SetExpr::Select(select) => select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, expr } if !is_same(expr, alias) => Some(alias),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    for OrderByExpr { expr, with_fill, .. } in orders {
        if with_fill.is_some() {
            return unlisted("WITH FILL", "join a series", expr.span());
        }
        match expr {
            Expr::Identifier(_) => {}
            Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. })
                if digits.parse::<i32>().is_ok() => {}
            Expr::Value(_) => {
                let help = "order by a column, or by its number";
                return ControlFlow::Break(Refused::new("ORDER BY takes no constant", help, expr.span()));
            }
            _ if !matches!(body, SetExpr::Select(_)) => {
                return ControlFlow::Break(Refused::new(
                    "a set operation is ordered by output columns",
                    "order by a column's name or number, or put the operation into a subquery",
                    expr.span(),
                ));
            }
            _ => {
                if let Some(alias) = mentioned(expr, &aliases) {
                    return ControlFlow::Break(Refused::new(
                        format!("ORDER BY sees the alias `{alias}` only alone, not in an expression"),
                        "repeat the expression, or put the query into a subquery",
                        expr.span(),
                    ));
                }
            }
        }
    }
    ControlFlow::Continue(())
}

fn is_same(expr: &Expr, alias: &Ident) -> bool {
    match expr {
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case(&alias.value),
        Expr::CompoundIdentifier(names) => {
            names.last().is_some_and(|name| name.value.eq_ignore_ascii_case(&alias.value))
        }
        _ => false,
    }
}

/// Returns the first alias that an expression uses.
fn mentioned(expr: &Expr, aliases: &[&Ident]) -> Option<String> {
    let found = datafusion::sql::sqlparser::ast::visit_expressions(expr, |part| match part {
        Expr::Identifier(name)
            if aliases.iter().any(|alias| alias.value.eq_ignore_ascii_case(&name.value)) =>
        {
            ControlFlow::Break(name.value.clone())
        }
        _ => ControlFlow::Continue(()),
    });
    found.break_value()
}

/// Rejects clauses of SELECT that aren't on the allow list.
fn admitted(select: &Select) -> Flow {
    let span = select.span();
    let others = select.top.is_some()
        || select.into.is_some()
        || select.exclude.is_some()
        || select.prewhere.is_some()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
        || select.select_modifiers.is_some()
        || !select.lateral_views.is_empty()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || !matches!(select.flavor, SelectFlavor::Standard);
    if others {
        return unlisted(
            "a clause of this SELECT",
            "PostgreSQL has none like it: write it as a subquery",
            span,
        );
    }
    if select.projection.is_empty() {
        return unlisted("SELECT without columns", "name a column", span);
    }
    for item in &select.projection {
        let options = match item {
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => options,
            SelectItem::ExprWithAliases { .. } => return unlisted("several aliases", "give one", span),
            _ => continue,
        };
        let WildcardAdditionalOptions {
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
            ..
        } = options;
        if opt_ilike.is_some()
            || opt_exclude.is_some()
            || opt_except.is_some()
            || opt_replace.is_some()
            || opt_rename.is_some()
            || opt_alias.is_some()
        {
            return unlisted("`*` with options", "name the columns", span);
        }
    }
    from::joins(&select.from)?;
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
        return unlisted("GROUP BY ALL", "name the columns", span);
    };
    if !modifiers.is_empty() {
        return unlisted("a modifier of GROUP BY", "use ROLLUP (…), CUBE (…) or GROUPING SETS (…)", span);
    }
    for key in keys {
        if let Expr::Value(ValueWithSpan { value, .. }) = key
            && !matches!(value, Value::Number(digits, _) if digits.parse::<i32>().is_ok())
        {
            let help = "group by a column, or by its number";
            return ControlFlow::Break(Refused::new("GROUP BY takes no constant", help, span));
        }
    }
    if let Some(having) = &select.having {
        let inputs: Vec<&Ident> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::ExprWithAlias { alias, expr } if !is_same(expr, alias) => Some(alias),
                _ => None,
            })
            .collect();
        if let Some(alias) = mentioned(having, &inputs) {
            return ControlFlow::Break(Refused::new(
                format!("HAVING doesn't see the alias `{alias}`"),
                "repeat the expression, or filter in a query around this one",
                span,
            ));
        }
    }
    ControlFlow::Continue(())
}
