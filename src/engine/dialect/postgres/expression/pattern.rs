//! LIKE and its escape character.

use datafusion::sql::sqlparser::{
    ast::{Expr, Value, ValueWithSpan},
    tokenizer::Span,
};

use crate::engine::dialect::postgres::{
    build::{Lowered, text},
    refuse::PostgresRefusal,
};

pub(super) fn like(negated: bool, ignore_case: bool, left: Expr, right: Expr) -> Expr {
    let (expr, pattern) = (Box::new(left), Box::new(right));
    if ignore_case {
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None }
    } else {
        Expr::Like { negated, any: false, expr, pattern, escape_char: None }
    }
}

/// Rewrites a LIKE pattern to use the backslash as its escape character.
pub(super) fn escaped(pattern: Expr, escape: Option<ValueWithSpan>, span: Span) -> Lowered {
    let constant = match &pattern {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(pattern), .. }) => Some(pattern.clone()),
        _ => None,
    };
    let escape = match escape {
        None => Some('\\'),
        Some(ValueWithSpan { value: Value::SingleQuotedString(escape), .. }) => {
            let mut letters = escape.chars();
            match (letters.next(), letters.next()) {
                (escape, None) => escape,
                _ => {
                    return Err(PostgresRefusal::new("ESCAPE takes one character", "write escape '!'", span));
                }
            }
        }
        Some(_) => return Err(PostgresRefusal::new("ESCAPE takes a text", "write escape '!'", span)),
    };
    let Some(constant) = constant else {
        return if escape == Some('\\') {
            Ok(pattern)
        } else {
            Err(PostgresRefusal::unlisted(
                "ESCAPE with a pattern that is no constant",
                "escape with a backslash",
                span,
            ))
        };
    };
    let mut made = String::new();
    let mut letters = constant.chars();
    while let Some(letter) = letters.next() {
        if Some(letter) == escape {
            let Some(next) = letters.next() else {
                return Err(PostgresRefusal::new(
                    "LIKE pattern must not end with escape character",
                    "write it twice",
                    span,
                ));
            };
            if matches!(next, '%' | '_' | '\\') {
                made.push('\\');
            }
            made.push(next);
        } else if letter == '\\' {
            made.push_str("\\\\");
        } else {
            made.push(letter);
        }
    }
    Ok(text(&made))
}
