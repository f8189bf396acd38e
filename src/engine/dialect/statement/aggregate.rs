//! Aggregate calls that DataFusion reads differently.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Select, SelectItem, Spanned, Value,
    ValueWithSpan,
};

use crate::engine::dialect::refusal::SyntaxRefusal;

/// Rewrites an aggregate call, or rejects it if DuckDB doesn't have it.
pub(super) fn lower(function: &mut Function) -> Result<(), SyntaxRefusal> {
    let span = function.name.span();
    orders(function)?;
    match function.name.to_string().to_lowercase().as_str() {
        "first_value" if function.over.is_none() => {
            let help = "use `first(x order by …)`, or add `over (…)`";
            Err(SyntaxRefusal::new("`first_value` is a window function", Some(help), span))
        }
        "fill" if function.over.is_some() => {
            let help = "use `last_value(x ignore nulls) over (order by …)`, or interpolate between that and the next value";
            Err(SyntaxRefusal::new("`fill` is not supported", Some(help), span))
        }
        "array" if matches!(function.args, FunctionArguments::Subquery(_)) => {
            let help = "write `(select coalesce(list(x order by …), []) from …)`";
            Err(SyntaxRefusal::new("`array(select …)` is not supported", Some(help), span))
        }
        "json_group_array" | "json_group_object" | "json_group_structure" => plain(function),
        "count" => count(function),
        "count_star" => {
            if let FunctionArguments::List(list) = &mut function.args
                && list.args.is_empty()
            {
                list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
                function.name = ObjectName::from(vec![Ident::with_span(span, "count")]);
            }
            Ok(())
        }
        "mode" if !function.within_group.is_empty() => mode(function),
        _ => Ok(()),
    }
}

/// Rejects ORDER BY within a call if it has no effect, or if DISTINCT makes it ambiguous.
fn orders(function: &Function) -> Result<(), SyntaxRefusal> {
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    let by = list.clauses.iter().filter_map(|clause| match clause {
        FunctionArgumentClause::OrderBy(by) => Some(by),
        _ => None,
    });
    let written = |text: String| text.to_lowercase();
    let arguments: Vec<String> = list.args.iter().map(|argument| written(argument.to_string())).collect();
    for by in by.flatten() {
        let span = by.expr.span();
        if matches!(&by.expr, Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. })) {
            let help =
                "order by a column; the separator comes before ORDER BY: `string_agg(x, ',' order by x)`";
            return Err(SyntaxRefusal::new("ORDER BY a constant text has no effect", Some(help), span));
        }
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        if distinct && !arguments.contains(&written(by.expr.to_string())) {
            let message = "in an aggregate with DISTINCT, ORDER BY takes only its arguments";
            let help = "make the rows distinct in a subquery, or order by the argument";
            return Err(SyntaxRefusal::new(message, Some(help), span));
        }
    }
    Ok(())
}

/// Rejects `EXPORT_STATE`, which would be parsed as an alias.
pub(super) fn states(select: &Select) -> Result<(), SyntaxRefusal> {
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { expr: Expr::Function(_), alias } = item
            && alias.quote_style.is_none()
            && alias.value.eq_ignore_ascii_case("export_state")
        {
            return Err(SyntaxRefusal::new(
                "EXPORT_STATE is not supported",
                Some("use the aggregate's result"),
                alias.span,
            ));
        }
    }
    Ok(())
}

/// Rejects clauses that DuckDB's macros don't accept.
fn plain(function: &Function) -> Result<(), SyntaxRefusal> {
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    if list.duplicate_treatment.is_none() && list.clauses.is_empty() && function.filter.is_none() {
        return Ok(());
    }
    let message = format!("`{}` takes no DISTINCT, ORDER BY or FILTER", function.name);
    let help = "gather a list first: `to_json(list(x order by …))`";
    Err(SyntaxRefusal::new(message, Some(help), function.name.span()))
}

fn count(function: &Function) -> Result<(), SyntaxRefusal> {
    let span = function.name.span();
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    if list.args.len() > 1 {
        let help = "count the rows where all are set: `count(*) filter (where a is not null and b is not null)`; \
                    distinct pairs: `count(distinct (a, b))`";
        return Err(SyntaxRefusal::new("`count` takes one argument", Some(help), span));
    }
    let all = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
    if all && list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        let help = "count the rows of a subquery: `select count(*) from (select distinct * from …)`";
        return Err(SyntaxRefusal::new("`count(distinct *)` is not supported", Some(help), span));
    }
    Ok(())
}

/// Rewrites `mode() within group (order by x)` to `mode(x order by x)`.
fn mode(function: &mut Function) -> Result<(), SyntaxRefusal> {
    let order = std::mem::take(&mut function.within_group);
    let FunctionArguments::List(FunctionArgumentList { args, clauses, .. }) = &mut function.args else {
        return Ok(());
    };
    if let ([], [by]) = (args.as_slice(), order.as_slice()) {
        args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(by.expr.clone())));
        clauses.push(FunctionArgumentClause::OrderBy(order));
        return Ok(());
    }
    let help = "write `mode() within group (order by x)` or `mode(x)`";
    Err(SyntaxRefusal::new("`mode` takes no argument before WITHIN GROUP", Some(help), function.name.span()))
}
