//! Windows: definitions that extend others, and ORDER BY within window function calls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident,
    NamedWindowExpr, NullTreatment, ObjectName, OrderByExpr, Query, Select, Spanned, Value, VisitMut,
    VisitorMut, WindowSpec, WindowType,
};

use crate::engine::{
    ast::{call, text},
    dialect::refusal::SyntaxRefusal,
    function::aggregate::sorted::SORTED,
};

/// Functions that exist only over windows.
const WINDOW_ONLY: [&str; 12] = [
    "row_number",
    "rank",
    "dense_rank",
    "rank_dense",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

/// Functions that support IGNORE NULLS.
const NULLABLE: [&str; 5] = ["first_value", "last_value", "nth_value", "lag", "lead"];

/// Moves the clause of `lag(x ignore nulls)` behind the parentheses, where DataFusion expects it. Rejects it
/// for other functions, because DataFusion would ignore it.
pub(super) fn null_treatment(function: &mut Function) -> Result<(), SyntaxRefusal> {
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    list.clauses.retain(|clause| match clause {
        FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
            function.null_treatment = Some(*treatment);
            false
        }
        _ => true,
    });
    let Some(treatment) = function.null_treatment else { return Ok(()) };
    let span = function.name.span();
    let refuse = |message: &str, help: &str| Err(SyntaxRefusal::new(message, Some(help), span));
    if function.over.is_none() {
        return refuse(
            "IGNORE NULLS and RESPECT NULLS are for functions over windows",
            "use filter (where … is not null)",
        );
    }
    let name = function.name.to_string().to_lowercase();
    // Over a window, these names mean the window functions instead of the aggregates.
    let name = match name.as_str() {
        "first" => "first_value",
        "last" => "last_value",
        name => name,
    };
    if !NULLABLE.contains(&name) {
        let help = "use filter (where … is not null)";
        return refuse("IGNORE NULLS and RESPECT NULLS are not for aggregates over windows", help);
    }
    let is_none = |arg: Option<&FunctionArg>| {
        let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) = arg else { return false };
        let value = if let Expr::Cast { expr, .. } = expr { expr } else { expr };
        matches!(value, Expr::Value(value) if matches!(&value.value, Value::Number(digits, _) if digits == "0"))
    };
    if treatment == NullTreatment::IgnoreNulls && matches!(name, "lag" | "lead") && is_none(list.args.get(1))
    {
        return refuse("an offset of 0 with IGNORE NULLS is the row itself", "write the value");
    }
    function.name = ObjectName::from(vec![Ident::new(name)]);
    Ok(())
}

/// Resolves the windows that the windows of a SELECT extend: `over (w order by x)`.
pub(super) fn inherit(select: &mut Select) -> ControlFlow<SyntaxRefusal> {
    let mut known: Vec<(Ident, WindowSpec)> = Vec::with_capacity(select.named_window.len());
    for window in &mut select.named_window {
        let name = window.0.clone();
        if known.iter().any(|(known, _)| known.value.eq_ignore_ascii_case(&name.value)) {
            let message = format!("window `{}` is defined twice", name.value);
            return ControlFlow::Break(SyntaxRefusal::new(message, Some("give one another name"), name.span));
        }
        let spec = match &mut window.1 {
            NamedWindowExpr::WindowSpec(spec) => {
                merge(spec, &known)?;
                spec.clone()
            }
            NamedWindowExpr::NamedWindow(base) => {
                let base = base.clone();
                let found = known.iter().find(|(known, _)| known.value.eq_ignore_ascii_case(&base.value));
                let Some((_, spec)) = found else { return ControlFlow::Break(unknown(&base)) };
                spec.clone()
            }
        };
        window.1 = NamedWindowExpr::WindowSpec(spec.clone());
        known.push((name, spec));
    }
    let mut heirs = Heirs { known: &known, depth: 0 };
    for item in &mut select.projection {
        item.visit(&mut heirs)?;
    }
    select.qualify.visit(&mut heirs)
}

fn unknown(name: &Ident) -> SyntaxRefusal {
    let message = format!("there is no window `{}`", name.value);
    SyntaxRefusal::new(message, Some("define it: `window w as (partition by … order by …)`"), name.span)
}

/// Merges a definition with that of the window it extends.
fn merge(spec: &mut WindowSpec, known: &[(Ident, WindowSpec)]) -> ControlFlow<SyntaxRefusal> {
    let Some(name) = spec.window_name.take() else { return ControlFlow::Continue(()) };
    let found = known.iter().find(|(known, _)| known.value.eq_ignore_ascii_case(&name.value));
    let Some((_, base)) = found else { return ControlFlow::Break(unknown(&name)) };
    let name_span = name.span;
    let refuse = |what: &str, help: &str| {
        ControlFlow::Break(SyntaxRefusal::new(
            format!("window `{}` {what}", name.value),
            Some(help),
            name_span,
        ))
    };
    if base.window_frame.is_some() {
        return refuse(
            "has a frame, so no other window can build on it",
            "write `over w` without parentheses",
        );
    }
    if !spec.partition_by.is_empty() {
        return refuse("has its own PARTITION BY, which can't be given again", "write a window of its own");
    }
    if !base.order_by.is_empty() && !spec.order_by.is_empty() {
        return refuse("has its own ORDER BY, which can't be given again", "write a window of its own");
    }
    spec.partition_by.clone_from(&base.partition_by);
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&base.order_by);
    }
    ControlFlow::Continue(())
}

/// A visitor of the windows of calls, outside subqueries.
struct Heirs<'a> {
    known: &'a [(Ident, WindowSpec)],
    depth: usize,
}

impl VisitorMut for Heirs<'_> {
    type Break = SyntaxRefusal;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<SyntaxRefusal> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SyntaxRefusal> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
        match expr {
            Expr::Function(Function { over: Some(WindowType::WindowSpec(spec)), .. }) if self.depth == 0 => {
                merge(spec, self.known)
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Rewrites `list(x order by y) over (…)`: encodes the order in the first argument, which the planner decodes
/// again.
pub(super) fn order_within(function: &mut Function) -> Result<(), SyntaxRefusal> {
    if function.over.is_none() {
        return Ok(());
    }
    let name = function.name.to_string().to_lowercase();
    let span = function.name.span();
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    let mut orders: Vec<OrderByExpr> = Vec::new();
    list.clauses.retain(|clause| match clause {
        FunctionArgumentClause::OrderBy(by) => {
            orders.extend(by.iter().cloned());
            false
        }
        _ => true,
    });
    if orders.is_empty() {
        return Ok(());
    }
    if WINDOW_ONLY.contains(&name.as_str()) {
        let message = format!("ORDER BY within `{name}(…)` is not supported");
        return Err(SyntaxRefusal::new(message, Some("put the order into OVER: `over (order by …)`"), span));
    }
    let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut() else {
        return Ok(());
    };
    let directions: String = orders.iter().map(direction).collect();
    let mut arguments = vec![first.clone(), text(&directions)];
    arguments.extend(orders.into_iter().map(|by| by.expr));
    *first = call(SORTED, arguments);
    Ok(())
}

/// Returns a letter for a sort direction: `a` or `d`, in upper case if NULLs come first.
fn direction(by: &OrderByExpr) -> char {
    let letter = if by.options.asc == Some(false) { 'd' } else { 'a' };
    if by.options.nulls_first == Some(true) { letter.to_ascii_uppercase() } else { letter }
}
