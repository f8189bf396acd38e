//! USING: merges equal columns of both sides. DataFusion reads a merged column from the side whose name comes
//! first in alphabetical order, and never from both. That is correct if the join keeps no unmatched right
//! rows, and if the SELECT has no `*` or the relations are in alphabetical order. Otherwise this module
//! rewrites the join to ON, and the column to the left side's, the right side's, or the first that isn't
//! NULL.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, ExcludeSelectItem, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator,
        ObjectName, OrderBy, OrderByKind, Query, ReplaceSelectElement, ReplaceSelectItem, Select, SelectItem,
        SelectItemQualifiedWildcardKind, SetExpr, Spanned, TableFactor, VisitMut, VisitorMut,
        WildcardAdditionalOptions,
    },
    tokenizer::Span,
};

use crate::engine::{ast::call, dialect::refusal::SyntaxRefusal};

/// Returns whether a join merges columns.
pub(super) fn merges(join: &Join) -> bool {
    constraint(&join.join_operator).is_some_and(is_merging)
}

/// Returns whether a join keeps unmatched rows of the right side.
pub(super) fn keeps_right(join: &Join) -> bool {
    matches!(
        join.join_operator,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
    )
}

/// Returns the span of the first natural join in a query or its subqueries.
pub(in crate::engine::dialect) fn natural(query: &mut Query) -> Option<Span> {
    struct NaturalJoinSearch;
    impl VisitorMut for NaturalJoinSearch {
        type Break = Span;

        fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Span> {
            let joins = select.from.iter_mut().flat_map(|from| &mut from.joins);
            for join in joins {
                let span = join.relation.span();
                if let Some(JoinConstraint::Natural) = constraint_mut(&mut join.join_operator) {
                    return ControlFlow::Break(span);
                }
            }
            ControlFlow::Continue(())
        }
    }
    match query.visit(&mut NaturalJoinSearch) {
        ControlFlow::Break(span) => Some(span),
        ControlFlow::Continue(()) => None,
    }
}

/// Rewrites joins with USING to ON where DataFusion reads them differently.
pub(super) fn lower(query: &mut Query) -> ControlFlow<SyntaxRefusal> {
    let order_by = query.order_by.take();
    let SetExpr::Select(select) = query.body.as_mut() else {
        query.order_by = order_by;
        return ControlFlow::Continue(());
    };
    let mut order_by = order_by;
    let flow =
        if is_left_as_it_is(select) { ControlFlow::Continue(()) } else { joins(select, &mut order_by) };
    query.order_by = order_by;
    flow
}

/// A relation in FROM.
struct JoinedRelation {
    /// The qualifier of its columns, if it has a name.
    name: Option<Vec<Ident>>,
    /// Columns that `*` shows as another relation's.
    hidden: Vec<Ident>,
    /// Columns that `*` shows as another expression.
    shown: Vec<(Ident, Expr)>,
}

/// A merged column.
struct Merged {
    column: Ident,
    value: Expr,
    /// The relation that `*` shows it in.
    shown_in: usize,
}

/// Returns whether DataFusion's reading of the joins matches DuckDB's.
fn is_left_as_it_is(select: &Select) -> bool {
    let mut joins = select.from.iter().flat_map(|from| &from.joins).map(|join| &join.join_operator);
    let one_sided = |operator: &JoinOperator| match operator {
        JoinOperator::Right(of) | JoinOperator::RightOuter(of) | JoinOperator::FullOuter(of) => {
            is_merging(of)
        }
        _ => false,
    };
    let merging = |operator: &JoinOperator| constraint(operator).is_some_and(is_merging);
    let all = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
    if joins.clone().any(one_sided) {
        return false;
    }
    !(all && joins.any(merging)) || in_alphabetical_order(select)
}

fn is_merging(constraint: &JoinConstraint) -> bool {
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural)
}

