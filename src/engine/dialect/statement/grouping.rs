//! Grouping sets: ROLLUP, CUBE and GROUPING SETS that DataFusion reads differently.

use datafusion::sql::sqlparser::ast::{Expr, Spanned};

use crate::engine::dialect::refusal::SyntaxRefusal;

/// The maximum number of sets, as in DuckDB.
const MOST_SETS: usize = 65_535;

/// Rewrites ROLLUP and CUBE whose items are tuples, such as `rollup ((a, b), c)`, to the sets they mean.
pub(super) fn tuples(keys: &mut [Expr]) -> Result<(), SyntaxRefusal> {
    for key in keys {
        let is_tuple = |item: &Vec<Expr>| item.len() != 1;
        let sets: Vec<Vec<Expr>> = match key {
            Expr::Rollup(items) if items.iter().any(is_tuple) => {
                (0..=items.len()).rev().map(|kept| items[..kept].concat()).collect()
            }
            Expr::Cube(items) if items.iter().any(is_tuple) => {
                let count = u32::try_from(items.len()).ok().and_then(|count| 1_usize.checked_shl(count));
                let Some(count) = count.filter(|count| *count <= MOST_SETS) else {
                    let help = "list the sets that are needed: `grouping sets (…)`";
                    let message = format!("a CUBE makes at most {MOST_SETS} sets");
                    return Err(SyntaxRefusal::new(message, Some(help), key.span()));
                };
                let has = |set: usize, item: usize| set >> item & 1 == 1;
                (0..count)
                    .rev()
                    .map(|set| {
                        let kept = items.iter().enumerate().filter(|(item, _)| has(set, *item));
                        kept.flat_map(|(_, item)| item.clone()).collect()
                    })
                    .collect()
            }
            _ => continue,
        };
        *key = Expr::GroupingSets(sets);
    }
    Ok(())
}

/// Rejects the result of an operator in ROLLUP, CUBE and GROUPING SETS. Operators become functions after
/// DataFusion has planned the sets, which then no longer match the SELECT list.
pub(super) fn sets(keys: &[Expr]) -> Result<(), SyntaxRefusal> {
    let sets = keys.iter().filter_map(|key| match key {
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => Some(sets),
        _ => None,
    });
    let mut keys: Vec<&Expr> = keys.iter().chain(sets.clone().flatten().flatten()).collect();
    let is_computed = |key: &&Expr| matches!(unwrapped(key), Expr::BinaryOp { .. });
    keys.retain(is_computed);
    match keys.first().filter(|_| sets.count() > 0) {
        None => Ok(()),
        Some(key) => {
            let help = "compute it in a subquery, and group by its name";
            let message =
                "an operator's result beside or within ROLLUP, CUBE or GROUPING SETS is not supported";
            Err(SyntaxRefusal::new(message, Some(help), key.span()))
        }
    }
}

fn unwrapped(mut key: &Expr) -> &Expr {
    while let Expr::Nested(inner) = key {
        key = inner;
    }
    key
}
