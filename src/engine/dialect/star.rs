//! Stars: expands COLUMNS and stars with options once the columns of FROM are known.

use datafusion::{
    common::{Column, DFSchema},
    error::Result,
    execution::SessionState,
    sql::sqlparser::ast::{self, Expr, ExprWithAlias},
};

use super::{
    constant,
    refusal::{SyntaxRefusal, refused},
    statement::{self, Choice, Star, StarColumn},
};
use crate::engine::ast::{call, text};

/// Replaces a star with the columns that it selects.
pub(super) fn expand(
    state: &SessionState,
    query: &mut ast::Query,
    number: usize,
    star: &Star,
    known: &[Column],
) -> Result<()> {
    let all = statement::candidates(query, number, star, known).map_err(refused)?;
    let mut taken = Vec::with_capacity(all.len());
    for column in all {
        if is_chosen(state, star.choice(), &column.name)? {
            taken.push(column);
        }
    }
    if let Choice::Named(names) = star.choice()
        && let Some(missing) =
            names.iter().find(|name| !taken.iter().any(|column| column.name.eq_ignore_ascii_case(name)))
    {
        let message = format!("the column {missing} in columns(…) isn't a column of FROM");
        return Err(refused(SyntaxRefusal::new(message, None, star.span())));
    }
    if taken.is_empty() {
        let names: Vec<&str> = known.iter().map(|column| column.name.as_str()).collect();
        let help = format!("the columns are {}", names.join(", "));
        return Err(refused(SyntaxRefusal::new("no column has such a name", Some(&help), star.span())));
    }
    let mut problem = None;
    let mut alias = |written: &str, column: &StarColumn| {
        named(state, star.choice(), written, &column.name).unwrap_or_else(|error| {
            problem.get_or_insert(error);
            String::new()
        })
    };
    statement::expand(query, number, star, &taken, &mut alias).map_err(refused)?;
    problem.map_or(Ok(()), Err)
}

/// Returns whether the star selects a column.
fn is_chosen(state: &SessionState, choice: &Choice, name: &str) -> Result<bool> {
    let condition = match choice {
        Choice::All => return Ok(true),
        Choice::Named(names) => return Ok(names.iter().any(|own| own.eq_ignore_ascii_case(name))),
        Choice::Matching(pattern) => call("regexp_matches", vec![text(name), text(pattern)]),
        Choice::Where(lambda) => statement::condition(lambda, name),
    };
    constant::holds(planned(state, condition)?)
}

fn planned(state: &SessionState, expr: Expr) -> Result<datafusion::logical_expr::Expr> {
    state.create_logical_expr_from_sql_expr(ExprWithAlias { expr, alias: None }, &DFSchema::empty())
}

/// Builds the alias of one column: `\0` becomes its name, `\1` the match of the pattern's first group.
fn named(state: &SessionState, choice: &Choice, alias: &str, name: &str) -> Result<String> {
    let mut made = String::new();
    let mut letters = alias.chars().peekable();
    while let Some(letter) = letters.next() {
        let group = (letter == '\\').then(|| letters.peek().and_then(|next| next.to_digit(10))).flatten();
        let Some(group) = group else {
            made.push(letter);
            continue;
        };
        letters.next();
        match choice {
            Choice::Matching(pattern) if group > 0 => {
                let number = crate::engine::ast::integer(group.into());
                let matched = call("regexp_extract", vec![text(name), text(pattern), number]);
                made.push_str(
                    &constant::text(&constant::value(planned(state, matched)?)?).unwrap_or_default(),
                );
            }
            _ => made.push_str(name),
        }
    }
    Ok(made)
}