/// Returns whether the names of the relations are sorted, so that DataFusion shows the columns of the first
/// one. Qualified names sort after unqualified ones.
fn in_alphabetical_order(select: &Select) -> bool {
    let factors = select
        .from
        .iter()
        .flat_map(|from| std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)));
    let as_compared = |part: &Ident| match part.quote_style {
        Some(_) => part.value.clone(),
        None => part.value.to_lowercase(),
    };
    let names = factors.map(|factor| {
        let parts: Vec<String> = name_of(factor)?.iter().map(as_compared).collect();
        Some((parts.len(), parts))
    });
    names.collect::<Option<Vec<_>>>().is_some_and(|names| names.is_sorted())
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(of)
        | JoinOperator::Inner(of)
        | JoinOperator::Left(of)
        | JoinOperator::LeftOuter(of)
        | JoinOperator::Right(of)
        | JoinOperator::RightOuter(of)
        | JoinOperator::FullOuter(of) => Some(of),
        _ => None,
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(of)
        | JoinOperator::Inner(of)
        | JoinOperator::Left(of)
        | JoinOperator::LeftOuter(of)
        | JoinOperator::Right(of)
        | JoinOperator::RightOuter(of)
        | JoinOperator::FullOuter(of) => Some(of),
        _ => None,
    }
}

/// Returns the qualifier of a relation's columns.
fn name_of(factor: &TableFactor) -> Option<Vec<Ident>> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. } => Some(vec![alias.name.clone()]),
        TableFactor::Table { name, args: None, .. } => {
            name.0.iter().map(|part| part.as_ident().cloned()).collect()
        }
        _ => None,
    }
}

fn joins(select: &mut Select, order_by: &mut Option<OrderBy>) -> ControlFlow<SyntaxRefusal> {
    let mut relations: Vec<JoinedRelation> = Vec::new();
    let mut merged: Vec<Merged> = Vec::new();
    for from in &mut select.from {
        let first = relations.len();
        relations.push(JoinedRelation {
            name: name_of(&from.relation),
            hidden: Vec::new(),
            shown: Vec::new(),
        });
        for join in &mut from.joins {
            let right =
                JoinedRelation { name: name_of(&join.relation), hidden: Vec::new(), shown: Vec::new() };
            relations.push(right);
            let span = join.relation.span();
            let operator = join.join_operator.clone();
            let Some(constraint) = constraint_mut(&mut join.join_operator) else { continue };
            let columns = match constraint {
                JoinConstraint::Using(columns) => std::mem::take(columns),
                JoinConstraint::Natural => {
                    let message = "NATURAL JOIN with `*`, or with RIGHT or FULL, is not supported";
                    let help = "name the columns: `join … using (…)`";
                    return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), span));
                }
                _ => continue,
            };
            let mut conditions = Vec::new();
            for column in columns {
                let Some(column) = column.0.last().and_then(|part| part.as_ident()).cloned() else {
                    continue;
                };
                let Some(condition) = merge(&column, &operator, &mut relations, first, &mut merged) else {
                    let message = format!("`using ({column})` is not supported between these relations");
                    let help = "give each a name with `as`, and write `on` with both columns";
                    return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), span));
                };
                conditions.push(condition);
            }
            let all = conditions.into_iter().reduce(|left, right| compare(left, BinaryOperator::And, right));
            *constraint = all.map_or(JoinConstraint::None, JoinConstraint::On);
        }
    }
    for one in &merged {
        let relation = &mut relations[one.shown_in];
        relation.shown.retain(|(column, _)| !same(column, &one.column));
        relation.shown.push((one.column.clone(), one.value.clone()));
    }
    wildcards(select, &relations)?;
    names(select, order_by, &merged);
    ControlFlow::Continue(())
}

/// Merges a column of the last relation with the relations before it. Returns the condition that both are
/// equal, or `None` if the column's relation is unknown.
fn merge(
    column: &Ident,
    operator: &JoinOperator,
    relations: &mut [JoinedRelation],
    first: usize,
    merged: &mut Vec<Merged>,
) -> Option<Expr> {
    let (right, before) = relations.split_last_mut()?;
    let qualified = |relation: &JoinedRelation| {
        let mut parts = relation.name.clone()?;
        parts.push(column.clone());
        Some(Expr::CompoundIdentifier(parts))
    };
    let right_value = qualified(right)?;
    let known = merged.iter().position(|one| same(&one.column, column) && one.shown_in >= first);
    let (left_value, shown_in) = match known {
        Some(at) => {
            let known = merged.swap_remove(at);
            (known.value, known.shown_in)
        }
        // Several relations may have the column, and their columns aren't known here.
        None if before.len() == first + 1 => (qualified(&before[first])?, first),
        None => return None,
    };
    let value = match operator {
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => right_value.clone(),
        JoinOperator::FullOuter(_) => call("coalesce", vec![left_value.clone(), right_value.clone()]),
        _ => left_value.clone(),
    };
    right.hidden.push(column.clone());
    merged.push(Merged { column: column.clone(), value, shown_in });
    Some(compare(left_value, BinaryOperator::Eq, right_value))
}

