//! Expressions: turns casts, literals, operators and special forms into calls of functions with DuckDB's
//! semantics.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, CastKind, DataType, DictionaryField, Expr, Function, FunctionArg, FunctionArgExpr,
        FunctionArgumentList, FunctionArguments, Ident, Interval, ObjectName, Spanned, TrimWhereField,
        UnaryOperator, Value, ValueWithSpan,
    },
    tokenizer::Span,
};

use super::Refused;

/// The function that a cast becomes. Its arguments are the value and the type's name.
pub(in crate::engine::dialect) const CAST: &str = "$cast";
/// The function that `try_cast` becomes.
pub(in crate::engine::dialect) const TRY_CAST: &str = "$try_cast";
/// The function that replaces COLUMNS among the columns of an UNPIVOT.
pub(in crate::engine::dialect) const UNPIVOTED: &str = "$unpivoted";
pub(super) use super::super::token::UNPACK;

/// Rewrites an expression before its operands are rewritten.
pub(super) fn before(expr: &mut Expr) -> ControlFlow<Refused> {
    if let Expr::InSubquery { expr: row, subquery, .. } = expr
        && let Expr::Tuple(_) = row.as_ref()
        && super::subquery::width(subquery) != Some(1)
    {
        let help = "use it as a condition of WHERE, or write exists (select 1 from … where …)";
        let message = "`(a, b) IN (SELECT …)` is not supported as a value";
        return ControlFlow::Break(Refused::new(message, Some(help), row.span()));
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
pub(super) fn lower(expr: Expr) -> Result<Expr, Refused> {
    let span = expr.span();
    Ok(match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), span }) => number(&digits, span)?,
        Expr::Cast { kind, expr, data_type, format: None, array: false } => {
            let name = if matches!(kind, CastKind::TryCast | CastKind::SafeCast) { TRY_CAST } else { CAST };
            cast(name, *expr, &data_type.to_string())
        }
        Expr::TypedString(typed) => cast(CAST, Expr::Value(typed.value), &typed.data_type.to_string()),
        Expr::Interval(interval) => self::interval(interval, span)?,
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
        Expr::Function(function) => self::function(function)?,
        Expr::CompoundFieldAccess { root, access_chain } => super::access::lower(*root, access_chain, span)?,
        Expr::Tuple(items) if !items.is_empty() => call("row", items),
        Expr::Overlay { .. } => {
            let help = "join the parts: left(a, n) || b || substring(a, m)";
            return Err(Refused::new("there is no function overlay in DuckDB", Some(help), span));
        }
        Expr::Collate { collation, .. } => {
            let message = format!("the collation {collation} is not supported");
            let help = "compare lower(text), or strip_accents(text)";
            return Err(Refused::new(message, Some(help), span));
        }
        Expr::Value(ValueWithSpan { value: Value::HexStringLiteral(_), span }) => {
            let help = "write the bytes as '\\x1F'::blob, or the number in decimal digits";
            return Err(Refused::new("there are no hexadecimal literals in DuckDB", Some(help), span));
        }
        other => other,
    })
}

/// Types a numeric literal: INTEGER, BIGINT or HUGEINT, the first that it fits; with a decimal point, a
/// decimal with its digits.
fn number(digits: &str, span: Span) -> Result<Expr, Refused> {
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
        return Err(Refused::new("this number has more than 38 digits", Some(help), span));
    }
    Ok(cast(CAST, text(&plain), "HUGEINT"))
}

fn unary(op: UnaryOperator, expr: Expr, span: Span) -> Result<Expr, Refused> {
    Ok(match op {
        UnaryOperator::Minus => call("negate", vec![expr]),
        UnaryOperator::BitwiseNot => call("bitwise_not", vec![expr]),
        UnaryOperator::PGAbs => call("abs", vec![expr]),
        UnaryOperator::PGPostfixFactorial => call("factorial", vec![expr]),
        UnaryOperator::Not | UnaryOperator::Plus => Expr::UnaryOp { op, expr: Box::new(expr) },
        other => return Err(Refused::new(format!("there is no operator `{other}` here"), None, span)),
    })
}

