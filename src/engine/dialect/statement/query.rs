//! Clauses around a SELECT: ORDER BY, LIMIT, FETCH, VALUES, DISTINCT ON.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Distinct, Expr, Fetch, FunctionArgumentList, FunctionArguments, Ident, LimitClause,
    ObjectName, Offset, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectItem,
    SetExpr, SetOperator, SetQuantifier, Spanned, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, Value, ValueWithSpan, Visit, Visitor, WildcardAdditionalOptions, WindowSpec, WindowType,
};

use super::{relation::select, star::STAR};
use crate::engine::{
    ast::{call, integer},
    dialect::refusal::SyntaxRefusal,
};

/// The prefix of placeholder names for ORDER BY ALL, used until the number of columns is known.
pub(in crate::engine::dialect) const ALL: &str = "$all ";

/// Rewrites FETCH to LIMIT.
pub(super) fn fetch(query: &mut Query) -> Result<(), SyntaxRefusal> {
    let Some(Fetch { with_ties, percent, quantity }) = query.fetch.take() else { return Ok(()) };
    if with_ties || percent {
        let help = "use qualify rank() over (order by …) <= n";
        let span = quantity.map_or_else(|| query.body.span(), |quantity| quantity.span());
        return Err(SyntaxRefusal::new("FETCH with ties or percent is not supported", Some(help), span));
    }
    let limit = Some(quantity.unwrap_or_else(|| integer(1)));
    let offset: Option<Offset> = match query.limit_clause.take() {
        Some(LimitClause::LimitOffset { offset, .. }) => offset,
        _ => None,
    };
    query.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: Vec::new() });
    Ok(())
}

/// Names the columns of VALUES `col0`, `col1` and so on.
pub(super) fn values(query: &mut Query) {
    let SetExpr::Values(values) = query.body.as_ref() else { return };
    let count = values.rows.first().map_or(0, |row| row.content.len());
    let columns = (0..count)
        .map(|at| TableAliasColumnDef { name: Ident::with_quote('"', format!("col{at}")), data_type: None });
    let alias =
        TableAlias { explicit: true, name: Ident::new("valueslist"), columns: columns.collect(), at: None };
    let body =
        std::mem::replace(query.body.as_mut(), SetExpr::Query(Box::new(super::relation::query(empty()))));
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(super::relation::query(body)),
        alias: Some(alias),
        sample: None,
    };
    let mut rows = select(integer(1), vec![TableWithJoins { relation, joins: Vec::new() }], None);
    rows.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    *query.body = SetExpr::Select(Box::new(rows));
}

fn empty() -> SetExpr {
    SetExpr::Select(Box::new(select(integer(1), Vec::new(), None)))
}

/// Rewrites ORDER BY for DataFusion. ALL becomes a placeholder until the number of columns is known; returns
/// whether it did. A set operation's columns become their positions.
pub(super) fn order(query: &mut Query, number: usize) -> Result<bool, SyntaxRefusal> {
    let is_set = matches!(query.body.as_ref(), SetExpr::SetOperation { .. });
    let sides = if is_set { names_of_sides(&query.body) } else { Vec::new() };
    let Some(OrderBy { kind, .. }) = &mut query.order_by else { return Ok(false) };
    match kind {
        OrderByKind::All(options) => {
            let mut name = Ident::with_quote('"', format!("{ALL}{number}"));
            name.span = query.body.span();
            *kind = OrderByKind::Expressions(vec![by(Expr::Identifier(name), *options)]);
            Ok(true)
        }
        OrderByKind::Expressions(orders) => {
            for order in orders {
                if is_set {
                    of_set(&mut order.expr, &sides)?;
                }
                let is_text = matches!(
                    &order.expr,
                    Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. })
                );
                let is_unnest = matches!(&order.expr, Expr::Function(function)
                    if function.name.to_string().eq_ignore_ascii_case("unnest"));
                if is_unnest {
                    let help =
                        "unnest it in a subquery: select * from (select …, unnest(l) as x …) order by x";
                    let message = "unnest in ORDER BY is not supported";
                    return Err(SyntaxRefusal::new(message, Some(help), order.expr.span()));
                }
                if is_text {
                    let help = "write a column's name without quotes, or in double quotes";
                    let message = "a text constant in ORDER BY has no effect";
                    return Err(SyntaxRefusal::new(message, Some(help), order.expr.span()));
                }
            }
            Ok(false)
        }
    }
}

