//! EXISTS and IN (SELECT …) as values. DataFusion plans them as joins where they filter rows; elsewhere, and
//! for a constant before IN, they become scalar subqueries that count.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinOperator, Query,
    Select, SelectItem, SetExpr, Spanned, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
    UnaryOperator, Value, Visit, Visitor,
};

use super::{condition::case, relation::has_column};
use crate::engine::{
    ast::{call, integer},
    dialect::refusal::SyntaxRefusal,
};

/// Gives columns with subqueries their SQL text as their name, as DuckDB does. DataFusion would name them
/// after their plan.
pub(super) fn name_columns(select: &mut Select) {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && has_subquery(expr)
        {
            let alias = Ident::with_quote('"', expr.to_string());
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

/// Returns whether an expression contains a subquery.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Queries).is_break()
}

/// Lets subqueries in FROM read the items before them, as DuckDB does even without LATERAL.
pub(super) fn lateral(select: &mut Select) {
    let mut first = true;
    for from in &mut select.from {
        let joins = from.joins.iter_mut().map(|join| {
            let outer = matches!(
                join.join_operator,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
            );
            (&mut join.relation, !outer)
        });
        for (factor, may_read) in std::iter::once((&mut from.relation, true)).chain(joins) {
            if let TableFactor::Derived { lateral, .. } = factor {
                *lateral |= may_read && !first;
            }
            first = false;
        }
    }
}

/// Collects the subqueries of a condition that become joins: IN with a column before it, if the condition
/// must hold as a whole, and EXISTS wherever only truth matters.
pub(in crate::engine::dialect) fn joined(condition: &Expr, whole: bool, found: &mut HashSet<*const Query>) {
    match condition {
        Expr::Nested(inner) => joined(inner, whole, found),
        Expr::BinaryOp { left, op, right } if matches!(op, BinaryOperator::And | BinaryOperator::Or) => {
            let whole = whole && matches!(op, BinaryOperator::And);
            joined(left, whole, found);
            joined(right, whole, found);
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => joined(expr, false, found),
        Expr::Exists { subquery, .. } => {
            found.insert(std::ptr::from_ref(subquery.as_ref()));
        }
        Expr::InSubquery { expr, subquery, .. } if whole && has_column(expr) => {
            found.insert(std::ptr::from_ref(subquery.as_ref()));
        }
        _ => {}
    }
}

/// Rewrites an EXISTS or IN that doesn't become a join; returns `None` for any other expression.
pub(in crate::engine::dialect) fn lower(expr: &Expr, joined: &HashSet<*const Query>) -> Option<Expr> {
    match expr {
        Expr::Exists { subquery, negated } if !joined.contains(&std::ptr::from_ref(subquery.as_ref())) => {
            let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
            Some(compare(count(subquery, CountedUnit::Rows, None), op, integer(0)))
        }
        Expr::InSubquery { expr, subquery, negated }
            if !joined.contains(&std::ptr::from_ref(subquery.as_ref())) =>
        {
            let found = quantified(expr, &BinaryOperator::Eq, subquery, Quantifier::Any);
            Some(if *negated {
                Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) }
            } else {
                found
            })
        }
        Expr::AnyOp { left, compare_op, right, .. } => match right.as_ref() {
            Expr::Subquery(subquery) => Some(quantified(left, compare_op, subquery, Quantifier::Any)),
            _ => None,
        },
        Expr::AllOp { left, compare_op, right } => match right.as_ref() {
            Expr::Subquery(subquery) => Some(quantified(left, compare_op, subquery, Quantifier::All)),
            _ => None,
        },
        _ => None,
    }
}

/// The unit that a subquery counts. Keys are counted where none can be NULL, so that lineage sees the
/// deciding column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CountedUnit {
    Rows,
    Keys,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    Any,
    All,
}

/// Rewrites `value op ANY (SELECT k …)`: true if the comparison is true for a row, else NULL if it is NULL
/// for one, else false. With ALL: false if the comparison is false for a row, else NULL if it is NULL for
/// one, else true.
#[expect(clippy::similar_names, reason = "what decides, and how it is decided then")]
fn quantified(value: &Expr, op: &BinaryOperator, subquery: &Query, quantifier: Quantifier) -> Expr {
    let nested = |expr: Expr| Expr::Nested(Box::new(expr));
    let key = Expr::CompoundIdentifier(vec![Ident::new(ALIAS), Ident::new(KEY)]);
    let is_null = |expr: Expr| Expr::IsNull(Box::new(expr));
    let comparison = compare(nested(value.clone()), op.clone(), key.clone());
    let any = |counted, condition: Expr| {
        compare(count(subquery, counted, Some(condition)), BinaryOperator::Gt, integer(0))
    };
    let truth = |value: bool| Expr::Value(Value::Boolean(value).with_empty_span());
    // A comparison is NULL if either side is NULL. Testing each side alone lets the engine evaluate them
    // separately.
    let rows = compare(count(subquery, CountedUnit::Rows, None), BinaryOperator::Gt, integer(0));
    let null_here = compare(is_null(nested(value.clone())), BinaryOperator::And, rows);
    let null_there = any(CountedUnit::Rows, is_null(key));
    let unknown = compare(nested(null_here), BinaryOperator::Or, null_there);
    let (decisive, decided) = match quantifier {
        Quantifier::Any => (comparison, true),
        Quantifier::All => (Expr::IsFalse(Box::new(nested(comparison))), false),
    };
    let null = Expr::Value(Value::Null.with_empty_span());
    let otherwise = case(None, unknown, null, Some(Box::new(truth(!decided))));
    case(None, any(CountedUnit::Keys, decisive), truth(decided), Some(Box::new(otherwise)))
}

