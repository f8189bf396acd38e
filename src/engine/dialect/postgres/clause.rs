//! Clauses of a query: rejects those that aren't on the allow list.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, LimitClause, OrderBy, OrderByExpr, OrderByKind, Select, SelectFlavor,
    SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned, Value, ValueWithSpan,
    WildcardAdditionalOptions,
};

use super::{from, refuse::PostgresRefusal};

pub(super) type Flow = ControlFlow<PostgresRefusal>;

pub(super) fn unlisted(what: &str, help: &str, span: datafusion::sql::sqlparser::tokenizer::Span) -> Flow {
    ControlFlow::Break(PostgresRefusal::unlisted(what, help, span))
}

pub(super) fn set_operations(body: &SetExpr) -> Flow {
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

/// Checks that row counts are constants.
pub(super) fn counts(limit: &LimitClause, span: datafusion::sql::sqlparser::tokenizer::Span) -> Flow {
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
pub(super) fn ordered(order: &OrderBy, body: &SetExpr) -> Flow {
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
                return ControlFlow::Break(PostgresRefusal::new(
                    "ORDER BY takes no constant",
                    help,
                    expr.span(),
                ));
            }
            _ if !matches!(body, SetExpr::Select(_)) => {
                return ControlFlow::Break(PostgresRefusal::new(
                    "a set operation is ordered by output columns",
                    "order by a column's name or number, or put the operation into a subquery",
                    expr.span(),
                ));
            }
            _ => {
                if let Some(alias) = mentioned(expr, &aliases) {
                    return ControlFlow::Break(PostgresRefusal::new(
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
pub(super) fn admitted(select: &Select) -> Flow {
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
    items(select)?;
    from::joins(&select.from)?;
    grouping(select)?;
    having(select)
}

/// Checks the columns of SELECT.
fn items(select: &Select) -> Flow {
    let span = select.span();
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
    ControlFlow::Continue(())
}

/// Checks GROUP BY.
fn grouping(select: &Select) -> Flow {
    let span = select.span();
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
            return ControlFlow::Break(PostgresRefusal::new("GROUP BY takes no constant", help, span));
        }
    }
    ControlFlow::Continue(())
}

/// Checks that HAVING uses no alias of SELECT.
fn having(select: &Select) -> Flow {
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
            return ControlFlow::Break(PostgresRefusal::new(
                format!("HAVING doesn't see the alias `{alias}`"),
                "repeat the expression, or filter in a query around this one",
                select.span(),
            ));
        }
    }
    ControlFlow::Continue(())
}
