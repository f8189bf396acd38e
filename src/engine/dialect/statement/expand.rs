//! Star expansion: replaces stars with their columns once those are known.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::{
    common::Column,
    sql::sqlparser::ast::{
        BinaryOperator, DictionaryField, Distinct, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
        Ident, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, SelectItem, TableWithJoins,
        Visit, VisitMut, Visitor, VisitorMut,
    },
};

use super::{
    Refused,
    expression::{UNPACK, call},
    star::{STAR, Star},
};

/// A marker among the merged columns: all columns with equal names are merged.
const ALL: &str = "*";

/// A marker among the merged columns: a join keeps unmatched rows of the right side.
const KEPT: &str = "**";

/// A column selected by a star.
#[derive(Debug, Clone)]
pub(in crate::engine::dialect) struct Taken {
    /// The column, or the expression that replaces it.
    pub(super) value: Expr,
    /// The column's name in FROM.
    pub(in crate::engine::dialect) name: String,
    /// The column's new name in the result, if it has one.
    pub(super) renamed: Option<String>,
}

/// Returns the columns that a star can select, in the order of FROM. Columns merged by USING appear once.
///
/// # Errors
/// If the star's options name an unknown column.
pub(in crate::engine::dialect) fn candidates(
    query: &mut Query,
    number: usize,
    star: &Star,
    known: &[Column],
) -> Result<Vec<Taken>, Refused> {
    let merged = merged_columns(query, number);
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let mut seen = HashSet::new();
    let of_table = |column: &Column| {
        let Some(wanted) = star.table.last() else { return true };
        column.relation.as_ref().is_some_and(|relation| same(relation.table(), wanted))
    };
    let columns: Vec<&Column> = known
        .iter()
        .filter(|column| {
            let lower = column.name.to_lowercase();
            let again = !seen.insert(lower.clone());
            of_table(column)
                && !(star.table.is_empty() && again && (merged.contains(&lower) || merged.contains(ALL)))
        })
        .collect();
    let missing = |name: &str, list: &str| {
        Refused::new(format!("the column {name} in the {list} list is none of FROM's"), None, star.span)
    };
    let is_of = |column: &Column, names: &[String]| {
        let table = names.len().checked_sub(2).map(|table| names[table].as_str());
        let is_its = table.is_none_or(|table| {
            column.relation.as_ref().is_some_and(|relation| same(relation.table(), table))
        });
        is_its && names.last().is_some_and(|name| same(name, &column.name))
    };
    for excluded in &star.exclude {
        if !columns.iter().any(|column| is_of(column, excluded)) {
            return Err(missing(&excluded.join("."), "EXCLUDE"));
        }
    }
    star.check()?;
    for (place, (name, _)) in star.replace.iter().enumerate() {
        let known = columns.iter().any(|column| same(&column.name, name));
        let twice = star.replace[..place].iter().any(|(other, _)| same(other, name));
        let excluded = star.exclude.iter().any(|other| other.last().is_some_and(|other| same(other, name)));
        if !known || twice || excluded {
            return Err(missing(name, "REPLACE"));
        }
    }
    let excluded = |column: &Column| star.exclude.iter().any(|names| is_of(column, names));
    let taken = columns.into_iter().filter(|column| !excluded(column)).map(|column| {
        let replaced = star.replace.iter().find(|(name, _)| same(name, &column.name));
        let renamed = star.rename.iter().find(|(name, _)| same(name, &column.name));
        let sides: Vec<Expr> =
            known.iter().filter(|other| same(&other.name, &column.name)).map(written).collect();
        let is_of_both = star.table.is_empty()
            && merged.contains(KEPT)
            && merged.contains(&column.name.to_lowercase())
            && sides.len() > 1;
        let value = match replaced {
            Some((_, value)) => Expr::Nested(Box::new(value.clone())),
            None if is_of_both => call("coalesce", sides),
            None => written(column),
        };
        let keeps_name = replaced.is_some() || is_of_both;
        let renamed = renamed.map(|(_, name)| name.clone());
        Taken {
            value,
            name: column.name.clone(),
            renamed: renamed.or_else(|| keeps_name.then(|| column.name.clone())),
        }
    });
    Ok(taken.collect())
}

