//! UNION ALL of many parts, as loops in templates write it. `a union all b union all c` is parsed as
//! `(a union all b) union all c`, and DataFusion plans it in time that grows with the square of the parts: it
//! asks each level for the place and the types of all levels inside it. A balanced tree has few levels.

use std::mem;

use datafusion::sql::sqlparser::ast::{SetExpr, SetOperator, SetQuantifier, Values};

/// The number of parts from which a chain is balanced.
const LONG: usize = 32;

/// Balances a chain of UNION ALL. Its parts keep their order.
pub(in crate::engine::dialect) fn balance(body: &mut SetExpr) {
    if length(body) < LONG {
        return;
    }
    let mut parts = Vec::new();
    let mut rest = mem::replace(body, nothing());
    while let Some((left, right)) = sides(&mut rest) {
        parts.push(right);
        rest = left;
    }
    parts.push(rest);
    // The last part comes first in `parts`.
    while parts.len() > 1 {
        let mut pairs = Vec::with_capacity(parts.len() / 2 + 1);
        let mut ordered = parts.into_iter().rev();
        while let Some(left) = ordered.next() {
            pairs.push(match ordered.next() {
                Some(right) => union(left, right),
                None => left,
            });
        }
        pairs.reverse();
        parts = pairs;
    }
    if let Some(balanced) = parts.pop() {
        *body = balanced;
    }
}

/// Returns the number of parts of a chain.
fn length(mut body: &SetExpr) -> usize {
    let mut parts = 1;
    while let SetExpr::SetOperation {
        op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, ..
    } = body
    {
        parts += 1;
        body = left;
    }
    parts
}

/// Takes the sides of a UNION ALL.
fn sides(body: &mut SetExpr) -> Option<(SetExpr, SetExpr)> {
    match body {
        SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right } => {
            Some((mem::replace(left, nothing()), mem::replace(right, nothing())))
        }
        _ => None,
    }
}

fn union(left: SetExpr, right: SetExpr) -> SetExpr {
    SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(left),
        right: Box::new(right),
    }
}

/// Returns an empty VALUES, which takes the place of a query that is moved out for a while.
fn nothing() -> SetExpr {
    SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows: Vec::new() })
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{ast::Statement, dialect::DuckDbDialect, parser::Parser};

    use super::*;

    fn body(sql: &str) -> SetExpr {
        let mut parsed = Parser::parse_sql(&DuckDbDialect {}, sql).unwrap();
        match parsed.pop() {
            Some(Statement::Query(query)) => *query.body,
            other => panic!("{other:?}"),
        }
    }

    fn levels(body: &SetExpr) -> usize {
        match body {
            SetExpr::SetOperation { left, right, .. } => 1 + levels(left).max(levels(right)),
            _ => 0,
        }
    }

    #[test]
    fn parts_keep_their_order_on_few_levels() {
        for parts in [LONG, LONG + 1, 100, 127, 128, 129] {
            let sql: Vec<String> = (0..parts).map(|part| format!("SELECT {part}")).collect();
            let sql = sql.join(" UNION ALL ");
            let mut balanced = body(&sql);
            balance(&mut balanced);
            assert_eq!(balanced.to_string(), sql);
            assert!(levels(&balanced) <= parts.ilog2() as usize + 1, "{parts}: {}", levels(&balanced));
        }
    }

    #[test]
    fn other_set_operations_stay_whole() {
        let few = ["select 1"; LONG].join(" union all ");
        let many = format!("{few} union select 2 except select 3");
        let mut mixed = body(&many);
        let before = mixed.clone();
        balance(&mut mixed);
        assert!(mixed == before, "{mixed}");
        let mut end = body(&format!("select 0 union select 1 union all {few}"));
        balance(&mut end);
        assert!(levels(&end) < 9, "{}", levels(&end));
        assert!(end.to_string().starts_with("SELECT 0 UNION SELECT 1 UNION ALL"), "{end}");
    }
}
