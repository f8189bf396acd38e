//! Column names: a cast column keeps its own name, and a struct field gets the field's name.
//!
//! DuckDB names `i::varchar` "CAST(i AS VARCHAR)", which isn't a valid name for a stored column. The long
//! name stays where the short one would clash with another column.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, SetQuantifier, TableAlias, Visit, Visitor,
};

/// Names the cast columns that a query selects.
pub(super) fn name_casts(query: &mut Query) {
    let mut taken = NameSet::default();
    if let Some(order_by) = &query.order_by {
        let _ = order_by.visit(&mut taken);
    }
    name_in(&mut query.body, &taken);
}

fn name_in(body: &mut SetExpr, taken: &NameSet) {
    match body {
        SetExpr::Select(select) => name_items(select, taken.0.clone()),
        SetExpr::SetOperation { left, right, .. } => {
            name_in(left, taken);
            name_in(right, taken);
        }
        _ => {}
    }
}

fn name_items(select: &mut Select, mut taken: HashSet<String>) {
    let mut fields = HashSet::new();
    for item in &select.projection {
        let name = match item {
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(name),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last(),
            SelectItem::ExprWithAlias { alias, .. } => Some(alias),
            SelectItem::UnnamedExpr(_) => None,
            // A wildcard may contain any name.
            _ => return,
        };
        taken.extend(name.map(|name| name.value.to_lowercase()));
    }
    let relations: Vec<String> =
        super::lambda::relations(&select.from).map(|name| name.to_lowercase()).collect();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let named = match expr {
            // The names of plain columns are already in `taken`.
            Expr::CompoundIdentifier(parts) if is_field(parts, &relations) => {
                let name = parts.last().cloned();
                name.filter(|name| fields.insert(name.value.to_lowercase()))
            }
            Expr::Cast { .. } => column(expr).filter(|name| taken.insert(name.value.to_lowercase())),
            _ => None,
        };
        let Some(alias) = named else { continue };
        let expr = std::mem::replace(expr, Expr::Identifier(Ident::new("")));
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// Gives columns with equal names unique ones if a column list renames all of them anyway, because DataFusion
/// rejects duplicate names before it applies the list.
pub(super) fn tell_apart(alias: &TableAlias, query: &mut Query) {
    if !alias.columns.is_empty() {
        tell_apart_in(&mut query.body, alias.columns.len());
    }
}

fn tell_apart_in(body: &mut SetExpr, columns: usize) {
    match body {
        SetExpr::Select(select) => tell_items_apart(select, columns),
        SetExpr::Query(query) => tell_apart_in(&mut query.body, columns),
        // With BY NAME, the names decide which columns match.
        SetExpr::SetOperation {
            set_quantifier: SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName,
            ..
        } => {}
        SetExpr::SetOperation { left, right, .. } => {
            tell_apart_in(left, columns);
            tell_apart_in(right, columns);
        }
        _ => {}
    }
}

fn tell_items_apart(select: &mut Select, columns: usize) {
    let mut taken: Vec<(Option<String>, String)> = Vec::with_capacity(select.projection.len());
    // Positions after a star are unknown.
    for (at, item) in select.projection.iter_mut().enumerate().take(columns) {
        let (relation, name) = match item {
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                let name = parts.last().map(|name| name.value.to_lowercase()).unwrap_or_default();
                let relation = parts.iter().rev().nth(1).map(|relation| relation.value.to_lowercase());
                (relation, name)
            }
            SelectItem::UnnamedExpr(expr) => {
                (None, column(expr).map_or_else(|| expr.to_string(), |name| name.value).to_lowercase())
            }
            SelectItem::ExprWithAlias { alias, .. } => (None, alias.value.to_lowercase()),
            _ => return,
        };
        // The relation distinguishes equal names of two relations.
        let same = taken.iter().any(|(other, taken)| {
            *taken == name && (other.is_none() || relation.is_none() || *other == relation)
        });
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
            && same
        {
            let expr = std::mem::replace(expr, Expr::Identifier(Ident::new("")));
            let alias = Ident::with_quote('"', format!("$column {at}"));
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
        taken.push((relation, name));
    }
}

/// Returns whether a name refers to a struct field, rather than to a column of one of these relations.
fn is_field(parts: &[Ident], relations: &[String]) -> bool {
    let is_relation = |part: &Ident| relations.contains(&part.value.to_lowercase());
    match parts {
        [] | [_] => false,
        [first, _] => !is_relation(first),
        // Either `schema.table.column`, or a field of `table.column`.
        [first, second, ..] => !is_relation(second) || is_relation(first),
    }
}

/// Returns the column that an expression casts.
fn column(expr: &Expr) -> Option<Ident> {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => column(expr),
        Expr::Identifier(name) => Some(name.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().cloned(),
        _ => None,
    }
}

/// The names in an expression, in lower case.
#[derive(Default)]
struct NameSet(HashSet<String>);

impl Visitor for NameSet {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name) => drop(self.0.insert(name.value.to_lowercase())),
            Expr::CompoundIdentifier(parts) => {
                self.0.extend(parts.last().map(|name| name.value.to_lowercase()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