/// Returns a column as a qualified expression.
fn written(column: &Column) -> Expr {
    let quoted = |name: &str| Ident::with_quote('"', name);
    let mut names = Vec::new();
    if let Some(relation) = &column.relation {
        names.extend(relation.schema().map(quoted));
        names.push(quoted(relation.table()));
    }
    names.push(quoted(&column.name));
    if names.len() == 1 { Expr::Identifier(names.remove(0)) } else { Expr::CompoundIdentifier(names) }
}

/// Returns the columns that joins of the star's SELECT merge, in lower case.
fn merged_columns(query: &mut Query, number: usize) -> HashSet<String> {
    struct Find {
        number: usize,
        found: HashSet<String>,
    }
    impl VisitorMut for Find {
        type Break = ();

        fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
            if holds(select, self.number) {
                for from in &select.from {
                    merged_of(from, &mut self.found);
                }
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    let mut find = Find { number, found: HashSet::new() };
    let _ = query.visit(&mut find);
    find.found
}

fn merged_of(from: &TableWithJoins, found: &mut HashSet<String>) {
    for join in &from.joins {
        if super::using::keeps_right(join) && super::using::merges(join) {
            found.insert(KEPT.to_owned());
        }
        if let JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint) = &join.join_operator
        {
            match constraint {
                JoinConstraint::Using(names) => {
                    let last =
                        names.iter().filter_map(|name| name.0.last().and_then(ObjectNamePart::as_ident));
                    found.extend(last.map(|name| name.value.to_lowercase()));
                }
                JoinConstraint::Natural => {
                    found.insert(ALL.to_owned());
                }
                _ => {}
            }
        }
    }
}

/// Returns whether a SELECT contains the star outside its subqueries.
fn holds(select: &Select, number: usize) -> bool {
    let has = |expr: &Expr| has_star(expr, Some(number));
    let in_items = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => has(expr),
        _ => false,
    });
    let in_keys = matches!(&select.distinct, Some(Distinct::On(keys)) if keys.iter().any(has));
    in_items || in_keys || [&select.selection, &select.qualify].into_iter().flatten().any(has)
}

/// Returns whether an expression contains a star outside subqueries: any star, or the one with this number.
fn has_star(expr: &Expr, number: Option<usize>) -> bool {
    struct Find(Option<usize>, usize);
    impl Visitor for Find {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match star_number(expr) {
                Some(number) if self.1 == 0 && self.0.is_none_or(|wanted| wanted == number) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Find(number, 0)).is_break()
}

/// Returns the number of the star that an expression stands for.
fn star_number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Identifier(name) => number_of(&name.value),
        _ => None,
    }
}

/// Returns the number of the star with this placeholder name.
pub(in crate::engine::dialect) fn number_of(name: &str) -> Option<usize> {
    name.strip_prefix(STAR)?.parse().ok()
}

/// Replaces a star with its columns. `alias` returns the name of one of several results, given the written
/// alias.
///
/// # Errors
/// If the star is in a position that takes a single expression.
pub(in crate::engine::dialect) fn expand(
    query: &mut Query,
    number: usize,
    star: &Star,
    columns: &[Taken],
    alias: &mut dyn FnMut(&str, &Taken) -> String,
) -> Result<(), Refused> {
    let mut expand = Expand { number, star, columns, alias, done: false };
    if let ControlFlow::Break(refused) = query.visit(&mut expand) {
        return Err(refused);
    }
    if expand.done { Ok(()) } else { Err(misplaced(star)) }
}

fn misplaced(star: &Star) -> Refused {
    let help = "name the columns here";
    Refused::new("columns(…) may be used in SELECT, WHERE and QUALIFY only", Some(help), star.span)
}

struct Expand<'a> {
    number: usize,
    star: &'a Star,
    columns: &'a [Taken],
    alias: &'a mut dyn FnMut(&str, &Taken) -> String,
    done: bool,
}

