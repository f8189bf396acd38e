//! Expressions: rewrites those on the allow list as calls with PostgreSQL's semantics, and rejects the
//! others.

mod call;

use datafusion::sql::sqlparser::{
    ast::{
        AccessExpr, BinaryOperator, CastKind, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
        FunctionArgumentList, FunctionArguments, Ident, Interval, ObjectName, Spanned, Subscript,
        TrimWhereField, UnaryOperator, Value, ValueWithSpan,
    },
    tokenizer::Span,
};

use super::{placeholder::CAST, refuse::Refused};

type Lowered = Result<Expr, Refused>;

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
        Expr::Interval(interval) => self::interval(interval, span)?,
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
            return Err(Refused::unlisted(
                "rounding to a unit",
                "use date_trunc('day', …) or round(x, n)",
                span,
            ));
        }
        Expr::Ceil { expr, .. } => call("ceil", vec![*expr]),
        Expr::Floor { expr, .. } => call("floor", vec![*expr]),
        Expr::Position { expr, r#in } => call("strpos", vec![*r#in, *expr]),
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
        Expr::Array(array) if array.named => call("$array", array.elem),
        Expr::CompoundFieldAccess { root, access_chain } => subscripts(*root, access_chain, span)?,
        Expr::Function(function) => call::lower(function)?,
        Expr::Collate { .. } => {
            let help = "leave COLLATE out: text is ordered by code points, as with collation \"C\"";
            return Err(Refused::unlisted("COLLATE", help, span));
        }
        other => {
            let what = format!("`{other}`");
            return Err(Refused::unlisted(&what, "write it in another way, or use `dialect: duckdb`", span));
        }
    })
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

fn field_name(field: &DateTimeField) -> String {
    field.to_string().to_lowercase().replace(['\'', '"'], "")
}

/// Types a literal: whole numbers are INTEGER or BIGINT, the first that they fit; other numbers are NUMERIC.
fn literal(value: ValueWithSpan) -> Lowered {
    let ValueWithSpan { value, span } = value;
    Ok(match value {
        Value::Number(digits, false) => typed_number(&digits, span)?,
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
            Expr::Value(Value::SingleQuotedString(text).with_span(span))
        }
        Value::DollarQuotedString(quoted) => {
            Expr::Value(Value::SingleQuotedString(quoted.value).with_span(span))
        }
        Value::Boolean(_) | Value::Null => Expr::Value(value.with_span(span)),
        other => {
            return Err(Refused::unlisted(&format!("the literal {other}"), "write a text or a number", span));
        }
    })
}

fn typed_number(digits: &str, span: Span) -> Lowered {
    if digits.parse::<i32>().is_ok() {
        return Ok(cast(raw_number(digits, span), "integer"));
    }
    if digits.parse::<i64>().is_ok() {
        return Ok(cast(raw_number(digits, span), "bigint"));
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX);
    let scale = i64::try_from(fraction).unwrap_or(i64::MAX).saturating_sub(exponent).max(0);
    let whole = i64::try_from(mantissa.len()).unwrap_or(i64::MAX).saturating_add(exponent.max(0));
    if scale > 38 || whole > 40 {
        let help = "cast a text to double precision: '1e100'::double precision";
        return Err(Refused::new("this number has more than 38 digits", help, span));
    }
    Ok(cast(text(digits), &format!("numeric(38, {scale})")))
}

fn raw_number(digits: &str, span: Span) -> Expr {
    Expr::Value(Value::Number(digits.to_owned(), false).with_span(span))
}

/// Restores a number that [`lower`] typed, where it is an ordinal or a row count.
pub(super) fn as_written(expr: &Expr) -> Option<Expr> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(value)), _] = list.args.as_slice() else { return None };
    let is_number = matches!(value, Expr::Value(ValueWithSpan { value: Value::Number(..), .. }));
    (name.to_string() == CAST && is_number).then(|| value.clone())
}

