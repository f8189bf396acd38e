//! Expressions: rewrites those on the allow list as calls with PostgreSQL's semantics, and rejects the
//! others.

mod call;
mod literal;
mod pattern;
mod row;

use datafusion::sql::sqlparser::{
    ast::{
        AccessExpr, BinaryOperator, CastKind, DateTimeField, Expr, Function, FunctionArguments, Spanned,
        Subscript, TrimWhereField, UnaryOperator,
    },
    tokenizer::Span,
};

pub(super) use self::literal::as_written;
use self::{
    literal::{digits_of, field_name, literal, typed_number},
    pattern::{escaped, like},
    row::{among, in_list, rows},
};
use super::{
    build::{Lowered, call, cast, negate_if, number, text},
    refuse::PostgresRefusal,
};

/// Rewrites an expression for DataFusion. Its operands are already rewritten.
pub(super) fn lower(expr: Expr) -> Lowered {
    let span = expr.span();
    if stays(&expr) {
        return Ok(expr);
    }
    Ok(match expr {
        Expr::Value(value) => literal(value)?,
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            format: None,
            array: false,
        } => {
            let name = data_type.to_string();
            if is_empty_array(&expr) { cast(text("{}"), &name) } else { cast(*expr, &name) }
        }
        Expr::TypedString(typed) => cast(literal(typed.value)?, &typed.data_type.to_string()),
        Expr::Interval(interval) => self::literal::interval(interval, span)?,
        Expr::UnaryOp { op, expr } => unary(op, *expr, span)?,
        Expr::BinaryOp { left, op, right } => binary(*left, op, *right, span)?,
        Expr::InList { expr, list, negated } => in_list(*expr, list, negated, span)?,
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => among(*left, *right, false, span)?,
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => among(*left, *right, true, span)?,
        Expr::Like { negated, any: false, expr, pattern, escape_char } => {
            let pattern = Box::new(escaped(*pattern, escape_char, span)?);
            Expr::Like { negated, any: false, expr, pattern, escape_char: None }
        }
        Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
            let pattern = Box::new(escaped(*pattern, escape_char, span)?);
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None }
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char: None } => {
            negate_if(negated, call("$similar", vec![*expr, *pattern]))
        }
        Expr::AtTimeZone { timestamp, time_zone } => call("timezone", vec![*time_zone, *timestamp]),
        Expr::Extract { field, expr, .. } => call("$extract", vec![text(&field_name(&field)), *expr]),
        Expr::Ceil { expr, field } | Expr::Floor { expr, field } if !is_plain(&field) => {
            drop(expr);
            return Err(PostgresRefusal::unlisted(
                "rounding to a unit",
                "use date_trunc('day', …) or round(x, n)",
                span,
            ));
        }
        Expr::Ceil { expr, .. } => call("ceil", vec![*expr]),
        Expr::Floor { expr, .. } => call("floor", vec![*expr]),
        Expr::Position { expr, r#in } => call("strpos", vec![*r#in, *expr]),
        Expr::Substring { .. } | Expr::Trim { .. } | Expr::Overlay { .. } => text_function(expr),
        Expr::Array(array) if array.named => call("$array", array.elem),
        Expr::CompoundFieldAccess { root, access_chain } => subscripts(*root, access_chain, span)?,
        Expr::Function(function) => call::lower(function)?,
        Expr::Collate { .. } => {
            let help = "leave COLLATE out: text is ordered by code points, as with collation \"C\"";
            return Err(PostgresRefusal::unlisted("COLLATE", help, span));
        }
        other => {
            let what = format!("`{other}`");
            return Err(PostgresRefusal::unlisted(
                &what,
                "write it in another way, or use `dialect: duckdb`",
                span,
            ));
        }
    })
}

/// Rewrites the text functions that have their own syntax: SUBSTRING, TRIM and OVERLAY.
fn text_function(expr: Expr) -> Expr {
    match expr {
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let from = substring_from.map_or_else(|| number(1), |from| *from);
            let mut arguments = vec![*expr, from];
            arguments.extend(substring_for.map(|length| *length));
            call("substring", arguments)
        }
        Expr::Trim { expr, trim_where, trim_what, trim_characters } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "ltrim",
                Some(TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            };
            let mut arguments = vec![*expr];
            arguments.extend(trim_what.map(|what| *what));
            arguments.extend(trim_characters.into_iter().flatten());
            call(name, arguments)
        }
        Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
            let mut arguments = vec![*expr, *overlay_what, *overlay_from];
            arguments.extend(overlay_for.map(|size| *size));
            call("overlay", arguments)
        }
        other => other,
    }
}

