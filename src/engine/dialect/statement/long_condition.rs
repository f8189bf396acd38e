//! Chains of many AND or OR, as loops in templates write them. `a or b or c` is parsed as `(a or b) or c`,
//! and DataFusion plans it in time that grows with the square of the parts: it asks each level for the types
//! of all levels inside it. A balanced tree has few levels, and its parts are evaluated in the same order.

use std::mem;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Ident};

/// The number of parts from which a chain is balanced.
const LONG: usize = 32;

/// Balances a chain of one operator, AND or OR, and returns the number of its parts. They keep their order.
pub(in crate::engine::dialect) fn balance(expr: &mut Expr) -> usize {
    let Expr::BinaryOp { op: op @ (BinaryOperator::And | BinaryOperator::Or), .. } = expr else { return 1 };
    let op = op.clone();
    let length = length(expr, &op);
    if length < LONG {
        return length;
    }
    let mut parts = Vec::with_capacity(length);
    let mut rest = mem::replace(expr, nothing());
    loop {
        match rest {
            Expr::BinaryOp { left, op: found, right } if found == op => {
                parts.push(*right);
                rest = *left;
            }
            first => {
                parts.push(first);
                break;
            }
        }
    }
    parts.reverse();
    while parts.len() > 1 {
        let mut pairs = Vec::with_capacity(parts.len() / 2 + 1);
        let mut ordered = parts.into_iter();
        while let Some(left) = ordered.next() {
            pairs.push(match ordered.next() {
                Some(right) => {
                    Expr::BinaryOp { left: Box::new(left), op: op.clone(), right: Box::new(right) }
                }
                None => left,
            });
        }
        parts = pairs;
    }
    if let Some(balanced) = parts.pop() {
        *expr = balanced;
    }
    length
}

/// Returns the number of parts of a chain.
fn length(mut expr: &Expr, op: &BinaryOperator) -> usize {
    let mut parts = 1;
    while let Expr::BinaryOp { left, op: found, .. } = expr
        && found == op
    {
        parts += 1;
        expr = left;
    }
    parts
}

/// Returns what stands in a place while its expression is elsewhere.
fn nothing() -> Expr {
    Expr::Identifier(Ident::new(""))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::DuckDbDialect, parser::Parser};

    use super::*;

    fn parsed(sql: &str) -> Expr {
        Parser::new(&DuckDbDialect {}).try_with_sql(sql).unwrap().parse_expr().unwrap()
    }

    fn levels(expr: &Expr) -> usize {
        match expr {
            Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
                1 + levels(left).max(levels(right))
            }
            _ => 0,
        }
    }

    #[test]
    fn parts_keep_their_order_on_few_levels() {
        for op in [" AND ", " OR "] {
            for parts in [LONG - 1, LONG, LONG + 1, 100, 127, 128, 129, 5000] {
                let sql: Vec<String> = (0..parts).map(|part| format!("a = {part}")).collect();
                let sql = sql.join(op);
                let mut balanced = parsed(&sql);
                assert_eq!(balance(&mut balanced), parts);
                assert_eq!(balanced.to_string(), sql);
                let most = if parts < LONG { parts } else { parts.ilog2() as usize + 1 };
                assert!(levels(&balanced) <= most, "{parts}: {}", levels(&balanced));
            }
        }
    }

    #[test]
    fn other_operators_stay_whole() {
        let ands = ["a"; LONG].join(" and ");
        let mut mixed = parsed(&format!("{ands} or b"));
        let before = mixed.clone();
        assert_eq!(balance(&mut mixed), 2);
        assert!(mixed == before, "{mixed}");
        let sum = ["a"; LONG].join(" + ");
        let mut other = parsed(&sum);
        let before = other.clone();
        balance(&mut other);
        assert!(other == before, "{other}");
    }
}
