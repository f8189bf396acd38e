//! Rewrites a parsed statement so that DataFusion plans what DuckDB means by it: syntax for which DataFusion has no plan
//! becomes syntax for which it has one, exactly. No types are known here; what depends on them is left to `coerce`.
//!
//! - `expression`: casts, literals, operators and special forms become functions
//! - `aggregate`: calls of aggregates that have another meaning
//! - `subquery`: EXISTS and IN (SELECT …) as values become scalar subqueries
//! - `relation`: what FROM reads
//! - `using`: columns of both sides of a join that are one
//! - `window`: windows that build on others, and orders within calls over windows
//! - `name`: names without case, and aliases of the same SELECT

mod aggregate;
mod expression;
mod name;
mod relation;
mod subquery;
mod using;
mod window;

use std::{collections::HashSet, mem, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, LimitClause, OrderBy, OrderByKind, Query, Select, SelectFlavor, SelectItem,
    SetExpr, Spanned, TableFactor, TableFunctionArgs, VisitMut, VisitorMut, WildcardAdditionalOptions,
    WindowFrame, WindowType, visit_relations,
};
use datafusion::sql::sqlparser::tokenizer::Span;

pub(in crate::engine) use self::window::SORTED;
pub(super) use self::{
    expression::{CAST, TRY_CAST},
    name::resolve,
};

/// What can't be planned as DuckDB means it, and where.
#[derive(Debug)]
pub(super) struct Refused {
    /// What is wrong.
    pub(super) message: String,
    /// What to write instead.
    pub(super) help: Option<String>,
    /// The expression.
    pub(super) span: Span,
}

impl Refused {
    fn new(message: impl Into<String>, help: Option<&str>, span: Span) -> Self {
        Self { message: message.into(), help: help.map(Into::into), span }
    }
}

/// Nesting of expressions that is refused: far beyond what people write, and within the stack of the threads that plan.
const DEEPEST: usize = 20_000;

/// Rewrites a query in place.
///
/// # Errors
/// For the first construct that would be planned with another meaning.
pub(super) fn lower(query: &mut Query) -> Result<(), Refused> {
    let mut lowering = Lowering::default();
    match query.visit(&mut lowering) {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Refuses ORDER BY and LIMIT of a recursive query, which DuckDB has not, and DataFusion ignores.
fn recursive(query: &Query) -> ControlFlow<Refused> {
    let Some(with) = query.with.as_ref().filter(|with| with.recursive) else {
        return ControlFlow::Continue(());
    };
    for table in &with.cte_tables {
        let clause = if table.query.order_by.is_some() {
            "ORDER BY"
        } else if table.query.limit_clause.is_some() || table.query.fetch.is_some() {
            "LIMIT"
        } else {
            continue;
        };
        let name = &table.alias.name;
        let reads_itself =
            matches!(table.query.body.as_ref(), SetExpr::SetOperation { right, .. } if reads(right, name));
        if reads_itself {
            let message = format!("{clause} of the recursive query `{}` is not supported", name.value);
            let help = "write it in the query that reads the result";
            return ControlFlow::Break(Refused::new(message, Some(help), name.span));
        }
    }
    ControlFlow::Continue(())
}

/// Returns whether a query reads the relation of a name.
fn reads(body: &SetExpr, name: &Ident) -> bool {
    visit_relations(body, |relation| match relation.0.as_slice() {
        [only] if only.as_ident().is_some_and(|only| only.value.eq_ignore_ascii_case(&name.value)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

#[derive(Default)]
struct Lowering {
    /// Limits, which stay as written.
    limits: Vec<Option<LimitClause>>,
    /// Frames of windows, which stay as written: one entry for each expression that is being visited.
    frames: Vec<Option<WindowFrame>>,
    /// Frames of a SELECT's named windows.
    named_frames: Vec<Vec<Option<WindowFrame>>>,
    /// Arguments of table functions, which stay as written.
    arguments: Vec<Option<TableFunctionArgs>>,
    /// Subqueries that DataFusion plans as joins, by where they lie in memory.
    joined: HashSet<*const Query>,
}

impl VisitorMut for Lowering {
    type Break = Refused;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Refused> {
        using::lower(query)?;
        recursive(query)?;
        self.limits.push(query.limit_clause.take());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Refused> {
        query.limit_clause = self.limits.pop().flatten();
        if let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = &mut query.order_by {
            for order in orders {
                expression::as_written(&mut order.expr);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refused> {
        if matches!(select.flavor, SelectFlavor::FromFirstNoSelect) {
            select.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
        }
        select.flavor = SelectFlavor::Standard;
        window::inherit(select)?;
        if let Err(refused) = aggregate::states(select) {
            return ControlFlow::Break(refused);
        }
        subquery::name_columns(select);
        subquery::lateral(select);
        for condition in [&select.selection, &select.having, &select.qualify].into_iter().flatten() {
            subquery::joined(condition, true, &mut self.joined);
        }
        let frames = select.named_window.iter_mut().map(|window| match &mut window.1 {
            datafusion::sql::sqlparser::ast::NamedWindowExpr::WindowSpec(spec) => spec.window_frame.take(),
            datafusion::sql::sqlparser::ast::NamedWindowExpr::NamedWindow(_) => None,
        });
        self.named_frames.push(frames.collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refused> {
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            keys.iter_mut().for_each(expression::as_written);
        }
        let frames = self.named_frames.pop().unwrap_or_default();
        for (window, frame) in select.named_window.iter_mut().zip(frames) {
            if let datafusion::sql::sqlparser::ast::NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
                spec.window_frame = frame;
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Refused> {
        relation::lower(factor)?;
        // What is still a function of constants gets them as they are written.
        self.arguments.push(match factor {
            TableFactor::Table { args, .. } => args.take(),
            _ => None,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Refused> {
        if let (Some(Some(arguments)), TableFactor::Table { args, .. }) = (self.arguments.pop(), factor) {
            *args = Some(arguments);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refused> {
        let frame = match expr {
            Expr::Function(function) => match &mut function.over {
                Some(WindowType::WindowSpec(spec)) => spec.window_frame.take(),
                _ => None,
            },
            _ => None,
        };
        self.frames.push(frame);
        if self.frames.len() > DEEPEST {
            let message = format!("this expression is nested more than {DEEPEST} levels deep");
            let help = "write long lists of conditions as `in (…)`, or join a table of values";
            return ControlFlow::Break(Refused::new(message, Some(help), expr.span()));
        }
        expression::before(expr)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refused> {
        if let Some(frame) = self.frames.pop().flatten()
            && let Expr::Function(function) = expr
            && let Some(WindowType::WindowSpec(spec)) = &mut function.over
        {
            spec.window_frame = Some(frame);
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
