//! Function calls that SQL has another syntax for.

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, DictionaryField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
        FunctionArguments, Ident, ObjectName, ObjectNamePart, Spanned, Value,
    },
    tokenizer::Span,
};

use super::{
    condition::case,
    literal::{cast, dictionary},
};
use crate::engine::{
    ast::{call, text},
    dialect::{marker::CAST, refusal::SyntaxRefusal},
};

/// Rewrites function calls that SQL has other syntax for.
pub(super) fn function(mut function: Function) -> Result<Expr, SyntaxRefusal> {
    let span = function.name.span();
    method(&mut function);
    if matches!(function.args, FunctionArguments::Subquery(_)) {
        let help = "collect the values in the subquery: (select list(x order by y) from …)";
        return Err(SyntaxRefusal::new("a subquery isn't an argument of a function", Some(help), span));
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
        return Err(SyntaxRefusal::new("count takes one value", Some(help), span));
    }
    if name == "grouping_id" {
        function.name = ObjectName::from(vec![Ident::new("grouping")]);
    }
    if matches!(name.as_str(), "grouping" | "grouping_id") {
        return Ok(cast(CAST, Expr::Function(function), "BIGINT"));
    }
    match unnamed(list) {
        Some(arguments) => scalar(function, &name, arguments, span),
        None => Ok(Expr::Function(function)),
    }
}

/// Rewrites calls whose arguments are all without names.
fn scalar(
    function: Function,
    name: &str,
    mut arguments: Vec<Expr>,
    span: Span,
) -> Result<Expr, SyntaxRefusal> {
    Ok(match (name, arguments.len()) {
        ("if" | "iif", 3) => {
            let otherwise = arguments.pop().map(Box::new);
            let (Some(then), Some(condition)) = (arguments.pop(), arguments.pop()) else {
                return Err(SyntaxRefusal::new("if takes three values", None, span));
            };
            case(None, condition, then, otherwise)
        }
        ("date", 1) => match arguments.pop() {
            Some(value) => cast(CAST, value, "DATE"),
            None => Expr::Function(function),
        },
        ("ifnull", 2) => call("coalesce", arguments),
        // The age at midnight today.
        ("age", 1) => {
            arguments.insert(0, cast(CAST, call("today", Vec::new()), "TIMESTAMP"));
            call("age", arguments)
        }
        ("nullif", 2) => {
            let (Some(other), Some(value)) = (arguments.pop(), arguments.pop()) else {
                return Err(SyntaxRefusal::new("nullif takes two values", None, span));
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
            return operator(arguments, BinaryOperator::Custom(crate::engine::grammar::POWER.into()), span);
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

fn operator(mut arguments: Vec<Expr>, op: BinaryOperator, span: Span) -> Result<Expr, SyntaxRefusal> {
    match (arguments.pop(), arguments.pop()) {
        (Some(right), Some(left)) => Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }),
        _ => Err(SyntaxRefusal::new(format!("{op} takes two values"), None, span)),
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

/// Rewrites `a.b.method()`: the parser takes the value before the last dot for a part of the function's name.
pub(super) fn method(function: &mut Function) {
    let names: Option<Vec<Ident>> = function.name.0.iter().map(|part| part.as_ident().cloned()).collect();
    let Some(mut names) = names.filter(|names| names.len() > 1) else { return };
    let FunctionArguments::List(list) = &mut function.args else { return };
    let is_count = names.last().is_some_and(|name| name.value.eq_ignore_ascii_case("count"));
    if is_count && list.args.is_empty() {
        return;
    }
    let Some(name) = names.pop() else { return };
    let value =
        if names.len() == 1 { Expr::Identifier(names.remove(0)) } else { Expr::CompoundIdentifier(names) };
    list.args.insert(0, FunctionArg::Unnamed(FunctionArgExpr::Expr(value)));
    function.name = ObjectName(vec![ObjectNamePart::Identifier(name)]);
}
