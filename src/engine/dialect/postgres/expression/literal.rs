//! Literals: numbers, texts and intervals.

use datafusion::sql::sqlparser::{
    ast::{
        DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Interval, Value,
        ValueWithSpan,
    },
    tokenizer::Span,
};

use crate::engine::dialect::postgres::{
    build::{Lowered, cast, raw_number, text},
    placeholder::CAST,
    refuse::PostgresRefusal,
};

pub(super) fn field_name(field: &DateTimeField) -> String {
    field.to_string().to_lowercase().replace(['\'', '"'], "")
}

/// Types a literal: whole numbers are INTEGER or BIGINT, the first that they fit; other numbers are NUMERIC.
pub(super) fn literal(value: ValueWithSpan) -> Lowered {
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
            return Err(PostgresRefusal::unlisted(
                &format!("the literal {other}"),
                "write a text or a number",
                span,
            ));
        }
    })
}

pub(super) fn typed_number(digits: &str, span: Span) -> Lowered {
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
        return Err(PostgresRefusal::new("this number has more than 38 digits", help, span));
    }
    Ok(cast(text(digits), &format!("numeric(38, {scale})")))
}

/// Restores a number that [`literal`] typed, where it is an ordinal or a row count.
pub(in crate::engine::dialect::postgres) fn as_written(expr: &Expr) -> Option<Expr> {
    let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(value)), _] = list.args.as_slice() else { return None };
    let is_number = matches!(value, Expr::Value(ValueWithSpan { value: Value::Number(..), .. }));
    (name.to_string() == CAST && is_number).then(|| value.clone())
}

/// Returns the digits of a whole number written without a sign.
pub(super) fn digits_of(expr: &Expr) -> Option<String> {
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

/// Rewrites `interval '1 day'` and `interval '1' day`.
pub(super) fn interval(interval: Interval, span: Span) -> Lowered {
    let Interval { value, leading_field, last_field, leading_precision, fractional_seconds_precision } =
        interval;
    let help = "write interval '1 day', or n * interval '1 day'";
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(amount), .. }) = value.as_ref() else {
        return Err(PostgresRefusal::new("an interval is written as a text in PostgreSQL", help, span));
    };
    if last_field.is_some() || leading_precision.is_some() || fractional_seconds_precision.is_some() {
        return Err(PostgresRefusal::unlisted("an interval of several units", help, span));
    }
    let Some(field) = leading_field else { return Ok(cast(text(amount), "interval")) };
    if amount.trim().parse::<i64>().is_err() {
        return Err(PostgresRefusal::new("the unit is written twice", help, span));
    }
    Ok(cast(text(&format!("{} {}", amount.trim(), field_name(&field))), "interval"))
}