impl VisitorMut for Expand<'_> {
    type Break = Refused;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refused> {
        if !holds(select, self.number) {
            return ControlFlow::Continue(());
        }
        self.done = true;
        let mut unpack = Unpack { number: self.number, columns: self.columns };
        let _ = select.visit(&mut unpack);
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match self.items(item) {
                Ok(more) => items.extend(more),
                Err(refused) => return ControlFlow::Break(refused),
            }
        }
        select.projection = items;
        if let Some(Distinct::On(keys)) = &mut select.distinct {
            *keys = std::mem::take(keys).into_iter().flat_map(|key| self.each(key)).collect();
        }
        for condition in [&mut select.selection, &mut select.qualify].into_iter().flatten() {
            let taken = std::mem::replace(condition, Expr::Identifier(Ident::new("")));
            let all = self.each(taken).into_iter().map(|one| Expr::Nested(Box::new(one)));
            let all = all.reduce(|left, right| Expr::BinaryOp {
                left: Box::new(left),
                op: BinaryOperator::And,
                right: Box::new(right),
            });
            match all {
                Some(all) => *condition = all,
                None => return ControlFlow::Break(misplaced(self.star)),
            }
        }
        ControlFlow::Continue(())
    }
}

impl Expand<'_> {
    /// Returns the expression for each column, or the unchanged expression if it doesn't contain the star.
    fn each(&self, expr: Expr) -> Vec<Expr> {
        if !has_star(&expr, Some(self.number)) {
            return vec![expr];
        }
        let columns = self.columns.iter();
        columns.map(|column| with_column(expr.clone(), self.number, &column.value)).collect()
    }

    fn items(&mut self, item: SelectItem) -> Result<Vec<SelectItem>, Refused> {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias)),
            other => return Ok(vec![other]),
        };
        if !has_star(&expr, Some(self.number)) {
            return Ok(vec![match alias {
                Some(alias) => SelectItem::ExprWithAlias { expr, alias },
                None => SelectItem::UnnamedExpr(expr),
            }]);
        }
        let is_bare = star_number(&expr).is_some();
        let mut items = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let expr = with_column(expr.clone(), self.number, &column.value);
            if has_star(&expr, None) {
                let help = "name the columns of one of them";
                let message = "an expression can have one choice of columns only";
                return Err(Refused::new(message, Some(help), self.star.span));
            }
            let name = match (&alias, &column.renamed) {
                (Some(alias), _) => Some((self.alias)(&alias.value, column)),
                (None, Some(renamed)) => Some(renamed.clone()),
                (None, None) => (!is_bare).then(|| column.name.clone()),
            };
            items.push(match name {
                Some(name) => SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) },
                None => SelectItem::UnnamedExpr(expr),
            });
        }
        Ok(items)
    }
}

fn with_column(mut expr: Expr, number: usize, column: &Expr) -> Expr {
    struct Replace<'a>(usize, &'a Expr);
    impl VisitorMut for Replace<'_> {
        type Break = ();

        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if star_number(expr) == Some(self.0) {
                *expr = self.1.clone();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = VisitMut::visit(&mut expr, &mut Replace(number, column));
    expr
}

/// A visitor that replaces an unpacked star with all of its columns.
struct Unpack<'a> {
    number: usize,
    columns: &'a [Taken],
}

impl Unpack<'_> {
    fn is_mine(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Function(function) if function.name.to_string().trim_matches('"') == UNPACK => {
                has_star(expr, Some(self.number))
            }
            _ => false,
        }
    }

    fn values(&self, expr: Expr) -> Vec<Expr> {
        if self.is_mine(&expr) {
            self.columns.iter().map(|column| column.value.clone()).collect()
        } else {
            vec![expr]
        }
    }
}

impl VisitorMut for Unpack<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Array(list) = expr {
            list.elem =
                std::mem::take(&mut list.elem).into_iter().flat_map(|item| self.values(item)).collect();
            return ControlFlow::Continue(());
        }
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let is_struct = function.name.to_string().eq_ignore_ascii_case("struct_pack");
        let FunctionArguments::List(list) = &mut function.args else { return ControlFlow::Continue(()) };
        let plain = |argument: &FunctionArg| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => self.is_mine(value),
            _ => false,
        };
        if is_struct && list.args.iter().all(plain) && !list.args.is_empty() {
            let fields = self.columns.iter().map(|column| DictionaryField {
                key: Ident::with_quote('\'', column.name.clone()),
                value: Box::new(column.value.clone()),
            });
            *expr = Expr::Dictionary(fields.collect());
            return ControlFlow::Continue(());
        }
        list.args = std::mem::take(&mut list.args)
            .into_iter()
            .flat_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => {
                    let values = self.values(value).into_iter();
                    values.map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value))).collect()
                }
                other => vec![other],
            })
            .collect();
        ControlFlow::Continue(())
    }
}