/// Returns whether an expression needs no rewrite.
fn stays(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Nested(_)
            | Expr::Subquery(_)
            | Expr::Exists { .. }
            | Expr::InSubquery { .. }
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::Between { .. }
            | Expr::Case { .. }
            | Expr::Tuple(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Wildcard(_)
    )
}

fn is_plain(field: &datafusion::sql::sqlparser::ast::CeilFloorKind) -> bool {
    use datafusion::sql::sqlparser::ast::CeilFloorKind;
    matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime))
}

/// Returns whether an expression is `array[]`, which gets its type only from a cast.
fn is_empty_array(expr: &Expr) -> bool {
    match expr {
        Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) => {
            list.args.is_empty() && name.to_string() == "$array"
        }
        _ => false,
    }
}

fn unary(op: UnaryOperator, expr: Expr, span: Span) -> Lowered {
    Ok(match op {
        // A sign before a literal is part of it: `-2147483648` is an integer.
        UnaryOperator::Minus => match digits_of(&expr) {
            Some(digits) => typed_number(&format!("-{digits}"), span)?,
            None => call("$neg", vec![expr]),
        },
        UnaryOperator::BitwiseNot => call("$not", vec![expr]),
        UnaryOperator::PGAbs => call("$abs", vec![expr]),
        UnaryOperator::Plus => call("$pos", vec![expr]),
        UnaryOperator::Not => Expr::UnaryOp { op, expr: Box::new(expr) },
        other => {
            return Err(PostgresRefusal::unlisted(
                &format!("the operator `{other}`"),
                "use a function such as sqrt(x)",
                span,
            ));
        }
    })
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(op, B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq)
}

fn binary(left: Expr, op: BinaryOperator, right: Expr, span: Span) -> Lowered {
    use BinaryOperator as B;
    let named = |name: &str, left, right| Ok(call(name, vec![left, right]));
    match op {
        B::Plus => named("$+", left, right),
        B::Minus => named("$-", left, right),
        B::Multiply => named("$*", left, right),
        B::Divide => named("$/", left, right),
        B::Modulo => named("$%", left, right),
        B::PGExp => named("$^", left, right),
        B::StringConcat => named("$||", left, right),
        B::BitwiseAnd => named("$&", left, right),
        B::BitwiseOr => named("$|", left, right),
        B::PGBitwiseXor => named("$#", left, right),
        B::PGBitwiseShiftLeft => named("$<<", left, right),
        B::PGBitwiseShiftRight => named("$>>", left, right),
        B::PGRegexMatch => named("$~", left, right),
        B::PGRegexIMatch => named("$~*", left, right),
        B::PGRegexNotMatch => named("$!~", left, right),
        B::PGRegexNotIMatch => named("$!~*", left, right),
        B::PGStartsWith => named("$^@", left, right),
        B::PGLikeMatch => Ok(like(false, false, left, right)),
        B::PGNotLikeMatch => Ok(like(true, false, left, right)),
        B::PGILikeMatch => Ok(like(false, true, left, right)),
        B::PGNotILikeMatch => Ok(like(true, true, left, right)),
        B::And | B::Or => Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }),
        op if is_comparison(&op) => {
            let chained = |side: &Expr| matches!(side, Expr::BinaryOp { op, .. } if is_comparison(op));
            if chained(&left) || chained(&right) {
                return Err(PostgresRefusal::new(
                    "comparisons can't be chained in PostgreSQL",
                    "write `a < b and b < c`, or put one comparison in parentheses",
                    span,
                ));
            }
            match (left, right) {
                (Expr::Tuple(left), Expr::Tuple(right)) => rows(&left, &op, &right, span),
                (left, right) => Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }),
            }
        }
        B::Arrow | B::LongArrow | B::HashArrow | B::HashLongArrow => Err(PostgresRefusal::unlisted(
            &format!("the operator `{op}` of json"),
            "extract fields in a source's columns, or use `dialect: duckdb`",
            span,
        )),
        other => Err(PostgresRefusal::unlisted(
            &format!("the operator `{other}`"),
            "use a comparison or a function",
            span,
        )),
    }
}

fn subscripts(root: Expr, chain: Vec<AccessExpr>, span: Span) -> Lowered {
    let mut made = root;
    for access in chain {
        match access {
            AccessExpr::Subscript(Subscript::Index { index }) => made = call("$item", vec![made, index]),
            _ => {
                return Err(PostgresRefusal::unlisted(
                    "a slice or a field of a value",
                    "use one position: a[1]",
                    span,
                ));
            }
        }
    }
    Ok(made)
}