const ALIAS: &str = "$in";
const KEY: &str = "$key";

fn compare(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// Returns `(SELECT count(*) FROM (subquery) AS "$in"("$key") WHERE condition)`.
fn count(subquery: &Query, counted: CountedUnit, condition: Option<Expr>) -> Expr {
    let columns = if condition.is_some() {
        vec![TableAliasColumnDef { name: Ident::new(KEY), data_type: None }]
    } else {
        Vec::new()
    };
    let alias = TableAlias { explicit: true, name: Ident::new(ALIAS), columns, at: None };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery.clone()),
        alias: Some(alias),
        sample: None,
    };
    let mut counting = call("count", Vec::new());
    if counted == CountedUnit::Keys {
        counting = call("count", vec![Expr::CompoundIdentifier(vec![Ident::new(ALIAS), Ident::new(KEY)])]);
    } else if let Expr::Function(function) = &mut counting
        && let FunctionArguments::List(list) = &mut function.args
    {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
    }
    let select =
        super::relation::select(counting, vec![TableWithJoins { relation, joins: Vec::new() }], condition);
    Expr::Subquery(Box::new(super::relation::query(SetExpr::Select(Box::new(select)))))
}

/// Returns the number of a subquery's columns, or `None` if it has a star.
pub(super) fn width(subquery: &Query) -> Option<usize> {
    let SetExpr::Select(select) = subquery.body.as_ref() else { return None };
    let is_value =
        |item: &SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    select.projection.iter().all(is_value).then_some(select.projection.len())
}

/// Rewrites `(a, b) IN (SELECT …)` in a condition: a row of the subquery must be equal in all columns. With
/// NOT IN, no row may be equal or possibly equal because of NULLs.
pub(super) fn rows(condition: &mut Expr) -> Result<(), SyntaxRefusal> {
    match condition {
        Expr::Nested(inner) => rows(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            rows(left)?;
            rows(right)
        }
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
            let Expr::InSubquery { negated, .. } = inner_mut(expr) else { return Ok(()) };
            *negated = !*negated;
            let mut inner = inner_mut(expr).clone();
            rows(&mut inner)?;
            match inner {
                Expr::InSubquery { .. } => {
                    if let Expr::InSubquery { negated, .. } = inner_mut(expr) {
                        *negated = !*negated;
                    }
                }
                rewritten => *condition = rewritten,
            }
            Ok(())
        }
        Expr::InSubquery { expr, subquery, negated } => {
            let Expr::Tuple(items) = expr.as_ref() else { return Ok(()) };
            if width(subquery) == Some(1) {
                return Ok(());
            }
            if width(subquery).is_some_and(|width| width != items.len()) {
                let help = "select as many columns as there are values before IN";
                return Err(SyntaxRefusal::new(
                    "the subquery has another number of columns",
                    Some(help),
                    expr.span(),
                ));
            }
            *condition = among(items, subquery, *negated);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn inner_mut(expr: &mut Expr) -> &mut Expr {
    match expr {
        Expr::Nested(inner) => inner_mut(inner),
        other => other,
    }
}

/// Returns `[NOT] EXISTS (SELECT 1 FROM (subquery) AS "$rows"("$0", "$1") WHERE a = "$0" AND b = "$1")`.
fn among(items: &[Expr], subquery: &Query, negated: bool) -> Expr {
    const ROWS: &str = "$rows";
    let nested = |expr: Expr| Expr::Nested(Box::new(expr));
    let is_null = |expr: Expr| Expr::IsNull(Box::new(expr));
    let names: Vec<Ident> = (0..items.len()).map(|at| Ident::new(format!("${at}"))).collect();
    let equal = items.iter().zip(&names).map(|(item, name)| {
        let column = || Expr::CompoundIdentifier(vec![Ident::new(ROWS), name.clone()]);
        let same = compare(nested(item.clone()), BinaryOperator::Eq, column());
        if !negated {
            return same;
        }
        let unknown = compare(is_null(nested(item.clone())), BinaryOperator::Or, is_null(column()));
        nested(compare(same, BinaryOperator::Or, unknown))
    });
    let condition = equal.reduce(|left, right| compare(left, BinaryOperator::And, right));
    let columns = names.iter().map(|name| TableAliasColumnDef { name: name.clone(), data_type: None });
    let alias = TableAlias { explicit: true, name: Ident::new(ROWS), columns: columns.collect(), at: None };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery.clone()),
        alias: Some(alias),
        sample: None,
    };
    let from = vec![TableWithJoins { relation, joins: Vec::new() }];
    let rows = super::relation::select(integer(1), from, condition);
    let subquery = Box::new(super::relation::query(SetExpr::Select(Box::new(rows))));
    Expr::Exists { subquery, negated }
}
