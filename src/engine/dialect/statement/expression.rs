//! Expressions: turns casts, literals, operators and special forms into calls of functions with DuckDB's
//! semantics.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::{
    ast::{BinaryOperator, CastKind, Expr, Spanned, TrimWhereField, UnaryOperator, Value, ValueWithSpan},
    tokenizer::Span,
};

use super::{
    condition::negate_if,
    literal::{cast, dictionary, number},
};
use crate::engine::{
    ast::{call, integer, text},
    dialect::{
        marker::{CAST, TRY_CAST},
        refusal::SyntaxRefusal,
    },
};

/// Rewrites an expression before its operands are rewritten.
pub(super) fn before(expr: &mut Expr) -> ControlFlow<SyntaxRefusal> {
    if let Expr::InSubquery { expr: row, subquery, .. } = expr
        && let Expr::Tuple(_) = row.as_ref()
        && super::subquery::width(subquery) != Some(1)
    {
        let help = "use it as a condition of WHERE, or write exists (select 1 from … where …)";
        let message = "`(a, b) IN (SELECT …)` is not supported as a value";
        return ControlFlow::Break(SyntaxRefusal::new(message, Some(help), row.span()));
    }
    // `-5` is one literal, because its type depends on the sign.
    if let Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } = expr
        && let Expr::Value(ValueWithSpan { value: Value::Number(digits, long), span }) = inner.as_ref()
        && !digits.starts_with('-')
    {
        *expr = Expr::Value(Value::Number(format!("-{digits}"), *long).with_span(*span));
    }
    ControlFlow::Continue(())
}

/// Restores a number that [`lower`] typed, where it is an ordinal or a row count.
pub(super) fn as_written(expr: &mut Expr) {
    if let Expr::Cast { expr: number, .. } = expr
        && matches!(number.as_ref(), Expr::Value(ValueWithSpan { value: Value::Number(..), .. }))
    {
        *expr = number.as_ref().clone();
    }
}

/// Rewrites an expression for DataFusion. Its operands are already rewritten.
pub(super) fn lower(expr: Expr) -> Result<Expr, SyntaxRefusal> {
    let span = expr.span();
    Ok(match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), span }) => number(&digits, span)?,
        Expr::Cast { kind, expr, data_type, format: None, array: false } => {
            let name = if matches!(kind, CastKind::TryCast | CastKind::SafeCast) { TRY_CAST } else { CAST };
            cast(name, *expr, &data_type.to_string())
        }
        Expr::TypedString(typed) => cast(CAST, Expr::Value(typed.value), &typed.data_type.to_string()),
        Expr::Interval(interval) => super::literal::interval(interval, span)?,
        Expr::UnaryOp { op, expr } => unary(op, *expr, span)?,
        Expr::BinaryOp { left, op, right } => binary(*left, op, *right, span)?,
        Expr::AtTimeZone { timestamp, time_zone } => call("timezone", vec![*time_zone, *timestamp]),
        Expr::Extract { field, expr, .. } => {
            call("date_part", vec![text(&field.to_string().to_lowercase().replace('\'', "")), *expr])
        }
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let from = substring_from.map_or_else(|| integer(1), |from| *from);
            let mut arguments = vec![*expr, from];
            arguments.extend(substring_for.map(|length| *length));
            call("substring", arguments)
        }
        Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "trim",
            };
            let mut arguments = vec![*expr];
            arguments.extend(trim_what.map(|what| *what));
            arguments.extend(trim_characters.into_iter().flatten());
            call(name, arguments)
        }
        Expr::Position { expr, r#in } => call("strpos", vec![*r#in, *expr]),
        Expr::Dictionary(fields) => dictionary(fields)?,
        Expr::AnyOp { left, compare_op, right, .. } => quantified(*left, &compare_op, *right, "any", span)?,
        Expr::AllOp { left, compare_op, right } => quantified(*left, &compare_op, *right, "all", span)?,
        Expr::SimilarTo { negated, expr, pattern, escape_char: None } => {
            negate_if(negated, call("regexp_full_match", vec![*expr, *pattern]))
        }
        Expr::Function(function) => super::function::function(function)?,
        Expr::CompoundFieldAccess { root, access_chain } => super::access::lower(*root, access_chain, span)?,
        Expr::Tuple(items) if !items.is_empty() => call("row", items),
        Expr::Overlay { .. } => {
            let help = "join the parts: left(a, n) || b || substring(a, m)";
            return Err(SyntaxRefusal::new("there is no function overlay in DuckDB", Some(help), span));
        }
        Expr::Collate { collation, .. } => {
            let message = format!("the collation {collation} is not supported");
            let help = "compare lower(text), or strip_accents(text)";
            return Err(SyntaxRefusal::new(message, Some(help), span));
        }
        Expr::Value(ValueWithSpan { value: Value::HexStringLiteral(_), span }) => {
            let help = "write the bytes as '\\x1F'::blob, or the number in decimal digits";
            return Err(SyntaxRefusal::new("there are no hexadecimal literals in DuckDB", Some(help), span));
        }
        other => other,
    })
}