/// Returns the digits of a whole number written without a sign.
fn digits_of(expr: &Expr) -> Option<String> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))), _] = list.args.as_slice() else {
        return None;
    };
    let digits = match &value.value {
        Value::Number(digits, _) => digits,
        // Numbers beyond BIGINT are text at this stage. Text that the user cast has a span.
        Value::SingleQuotedString(digits) if value.span == Span::empty() => digits,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (name.to_string() == CAST && plain).then(|| digits.clone())
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
            return Err(Refused::unlisted(
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
                return Err(Refused::new(
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
        B::Arrow | B::LongArrow | B::HashArrow | B::HashLongArrow => Err(Refused::unlisted(
            &format!("the operator `{op}` of json"),
            "extract fields in a source's columns, or use `dialect: duckdb`",
            span,
        )),
        other => {
            Err(Refused::unlisted(&format!("the operator `{other}`"), "use a comparison or a function", span))
        }
    }
}

/// Rewrites `(a, b) < (c, d)`: the first columns that differ decide.
fn rows(left: &[Expr], op: &BinaryOperator, right: &[Expr], span: Span) -> Lowered {
    use BinaryOperator as B;
    if left.len() != right.len() {
        return Err(Refused::new(
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
        return Err(Refused::new("a row needs a value", "write (a, b) = (1, 2)", span));
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

fn in_list(expr: Expr, list: Vec<Expr>, negated: bool, span: Span) -> Lowered {
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
fn among(left: Expr, right: Expr, negated: bool, span: Span) -> Lowered {
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
    Err(Refused::unlisted("ANY or ALL of an array that is no list of values", "write `x in (…)`", span))
}

fn like(negated: bool, ignore_case: bool, left: Expr, right: Expr) -> Expr {
    let (expr, pattern) = (Box::new(left), Box::new(right));
    if ignore_case {
        Expr::ILike { negated, any: false, expr, pattern, escape_char: None }
    } else {
        Expr::Like { negated, any: false, expr, pattern, escape_char: None }
    }
}

/// Rewrites a LIKE pattern to use the backslash as its escape character.
fn escaped(pattern: Expr, escape: Option<ValueWithSpan>, span: Span) -> Lowered {
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
                _ => return Err(Refused::new("ESCAPE takes one character", "write escape '!'", span)),
            }
        }
        Some(_) => return Err(Refused::new("ESCAPE takes a text", "write escape '!'", span)),
    };
    let Some(constant) = constant else {
        return if escape == Some('\\') {
            Ok(pattern)
        } else {
            Err(Refused::unlisted(
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
                return Err(Refused::new(
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

fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}

/// Rewrites `interval '1 day'` and `interval '1' day`.
fn interval(interval: Interval, span: Span) -> Lowered {
    let Interval { value, leading_field, last_field, leading_precision, fractional_seconds_precision } =
        interval;
    let help = "write interval '1 day', or n * interval '1 day'";
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(amount), .. }) = value.as_ref() else {
        return Err(Refused::new("an interval is written as a text in PostgreSQL", help, span));
    };
    if last_field.is_some() || leading_precision.is_some() || fractional_seconds_precision.is_some() {
        return Err(Refused::unlisted("an interval of several units", help, span));
    }
    let Some(field) = leading_field else { return Ok(cast(text(amount), "interval")) };
    if amount.trim().parse::<i64>().is_err() {
        return Err(Refused::new("the unit is written twice", help, span));
    }
    Ok(cast(text(&format!("{} {}", amount.trim(), field_name(&field))), "interval"))
}

fn subscripts(root: Expr, chain: Vec<AccessExpr>, span: Span) -> Lowered {
    let mut made = root;
    for access in chain {
        match access {
            AccessExpr::Subscript(Subscript::Index { index }) => made = call("$item", vec![made, index]),
            _ => {
                return Err(Refused::unlisted(
                    "a slice or a field of a value",
                    "use one position: a[1]",
                    span,
                ));
            }
        }
    }
    Ok(made)
}

/// Returns a cast as a call.
pub(super) fn cast(value: Expr, data_type: &str) -> Expr {
    call(CAST, vec![value, text(data_type)])
}

pub(super) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).with_empty_span())
}

/// Returns an INTEGER literal.
pub(super) fn number(number: i64) -> Expr {
    cast(raw_number(&number.to_string(), Span::empty()), "integer")
}

/// Returns a function call.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
