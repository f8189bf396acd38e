//! Literals: numbers, intervals and structs.

use std::collections::HashSet;

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, CastKind, DataType, DictionaryField, Expr, Interval, Spanned, Value, ValueWithSpan,
    },
    tokenizer::Span,
};

use crate::engine::{
    ast::{call, text},
    dialect::{marker::CAST, refusal::SyntaxRefusal},
};

/// Types a numeric literal: INTEGER, BIGINT or HUGEINT, the first that it fits; with a decimal point, a
/// decimal with its digits.
pub(in crate::engine::dialect) fn number(digits: &str, span: Span) -> Result<Expr, SyntaxRefusal> {
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    let literal = |digits: &str| Expr::Value(Value::Number(digits.to_owned(), false).with_span(span));
    if plain.contains(['e', 'E']) {
        return Ok(literal(&plain));
    }
    if let Some((whole, fraction)) = plain.trim_start_matches('-').split_once('.') {
        let (width, scale) = ((whole.len() + fraction.len()).max(1), fraction.len());
        if width > 38 {
            return Ok(cast(CAST, text(&plain), "DOUBLE"));
        }
        return Ok(cast(CAST, text(&plain), &format!("DECIMAL({width}, {scale})")));
    }
    let typed = |data_type| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(literal(&plain)),
        data_type,
        format: None,
        array: false,
    };
    if plain.parse::<i32>().is_ok() {
        return Ok(typed(DataType::Integer(None)));
    }
    if plain.parse::<i64>().is_ok() {
        return Ok(typed(DataType::BigInt(None)));
    }
    if plain.trim_start_matches('-').len() > 38 {
        let help = "write it with an exponent to have a double";
        return Err(SyntaxRefusal::new("this number has more than 38 digits", Some(help), span));
    }
    Ok(cast(CAST, text(&plain), "HUGEINT"))
}

/// Rewrites `interval '…'`, `interval 3 days` and `interval (n) day`.
pub(super) fn interval(interval: Interval, span: Span) -> Result<Expr, SyntaxRefusal> {
    let Interval { value, leading_field, last_field, .. } = interval;
    if let Some(last) = last_field {
        let first = leading_field.map(|field| field.to_string()).unwrap_or_default();
        let message = format!("an interval from {first} to {last} is not supported");
        return Err(SyntaxRefusal::new(message, Some("write the parts: interval '1 year 2 months'"), span));
    }
    let Some(field) = leading_field else { return Ok(cast(CAST, *value, "INTERVAL")) };
    let unit = field.to_string().to_lowercase();
    let constant = match value.as_ref() {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(amount), .. }) => {
            Some(amount.trim().to_owned())
        }
        Expr::Cast { expr, .. } => match expr.as_ref() {
            Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => Some(digits.clone()),
            _ => None,
        },
        _ => None,
    };
    if let Some(amount) = constant {
        let Ok(number) = amount.parse::<f64>() else {
            let message = format!("`{amount}` is not a number of {unit}");
            return Err(SyntaxRefusal::new(message, Some("write the unit once: interval '1 year'"), span));
        };
        let amount = if has_fractions(&unit) { number } else { number.trunc() };
        return Ok(cast(CAST, text(&format!("{amount} {unit}")), "INTERVAL"));
    }
    // A computed amount multiplies an interval of one unit. Most units ignore the fraction of the amount.
    let one = cast(CAST, text(&format!("1 {unit}")), "INTERVAL");
    let value = if has_fractions(&unit) {
        Expr::Nested(value)
    } else {
        cast(CAST, call("trunc", vec![cast(CAST, *value, "DOUBLE")]), "BIGINT")
    };
    let value = Box::new(value);
    Ok(Expr::BinaryOp { left: value, op: BinaryOperator::Multiply, right: Box::new(one) })
}

/// Returns whether a unit written after the amount keeps the amount's fraction.
fn has_fractions(unit: &str) -> bool {
    let singular = if unit.len() > 2 { unit.trim_end_matches('s') } else { unit };
    matches!(singular, "second" | "sec" | "s" | "millisecond" | "msec" | "msecond" | "ms")
}

/// Checks that the field names of a struct are unique.
pub(super) fn dictionary(fields: Vec<DictionaryField>) -> Result<Expr, SyntaxRefusal> {
    let mut names = HashSet::new();
    if let Some(twice) = fields.iter().find(|field| !names.insert(field.key.value.to_lowercase())) {
        let message = format!("this struct has two fields `{}`", twice.key.value);
        return Err(SyntaxRefusal::new(message, Some("give one of them another name"), twice.value.span()));
    }
    Ok(Expr::Dictionary(fields))
}

/// Returns a cast as a call.
pub(super) fn cast(name: &str, value: Expr, data_type: &str) -> Expr {
    call(name, vec![value, text(data_type)])
}