fn by(expr: Expr, options: OrderByOptions) -> OrderByExpr {
    OrderByExpr { expr, options, with_fill: None }
}

/// Checks a sort key of a set operation, which can only be one of its columns.
fn of_set(expr: &mut Expr, sides: &[Vec<Vec<String>>]) -> Result<(), SyntaxRefusal> {
    let name = match &*expr {
        Expr::Value(ValueWithSpan { value: Value::Number(..) | Value::SingleQuotedString(_), .. })
        | Expr::Cast { .. } => return Ok(()),
        Expr::Identifier(name) => name.value.to_lowercase(),
        Expr::CompoundIdentifier(names) => written(names),
        other => {
            let help = "read the set operation in FROM: select * from (… union …) order by …";
            let message = "a set operation can be ordered by its columns, but not by expressions";
            return Err(SyntaxRefusal::new(message, Some(help), other.span()));
        }
    };
    let place = sides.iter().find_map(|side| {
        side.iter().position(|own| {
            own.iter().any(|own| *own == name || own.strip_suffix(&format!(".{name}")).is_some())
        })
    });
    if let Some(place) = place {
        *expr = Expr::Value(Value::Number((place + 1).to_string(), false).with_span(expr.span()));
    }
    Ok(())
}

/// Returns the column names on each side of a set operation, as far as they are written; none if columns are
/// matched by name.
fn names_of_sides(body: &SetExpr) -> Vec<Vec<Vec<String>>> {
    match body {
        SetExpr::SetOperation {
            set_quantifier: SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName,
            ..
        } => Vec::new(),
        SetExpr::SetOperation {
            left,
            right,
            op: SetOperator::Union | SetOperator::Except | SetOperator::Intersect,
            ..
        } => {
            let mut sides = names_of_sides(left);
            sides.extend(names_of_sides(right));
            sides
        }
        SetExpr::Query(query) => names_of_sides(&query.body),
        SetExpr::Select(select) => vec![names_of(select)],
        _ => Vec::new(),
    }
}

/// Returns whether an expression is a literal; numeric literals are typed.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { expr, .. } => matches!(expr.as_ref(), Expr::Value(_)),
        expr => matches!(expr, Expr::Value(_)),
    }
}

/// Returns the names of each item of a SELECT list, in lower case.
fn names_of(select: &Select) -> Vec<Vec<String>> {
    let of_value = |expr: &Expr| match expr {
        Expr::Identifier(name) => vec![name.value.to_lowercase()],
        Expr::CompoundIdentifier(names) => vec![written(names)],
        _ => Vec::new(),
    };
    let names = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, expr } => {
            Some([vec![alias.value.to_lowercase()], of_value(expr)].concat())
        }
        // An unnested struct expands to several columns.
        SelectItem::UnnamedExpr(Expr::Function(function))
            if function.name.to_string().eq_ignore_ascii_case("unnest") =>
        {
            None
        }
        SelectItem::UnnamedExpr(expr) => Some(of_value(expr)),
        // Positions after a star are unknown.
        _ => None,
    };
    select.projection.iter().map_while(names).collect()
}

fn written(names: &[Ident]) -> String {
    let parts: Vec<String> = names.iter().map(|name| name.value.to_lowercase()).collect();
    parts.join(".")
}

/// Rejects ORDER BY and LIMIT in a recursive query.
pub(super) fn recursive(query: &Query) -> Result<(), SyntaxRefusal> {
    let Some(with) = query.with.as_ref().filter(|with| with.recursive) else { return Ok(()) };
    for table in &with.cte_tables {
        let own = &table.query;
        let ordered = own.order_by.is_some() || own.limit_clause.is_some() || own.fetch.is_some();
        let recurs = matches!(own.body.as_ref(), SetExpr::SetOperation { .. })
            && reads(&own.body, &table.alias.name.value);
        if ordered && recurs {
            let help = "order and limit the query that reads it";
            let message = "a recursive query can't have ORDER BY or LIMIT";
            return Err(SyntaxRefusal::new(message, Some(help), table.alias.name.span));
        }
    }
    Ok(())
}