fn binary(left: Expr, op: BinaryOperator, right: Expr, span: Span) -> Result<Expr, Refused> {
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
            return Err(Refused::new(format!("there is no operator `{op}` in DuckDB"), Some(help), span));
        }
        BinaryOperator::Custom(name) if name == super::super::grammar::GLOB => {
            call("glob_match", vec![left, right])
        }
        BinaryOperator::Spaceship => {
            let help = "use is not distinct from";
            return Err(Refused::new("there is no operator `<=>` in DuckDB", Some(help), span));
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
) -> Result<Expr, Refused> {
    use BinaryOperator as B;
    if !matches!(op, B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq) {
        let help = format!("use one of = <> < <= > >= before {quantifier}");
        return Err(Refused::new(format!("`{op}` can't stand before {quantifier}"), Some(&help), span));
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

pub(super) fn negate_if(negated: bool, expr: Expr) -> Expr {
    if negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(expr) } } else { expr }
}

/// Rewrites `interval '…'`, `interval 3 days` and `interval (n) day`.
fn interval(interval: Interval, span: Span) -> Result<Expr, Refused> {
    let Interval { value, leading_field, last_field, .. } = interval;
    if let Some(last) = last_field {
        let first = leading_field.map(|field| field.to_string()).unwrap_or_default();
        let message = format!("an interval from {first} to {last} is not supported");
        return Err(Refused::new(message, Some("write the parts: interval '1 year 2 months'"), span));
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
            return Err(Refused::new(message, Some("write the unit once: interval '1 year'"), span));
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
fn dictionary(fields: Vec<DictionaryField>) -> Result<Expr, Refused> {
    let mut names = HashSet::new();
    if let Some(twice) = fields.iter().find(|field| !names.insert(field.key.value.to_lowercase())) {
        let message = format!("this struct has two fields `{}`", twice.key.value);
        return Err(Refused::new(message, Some("give one of them another name"), twice.value.span()));
    }
    Ok(Expr::Dictionary(fields))
}

/// Rewrites function calls that SQL has other syntax for.
fn function(mut function: Function) -> Result<Expr, Refused> {
    let span = function.name.span();
    super::access::method(&mut function);
    if matches!(function.args, FunctionArguments::Subquery(_)) {
        let help = "collect the values in the subquery: (select list(x order by y) from …)";
        return Err(Refused::new("a subquery isn't an argument of a function", Some(help), span));
    }
    super::window::null_treatment(&mut function)?;
    super::aggregate::lower(&mut function)?;
    super::window::order_within(&mut function)?;
    if function.over.is_some() || function.filter.is_some() {
        return Ok(Expr::Function(function));
    }
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &mut function.args else { return Ok(Expr::Function(function)) };
    if name == "struct_pack" && list.args.iter().all(|arg| matches!(arg, FunctionArg::Named { .. })) {
        let fields = std::mem::take(&mut list.args).into_iter().filter_map(|arg| match arg {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                Some(DictionaryField { key: Ident::with_quote('\'', name.value), value: Box::new(value) })
            }
            _ => None,
        });
        return dictionary(fields.collect());
    }
    if matches!(name.as_str(), "struct_insert" | "struct_update") {
        // A field's name and its value become two arguments.
        list.args = std::mem::take(&mut list.args).into_iter().flat_map(with_name).collect();
    }
    if name == "count" && list.args.is_empty() && list.clauses.is_empty() {
        list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
        return Ok(Expr::Function(function));
    }
    if name == "count" && list.args.len() > 1 {
        let help = "count(distinct (a, b)) counts combinations, count(*) counts rows";
        return Err(Refused::new("count takes one value", Some(help), span));
    }
    if name == "grouping_id" {
        function.name = ObjectName::from(vec![Ident::new("grouping")]);
    }
    if matches!(name.as_str(), "grouping" | "grouping_id") {
        return Ok(cast(CAST, Expr::Function(function), "BIGINT"));
    }
    let Some(mut arguments) = unnamed(list) else { return Ok(Expr::Function(function)) };
    Ok(match (name.as_str(), arguments.len()) {
        ("if" | "iif", 3) => {
            let otherwise = arguments.pop().map(Box::new);
            let (Some(then), Some(condition)) = (arguments.pop(), arguments.pop()) else {
                return Err(Refused::new("if takes three values", None, span));
            };
            case(None, condition, then, otherwise)
        }
        ("ifnull", 2) => call("coalesce", arguments),
        // The age at midnight today.
        ("age", 1) => {
            arguments.insert(0, cast(CAST, call("today", Vec::new()), "TIMESTAMP"));
            call("age", arguments)
        }
        ("nullif", 2) => {
            let (Some(other), Some(value)) = (arguments.pop(), arguments.pop()) else {
                return Err(Refused::new("nullif takes two values", None, span));
            };
            let same = Expr::BinaryOp {
                left: Box::new(Expr::Nested(Box::new(value.clone()))),
                op: BinaryOperator::Eq,
                right: Box::new(Expr::Nested(Box::new(other))),
            };
            case(None, same, Expr::Value(Value::Null.with_span(span)), Some(Box::new(value)))
        }
        ("add", 2) => return operator(arguments, BinaryOperator::Plus, span),
        ("subtract", 2) => return operator(arguments, BinaryOperator::Minus, span),
        ("multiply", 2) => return operator(arguments, BinaryOperator::Multiply, span),
        ("divide", 2) => return operator(arguments, BinaryOperator::DuckIntegerDivide, span),
        ("mod", 2) => return operator(arguments, BinaryOperator::Modulo, span),
        ("pow" | "power", 2) => {
            return operator(arguments, BinaryOperator::Custom(super::super::grammar::POWER.into()), span);
        }
        _ => Expr::Function(function),
    })
}

/// Splits `name := value` into two arguments.
fn with_name(argument: FunctionArg) -> Vec<FunctionArg> {
    match argument {
        FunctionArg::Named { name, arg, .. } => {
            vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(text(&name.value))), FunctionArg::Unnamed(arg)]
        }
        other => vec![other],
    }
}

