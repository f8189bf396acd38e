//! Access to parts of a value: fields, positions, slices and methods.

use datafusion::sql::sqlparser::{
    ast::{
        AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, Subscript,
        Value,
    },
    tokenizer::Span,
};

use crate::engine::{
    ast::{call, integer, text},
    dialect::refusal::SyntaxRefusal,
};

/// Rewrites `(value).field`, `value[1:2]` and `(value).method()` as calls. Positions stay as they are, since
/// they depend on types.
pub(super) fn lower(root: Expr, chain: Vec<AccessExpr>, span: Span) -> Result<Expr, SyntaxRefusal> {
    let mut value = root;
    let mut chain = chain.into_iter().peekable();
    // In `t.s['a']`, the names before the first position belong to the column.
    while let Expr::Identifier(_) | Expr::CompoundIdentifier(_) = &value
        && let Some(AccessExpr::Dot(Expr::Identifier(name))) =
            chain.next_if(|access| matches!(access, AccessExpr::Dot(Expr::Identifier(_))))
    {
        value = match value {
            Expr::Identifier(first) => Expr::CompoundIdentifier(vec![first, name]),
            Expr::CompoundIdentifier(mut names) => {
                names.push(name);
                Expr::CompoundIdentifier(names)
            }
            other => other,
        };
    }
    let mut positions = Vec::new();
    let settle = |value: Expr, positions: &mut Vec<AccessExpr>| {
        if positions.is_empty() {
            return value;
        }
        let access_chain = std::mem::take(positions);
        Expr::CompoundFieldAccess { root: Box::new(value), access_chain }
    };
    for access in chain {
        value = match access {
            AccessExpr::Subscript(Subscript::Index { index }) if positions.is_empty() && is_json(&value) => {
                call("json_extract", vec![value, index])
            }
            AccessExpr::Subscript(Subscript::Index { .. }) => {
                positions.push(access);
                continue;
            }
            AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                let value = settle(value, &mut positions);
                slice(value, lower_bound, upper_bound, stride, span)?
            }
            AccessExpr::Dot(Expr::Identifier(field)) => {
                call("struct_extract", vec![settle(value, &mut positions), text(&field.value)])
            }
            AccessExpr::Dot(Expr::Function(method)) => {
                if positions.is_empty() && matches!(value, Expr::Value(_)) {
                    let help = format!("put the value in parentheses: ({value}).{}(…)", method.name);
                    return Err(SyntaxRefusal::new("a literal has no methods", Some(&help), span));
                }
                super::function::function(method_of(settle(value, &mut positions), method))?
            }
            AccessExpr::Dot(other) => {
                let message = format!("`.{other}` names neither a field nor a method");
                return Err(SyntaxRefusal::new(message, None, other.span()));
            }
        };
    }
    Ok(settle(value, &mut positions))
}

/// Functions that return JSON.
const JSON: [&str; 7] =
    ["json", "to_json", "json_object", "json_array", "json_quote", "json_merge_patch", "json_group_array"];

/// Returns whether a value is JSON according to its syntax. Its type doesn't help, because JSON is text.
fn is_json(value: &Expr) -> bool {
    match value {
        Expr::Nested(value) => is_json(value),
        Expr::Cast { data_type, .. } => data_type.to_string().eq_ignore_ascii_case("json"),
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            JSON.contains(&name.as_str()) || (name == "json_extract" && has_one_place(function))
        }
        _ => false,
    }
}

/// Returns whether a path selects a single value; a path with a star returns a list.
fn has_one_place(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    matches!(list.args.get(1), Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(path))))
        if matches!(&path.value, Value::SingleQuotedString(path) if !path.contains('*')))
}

/// Rewrites a slice. Both bounds are inclusive and default to the first and the last item.
fn slice(
    value: Expr,
    lower: Option<Expr>,
    upper: Option<Expr>,
    stride: Option<Expr>,
    span: Span,
) -> Result<Expr, SyntaxRefusal> {
    if stride.is_some() && (lower.is_none() || upper.is_none()) {
        let help = "write where it begins and where it ends: l[1:4:2]";
        return Err(SyntaxRefusal::new("a slice with a step needs both ends", Some(help), span));
    }
    let mut arguments =
        vec![value, lower.unwrap_or_else(|| integer(1)), upper.unwrap_or_else(|| integer(-1))];
    arguments.extend(stride);
    Ok(call("list_slice", arguments))
}

/// Rewrites `value.method(arguments)` to `method(value, arguments)`.
fn method_of(value: Expr, mut method: Function) -> Function {
    if let FunctionArguments::List(list) = &mut method.args {
        list.args.insert(0, FunctionArg::Unnamed(FunctionArgExpr::Expr(value)));
    }
    method
}