fn unary(op: UnaryOperator, expr: Expr, span: Span) -> Result<Expr, SyntaxRefusal> {
    Ok(match op {
        UnaryOperator::Minus => call("negate", vec![expr]),
        UnaryOperator::BitwiseNot => call("bitwise_not", vec![expr]),
        UnaryOperator::PGAbs => call("abs", vec![expr]),
        UnaryOperator::PGPostfixFactorial => call("factorial", vec![expr]),
        UnaryOperator::Not | UnaryOperator::Plus => Expr::UnaryOp { op, expr: Box::new(expr) },
        other => return Err(SyntaxRefusal::new(format!("there is no operator `{other}` here"), None, span)),
    })
}

fn binary(left: Expr, op: BinaryOperator, right: Expr, span: Span) -> Result<Expr, SyntaxRefusal> {
    Ok(match op {
        BinaryOperator::PGRegexMatch => call("regexp_full_match", vec![left, right]),
        BinaryOperator::PGRegexNotMatch => negate_if(true, call("regexp_full_match", vec![left, right])),
        BinaryOperator::PGLikeMatch => like(false, false, left, right),
        BinaryOperator::PGNotLikeMatch => like(true, false, left, right),
        BinaryOperator::PGILikeMatch => like(false, true, left, right),
        BinaryOperator::PGNotILikeMatch => like(true, true, left, right),
        BinaryOperator::PGStartsWith => call("starts_with", vec![left, right]),
        BinaryOperator::PGOverlap => call("list_has_any", vec![left, right]),
        BinaryOperator::AtArrow => call("list_has_all", vec![left, right]),
        BinaryOperator::ArrowAt => call("list_has_all", vec![right, left]),
        BinaryOperator::Arrow => call("json_extract", vec![left, right]),
        BinaryOperator::LongArrow => call("json_extract_string", vec![left, right]),
        BinaryOperator::PGRegexIMatch | BinaryOperator::PGRegexNotIMatch => {
            let help = "use regexp_matches(text, pattern, 'i')";
            return Err(SyntaxRefusal::new(
                format!("there is no operator `{op}` in DuckDB"),
                Some(help),
                span,
            ));
        }
        BinaryOperator::Custom(name) if name == crate::engine::grammar::GLOB => {
            call("glob_match", vec![left, right])
        }
        BinaryOperator::Spaceship => {
            let help = "use is not distinct from";
            return Err(SyntaxRefusal::new("there is no operator `<=>` in DuckDB", Some(help), span));
        }
        op => Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) },
    })
}

/// Rewrites `value op ANY (list)`, because DataFusion supports only `=` and ignores NULLs.
fn quantified(
    left: Expr,
    op: &BinaryOperator,
    right: Expr,
    quantifier: &str,
    span: Span,
) -> Result<Expr, SyntaxRefusal> {
    use BinaryOperator as B;
    if !matches!(op, B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq) {
        let help = format!("use one of = <> < <= > >= before {quantifier}");
        return Err(SyntaxRefusal::new(format!("`{op}` can't stand before {quantifier}"), Some(&help), span));
    }
    Ok(call(&format!("${op} {quantifier}"), vec![left, right]))
}

fn like(negated: bool, ignore_case: bool, left: Expr, right: Expr) -> Expr {
    let (expr, pattern) = (Box::new(left), Box::new(right));
    if ignore_case {
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None }
    } else {
        Expr::Like { negated, any: false, expr, pattern, escape_char: None }
    }
}
