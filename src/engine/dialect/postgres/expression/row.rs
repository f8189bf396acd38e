//! Comparisons of rows, `(a, b) < (c, d)`, and with the items of a list.

use datafusion::sql::sqlparser::{
    ast::{BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value},
    tokenizer::Span,
};

use crate::engine::dialect::postgres::{
    build::{Lowered, negate_if},
    refuse::PostgresRefusal,
};

/// Rewrites `(a, b) < (c, d)`: the first columns that differ decide.
pub(super) fn rows(left: &[Expr], op: &BinaryOperator, right: &[Expr], span: Span) -> Lowered {
    use BinaryOperator as B;
    if left.len() != right.len() {
        return Err(PostgresRefusal::new(
            "these rows have different numbers of values",
            "compare rows of one length",
            span,
        ));
    }
    let compare = |op: B, a: &Expr, b: &Expr| Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(a.clone()))),
        op,
        right: Box::new(Expr::Nested(Box::new(b.clone()))),
    };
    let join = |op: B, a: Expr, b: Expr| {
        Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(a), op, right: Box::new(b) }))
    };
    let strict = match op {
        B::LtEq => B::Lt,
        B::GtEq => B::Gt,
        other => other.clone(),
    };
    let mut pairs = left.iter().zip(right).rev();
    let Some((a, b)) = pairs.next() else {
        return Err(PostgresRefusal::new("a row needs a value", "write (a, b) = (1, 2)", span));
    };
    let mut made = compare(op.clone(), a, b);
    for (a, b) in pairs {
        made = match op {
            B::Eq => join(B::And, compare(B::Eq, a, b), made),
            B::NotEq => join(B::Or, compare(B::NotEq, a, b), made),
            _ => {
                let tied = join(B::And, compare(B::Eq, a, b), made);
                join(B::Or, compare(strict.clone(), a, b), tied)
            }
        };
    }
    Ok(Expr::Nested(Box::new(made)))
}

pub(super) fn in_list(expr: Expr, list: Vec<Expr>, negated: bool, span: Span) -> Lowered {
    let Expr::Tuple(row) = &expr else { return Ok(Expr::InList { expr: Box::new(expr), list, negated }) };
    let mut made: Option<Expr> = None;
    for item in list {
        let items = match item {
            Expr::Tuple(items) => items,
            other => vec![other],
        };
        let same = rows(row, &BinaryOperator::Eq, &items, span)?;
        made = Some(match made {
            None => same,
            Some(before) => {
                Expr::BinaryOp { left: Box::new(before), op: BinaryOperator::Or, right: Box::new(same) }
            }
        });
    }
    let made = made.unwrap_or_else(|| Expr::Value(Value::Null.with_empty_span()));
    Ok(negate_if(negated, Expr::Nested(Box::new(made))))
}

/// Rewrites `x = any(array[…])` and `x <> all(array[…])`.
pub(super) fn among(left: Expr, right: Expr, negated: bool, span: Span) -> Lowered {
    let items = match right {
        Expr::Nested(inner) => *inner,
        other => other,
    };
    if let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = &items
        && name.to_string() == "$array"
    {
        let items = list.args.iter().filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(item)) => Some(item.clone()),
            _ => None,
        });
        return Ok(Expr::InList { expr: Box::new(left), list: items.collect(), negated });
    }
    Err(PostgresRefusal::unlisted(
        "ANY or ALL of an array that is no list of values",
        "write `x in (…)`",
        span,
    ))
}
