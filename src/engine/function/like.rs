//! LIKE with DuckDB's escaping: a backslash is an ordinary character unless ESCAPE names it.

use datafusion::{
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{Expr, Like, expr::ScalarFunction as ScalarCall},
};

/// Rewrites the predicate for an engine that treats a backslash as an escape.
///
/// # Errors
/// If a constant pattern ends with its escape character.
pub(in crate::engine) fn with_backslashes(like: Like) -> Result<Expr> {
    let Like { negated, expr, pattern, escape_char, case_insensitive } = like;
    let rewritten = match pattern.as_ref() {
        Expr::Literal(ScalarValue::Utf8(Some(text)), metadata) => {
            let text = escaped(text, escape_char)?;
            Expr::Literal(ScalarValue::Utf8(Some(text)), metadata.clone())
        }
        Expr::Literal(..) => *pattern,
        // Non-constant patterns are evaluated by a function.
        _ => {
            let name = match (negated, case_insensitive) {
                (false, false) => "like_escape",
                (true, false) => "not_like_escape",
                (false, true) => "ilike_escape",
                (true, true) => "not_ilike_escape",
            };
            let Some(function) = super::catalog::function(name) else {
                return Err(DataFusionError::Internal(format!("{name} is missing")));
            };
            let escape = escape_char.map(String::from).unwrap_or_default();
            let escape = Expr::Literal(ScalarValue::Utf8(Some(escape)), None);
            return Ok(Expr::ScalarFunction(ScalarCall::new_udf(function, vec![*expr, *pattern, escape])));
        }
    };
    Ok(Expr::Like(Like { negated, expr, pattern: Box::new(rewritten), escape_char: None, case_insensitive }))
}

/// Escapes a pattern's literal characters with backslashes.
fn escaped(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(next) = rest.next() {
        let plain = if Some(next) == escape {
            let Some(plain) = rest.next() else {
                return Err(DataFusionError::Plan(format!(
                    "the pattern `{pattern}` ends with its escape character `{next}`"
                )));
            };
            if !"%_\\".contains(plain) {
                text.push(plain);
                continue;
            }
            plain
        } else if next == '\\' {
            next
        } else {
            text.push(next);
            continue;
        };
        text.push('\\');
        text.push(plain);
    }
    Ok(text)
}
