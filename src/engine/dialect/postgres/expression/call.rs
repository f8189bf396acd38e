//! Function calls: checks names against the allow list.

use datafusion::sql::sqlparser::{
    ast::{
        Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
        FunctionArgumentList, FunctionArguments, Spanned,
    },
    tokenizer::Span,
};

use crate::{
    diag::near,
    engine::{
        dialect::postgres::{
            build::{Lowered, call, cast, number},
            placeholder,
            refuse::PostgresRefusal,
        },
        function::postgres::{WINDOWS, is_aggregate, is_scalar, names},
    },
};

/// Functions that become placeholders because the planner can't type them.
const MEETINGS: [&str; 4] = ["coalesce", "greatest", "least", "nullif"];

/// Rewrites a call for DataFusion.
pub(super) fn lower(mut function: Function) -> Lowered {
    let span = function.name.span();
    let name = function.name.to_string().to_lowercase();
    if name.starts_with('$') || name == "unnest" && function.over.is_none() && is_made(&function) {
        return Ok(Expr::Function(function));
    }
    let is_window = WINDOWS.contains(&name.as_str());
    let is_aggregated = is_aggregate(&name) || name == "grouping";
    let (has_over, has_filter) = (function.over.is_some(), function.filter.is_some());
    let list = listed(&mut function, span)?;
    if is_window && !has_over {
        return Err(PostgresRefusal::new(
            format!("window function {name} requires an OVER clause"),
            "add over (…)",
            span,
        ));
    }
    if is_window || is_aggregated {
        return collected(function, &name, span);
    }
    if has_over || has_filter || !list.clauses.is_empty() || list.duplicate_treatment.is_some() {
        if is_scalar(&name) || MEETINGS.contains(&name.as_str()) {
            let what = format!("`{name}` as an aggregate");
            return Err(PostgresRefusal::unlisted(&what, "use an aggregate such as max", span));
        }
        return unknown(&name, span);
    }
    scalar(&name, list, span)
}

/// Returns the arguments of a call, after checking that its form is on the allow list.
fn listed(function: &mut Function, span: Span) -> Result<&FunctionArgumentList, PostgresRefusal> {
    let refuse = |what: &str, help: &str| Err(PostgresRefusal::unlisted(what, help, span));
    if function.null_treatment.is_some() {
        return refuse("IGNORE NULLS", "filter the rows, or use a window over those that are not NULL");
    }
    if !matches!(function.parameters, FunctionArguments::None) || function.uses_odbc_syntax {
        return refuse("this form of a call", "write the function's name and its arguments");
    }
    if matches!(function.args, FunctionArguments::None) {
        // `current_date` is written without parentheses.
        function.args = FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: Vec::new(),
            clauses: Vec::new(),
        });
    }
    let FunctionArguments::List(list) = &mut function.args else {
        return refuse("a subquery as arguments", "put the subquery in parentheses");
    };
    if let Some(clause) =
        list.clauses.iter().find(|clause| !matches!(clause, FunctionArgumentClause::OrderBy(_)))
    {
        return refuse(&format!("`{clause}` in a call"), "leave it out");
    }
    Ok(list)
}

/// Rewrites a call of a scalar function.
fn scalar(name: &str, list: &FunctionArgumentList, span: Span) -> Lowered {
    let refuse = |what: &str, help: &str| Err(PostgresRefusal::unlisted(what, help, span));
    if name == "make_interval" {
        return interval(&list.args, span);
    }
    let Some(arguments) = unnamed(list) else {
        return refuse("an argument with a name", "give arguments by their position");
    };
    if MEETINGS.contains(&name) {
        return meeting(name, arguments, span);
    }
    if name == "age" && arguments.len() == 1 {
        // The age at midnight today.
        let today = call("current_date", Vec::new());
        return Ok(call("age", [vec![today], arguments].concat()));
    }
    if matches!(name, "unnest" | "generate_series" | "regexp_matches" | "json_array_elements") {
        return refuse(
            &format!("`{name}` that returns rows in SELECT"),
            if name == "regexp_matches" { "use regexp_match, or regexp_replace" } else { "put it into FROM" },
        );
    }
    if !is_scalar(name) {
        return unknown(name, span);
    }
    Ok(call(name, arguments))
}

