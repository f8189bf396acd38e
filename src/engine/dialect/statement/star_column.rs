//! Columns of a star: those of FROM, with the options of the star applied.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::{
    common::Column,
    sql::sqlparser::ast::{
        Expr, Ident, JoinConstraint, JoinOperator, ObjectNamePart, Query, Select, TableWithJoins, VisitMut,
        VisitorMut,
    },
};

use super::{star::Star, star_place::holds};
use crate::engine::{ast::call, dialect::refusal::SyntaxRefusal};

/// A marker among the merged columns: all columns with equal names are merged.
const ALL: &str = "*";

/// A marker among the merged columns: a join keeps unmatched rows of the right side.
const KEPT: &str = "**";

/// A column selected by a star.
#[derive(Debug, Clone)]
pub(in crate::engine::dialect) struct StarColumn {
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
) -> Result<Vec<StarColumn>, SyntaxRefusal> {
    let merged = merged_columns(query, number);
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
    check_options(star, &columns)?;
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
        StarColumn {
            value,
            name: column.name.clone(),
            renamed: renamed.or_else(|| keeps_name.then(|| column.name.clone())),
        }
    });
    Ok(taken.collect())
}

/// Checks that a star's EXCLUDE and REPLACE name columns of FROM, and none of them twice.
fn check_options(star: &Star, columns: &[&Column]) -> Result<(), SyntaxRefusal> {
    let missing = |name: &str, list: &str| {
        let message = format!("the column {name} in the {list} list isn't a column of FROM");
        SyntaxRefusal::new(message, None, star.span)
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
    Ok(())
}

/// Returns whether a name, which may be qualified by its table, is that of a column.
fn is_of(column: &Column, names: &[String]) -> bool {
    let table = names.len().checked_sub(2).map(|table| names[table].as_str());
    let is_its = table
        .is_none_or(|table| column.relation.as_ref().is_some_and(|relation| same(relation.table(), table)));
    is_its && names.last().is_some_and(|name| same(name, &column.name))
}

/// Returns whether two names are the same; case doesn't count.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
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
    struct MergedColumnSearch {
        number: usize,
        found: HashSet<String>,
    }
    impl VisitorMut for MergedColumnSearch {
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
    let mut find = MergedColumnSearch { number, found: HashSet::new() };
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