fn operator(mut arguments: Vec<Expr>, op: BinaryOperator, span: Span) -> Result<Expr, Refused> {
    match (arguments.pop(), arguments.pop()) {
        (Some(right), Some(left)) => Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }),
        _ => Err(Refused::new(format!("{op} takes two values"), None, span)),
    }
}

/// Returns the arguments of a call if none of them is named.
fn unnamed(list: &FunctionArgumentList) -> Option<Vec<Expr>> {
    let plain = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    // Avoid copying the arguments of most calls that aren't rewritten.
    if list.args.len() > 3 || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    list.args.iter().map(plain).collect()
}

pub(super) fn case(
    operand: Option<Box<Expr>>,
    condition: Expr,
    then: Expr,
    otherwise: Option<Box<Expr>>,
) -> Expr {
    Expr::Case {
        case_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        end_token: datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken::empty(),
        operand,
        conditions: vec![datafusion::sql::sqlparser::ast::CaseWhen { condition, result: then }],
        else_result: otherwise,
    }
}

/// Returns a cast as a call.
fn cast(name: &str, value: Expr, data_type: &str) -> Expr {
    call(name, vec![value, text(data_type)])
}

pub(in crate::engine::dialect) fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).with_empty_span())
}

pub(in crate::engine::dialect) fn integer(number: i64) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).with_empty_span())
}

/// Returns a function call.
pub(in crate::engine::dialect) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
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

/// Returns whether an expression calls a function.
pub(super) fn has_call(expr: &Expr) -> bool {
    let mut found = false;
    let _ = datafusion::sql::sqlparser::ast::visit_expressions(expr, |part| {
        found |= matches!(part, Expr::Function(_));
        std::ops::ControlFlow::<()>::Continue(())
    });
    found
}