/// Returns whether the rewrite of FROM created the call.
fn is_made(function: &Function) -> bool {
    function.name.span() == Span::empty()
}

/// Rewrites an aggregate or a window function.
fn collected(mut function: Function, name: &str, span: Span) -> Lowered {
    let FunctionArguments::List(list) = &mut function.args else { return Ok(Expr::Function(function)) };
    if name == "count" && list.args.len() > 1 {
        return Err(PostgresRefusal::unlisted(
            "`count` of several values",
            "count a row that is concatenated",
            span,
        ));
    }
    if name == "count" && list.args.is_empty() {
        return Err(PostgresRefusal::new("count() has no argument", "write count(*)", span));
    }
    let is_wildcard = |arg: &FunctionArg| matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    if name != "count" && list.args.iter().any(is_wildcard) {
        return Err(PostgresRefusal::new(format!("{name}(*) is not a function"), "name a column", span));
    }
    let within = matches!(name, "percentile_cont" | "percentile_disc");
    if within == function.within_group.is_empty() {
        return Err(PostgresRefusal::new(
            format!("{name} {} WITHIN GROUP", if within { "needs" } else { "takes no" }),
            "write percentile_cont(0.5) within group (order by x)",
            span,
        ));
    }
    if WINDOWS.contains(&name) && (function.filter.is_some() || list.duplicate_treatment.is_some()) {
        return Err(PostgresRefusal::unlisted(
            "FILTER or DISTINCT of a window function",
            "use an aggregate",
            span,
        ));
    }
    if function.over.is_some() && (!list.clauses.is_empty() || list.duplicate_treatment.is_some()) {
        return Err(PostgresRefusal::new(
            "DISTINCT and ORDER BY are not implemented for window functions in PostgreSQL",
            "order in over (…)",
            span,
        ));
    }
    let made = Expr::Function(function);
    // DataFusion returns other integer types.
    Ok(match name {
        "ntile" | "grouping" => cast(made, "integer"),
        _ => made,
    })
}

fn meeting(name: &str, arguments: Vec<Expr>, span: Span) -> Lowered {
    let wrong = if name == "nullif" { arguments.len() != 2 } else { arguments.is_empty() };
    if wrong {
        let help = if name == "nullif" { "write nullif(a, b)" } else { "give it a value" };
        return Err(PostgresRefusal::new(format!("`{name}` has the wrong number of arguments"), help, span));
    }
    let placeholder = format!("${name}");
    debug_assert!(placeholder::ALL.contains(&placeholder.as_str()), "each has a placeholder");
    Ok(call(&placeholder, arguments))
}

/// Rewrites `make_interval(days => 3)`, which takes named arguments.
fn interval(arguments: &[FunctionArg], span: Span) -> Lowered {
    const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
    let mut values: Vec<Expr> = (0..PARTS.len()).map(|_| number(0)).collect();
    for (at, argument) in arguments.iter().enumerate() {
        let (at, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(at), value),
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => (PARTS.iter().position(|part| name.value.eq_ignore_ascii_case(part)), value),
            FunctionArg::ExprNamed {
                name: Expr::Identifier(name),
                arg: FunctionArgExpr::Expr(value),
                operator: FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment,
            } => (PARTS.iter().position(|part| name.value.eq_ignore_ascii_case(part)), value),
            _ => (None, &values[0]),
        };
        let value = value.clone();
        let Some(slot) = at.and_then(|at| values.get_mut(at)) else {
            let help = "use years, months, weeks, days, hours, mins, secs";
            return Err(PostgresRefusal::new("make_interval has no such argument", help, span));
        };
        *slot = value;
    }
    Ok(call("make_interval", values))
}

fn unnamed(list: &FunctionArgumentList) -> Option<Vec<Expr>> {
    let plain = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(plain).collect()
}

fn unknown(name: &str, span: Span) -> Lowered {
    let known = names().into_iter().chain(MEETINGS);
    let help = near::question(name, known).unwrap_or_else(|| {
        "use a function that docs/dialect.md lists for PostgreSQL, or `dialect: duckdb`".to_owned()
    });
    Err(PostgresRefusal::unlisted(&format!("the function `{name}`"), help, span))
}