fn reads(body: &SetExpr, table: &str) -> bool {
    struct TableSearch<'a>(&'a str);
    impl Visitor for TableSearch<'_> {
        type Break = ();

        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            match name.0.as_slice() {
                [name] if name.as_ident().is_some_and(|name| name.value.eq_ignore_ascii_case(self.0)) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(body, &mut TableSearch(table)).is_break()
}

/// Orders a query with ORDER BY ALL by the position of each column.
pub(in crate::engine::dialect) fn order_by_all(query: &mut Query, columns: usize) {
    let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = &mut query.order_by else { return };
    let Some(options) = orders.first().map(|order| order.options) else { return };
    let number = |at: usize| Expr::Value(Value::Number(at.to_string(), false).with_empty_span());
    *orders = (1..=columns).map(|at| by(number(at), options)).collect();
}

/// Rewrites `DISTINCT ON (keys) … ORDER BY …`, which keeps the first row of each key in that order, to a
/// filter on a row number.
pub(super) fn distinct_on(query: &mut Query) -> Result<(), SyntaxRefusal> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(()) };
    let Some(Distinct::On(_)) = &select.distinct else { return Ok(()) };
    let orders = match &query.order_by {
        Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) => orders.clone(),
        Some(OrderBy { kind: OrderByKind::All(options), .. }) => {
            let number = |at: usize| Expr::Value(Value::Number(at.to_string(), false).with_empty_span());
            let stars = select.projection.iter().any(|item| {
                matches!(item, SelectItem::UnnamedExpr(Expr::Identifier(name)) if name.value.starts_with(STAR))
            });
            if stars {
                let help = "name the columns to order by";
                let message = "DISTINCT ON with a star and ORDER BY ALL is not supported";
                return Err(SyntaxRefusal::new(message, Some(help), select.span()));
            }
            (1..=select.projection.len()).map(|at| by(number(at), *options)).collect()
        }
        None => Vec::new(),
    };
    let Some(Distinct::On(keys)) = select.distinct.take() else { return Ok(()) };
    if select.qualify.is_some() {
        let help = "put the SELECT with QUALIFY in a subquery";
        let span = keys.first().map_or_else(|| select.span(), Spanned::span);
        return Err(SyntaxRefusal::new("DISTINCT ON with QUALIFY is not supported", Some(help), span));
    }
    let partition_by: Vec<Expr> = keys.into_iter().map(|key| item(&key, select).unwrap_or(key)).collect();
    if let Some(constant) = partition_by.iter().find(|key| is_constant(key)) {
        let message =
            format!("DISTINCT ON takes columns, and `{constant}` is neither one nor the position of one");
        return Err(SyntaxRefusal::new(message, Some("name the columns"), constant.span()));
    }
    let order_by = orders
        .into_iter()
        .map(|order| OrderByExpr { expr: item(&order.expr, select).unwrap_or(order.expr), ..order })
        .collect();
    let mut number = call("row_number", Vec::new());
    if let Expr::Function(function) = &mut number {
        function.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        });
        function.over = Some(WindowType::WindowSpec(WindowSpec {
            window_name: None,
            partition_by,
            order_by,
            window_frame: None,
        }));
    }
    select.qualify =
        Some(Expr::BinaryOp { left: Box::new(number), op: BinaryOperator::Eq, right: Box::new(integer(1)) });
    Ok(())
}

/// Returns the item of a SELECT list at a position.
fn item(expr: &Expr, select: &Select) -> Option<Expr> {
    let of = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.clone()),
        _ => None,
    };
    let mut expr = expr.clone();
    super::expression::as_written(&mut expr);
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
            let place = digits.parse::<usize>().ok()?.checked_sub(1)?;
            select.projection.get(place).and_then(of)
        }
        _ => None,
    }
}