fn compare(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

fn same(left: &Ident, right: &Ident) -> bool {
    left.value.eq_ignore_ascii_case(&right.value)
}

/// Expands `*` to the columns of each relation.
fn wildcards(select: &mut Select, relations: &[JoinedRelation]) -> ControlFlow<SyntaxRefusal> {
    let span = select.span();
    let mut items = Vec::with_capacity(select.projection.len());
    for item in std::mem::take(&mut select.projection) {
        let SelectItem::Wildcard(options) = &item else {
            items.push(item);
            continue;
        };
        let plain = options.opt_exclude.is_none()
            && options.opt_except.is_none()
            && options.opt_replace.is_none()
            && options.opt_rename.is_none()
            && options.opt_ilike.is_none();
        let named: Option<Vec<SelectItem>> = relations.iter().map(all_of).collect();
        let Some(named) = named.filter(|_| plain) else {
            let message = "`*` over this join with USING is not supported";
            let help = "give each relation a name with `as`, and list the columns, or those of each: `a.*, b.* exclude (id)`";
            return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), span));
        };
        items.extend(named);
    }
    select.projection = items;
    ControlFlow::Continue(())
}

/// Returns `a.* exclude (…) replace (…)`.
fn all_of(relation: &JoinedRelation) -> Option<SelectItem> {
    let name = ObjectName::from(relation.name.clone()?);
    let mut options = WildcardAdditionalOptions::default();
    if !relation.hidden.is_empty() {
        let hidden = relation.hidden.iter().map(|column| ObjectName::from(vec![column.clone()])).collect();
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(hidden));
    }
    let shown = relation.shown.iter().filter(|(column, value)| {
        // A column that shows itself needs no replacement.
        let own = Expr::CompoundIdentifier(
            name.0.iter().filter_map(|part| part.as_ident().cloned()).chain([column.clone()]).collect(),
        );
        own != *value
    });
    let shown: Vec<_> = shown
        .map(|(column, value)| {
            let column_name = column.clone();
            Box::new(ReplaceSelectElement { expr: value.clone(), column_name, as_keyword: true })
        })
        .collect();
    if !shown.is_empty() {
        options.opt_replace = Some(ReplaceSelectItem { items: shown });
    }
    Some(SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options))
}

/// Replaces the merged columns wherever they are written without a qualifier.
fn names(select: &mut Select, order_by: &mut Option<OrderBy>, merged: &[Merged]) {
    let named = |name: &Ident| merged.iter().find(|one| same(&one.column, name));
    let mut selected: Vec<Ident> = Vec::new();
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
            && let Some(one) = named(name)
        {
            selected.push(name.clone());
            *item = SelectItem::ExprWithAlias { expr: one.value.clone(), alias: name.clone() };
        } else if let SelectItem::ExprWithAlias { alias, .. } = item {
            selected.push(alias.clone());
        }
    }
    let mut columns = NameReplacement { merged, but: &[], depth: 0 };
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let _ = expr.visit(&mut columns);
        }
    }
    for from in &mut select.from {
        for join in &mut from.joins {
            if let Some(JoinConstraint::On(condition)) = constraint_mut(&mut join.join_operator) {
                let _ = condition.visit(&mut columns);
            }
        }
    }
    for condition in [&mut select.selection, &mut select.having, &mut select.qualify].into_iter().flatten() {
        let _ = condition.visit(&mut columns);
    }
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            let _ = key.visit(&mut columns);
        }
    }
    for window in &mut select.named_window {
        let _ = window.visit(&mut columns);
    }
    if let Some(OrderBy { kind: OrderByKind::Expressions(orders), .. }) = order_by {
        // In ORDER BY, a column of the result takes precedence.
        let mut columns = NameReplacement { merged, but: &selected, depth: 0 };
        for order in orders {
            let _ = order.expr.visit(&mut columns);
        }
    }
}

/// A visitor that replaces names outside subqueries.
struct NameReplacement<'a> {
    merged: &'a [Merged],
    but: &'a [Ident],
    depth: usize,
}

impl VisitorMut for NameReplacement<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Identifier(name) = expr else { return ControlFlow::Continue(()) };
        if self.depth > 0 || self.but.iter().any(|but| same(but, name)) {
            return ControlFlow::Continue(());
        }
        if let Some(one) = self.merged.iter().find(|one| same(&one.column, name)) {
            *expr = one.value.clone();
        }
        ControlFlow::Continue(())
    }
}
