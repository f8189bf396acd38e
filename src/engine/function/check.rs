//! Checks on implicit casts that are allowed for literals only.
//!
//! DataFusion resolves a call by its argument types alone, so planning accepts text in place of a date
//! everywhere, as calls like `year('2020-01-31')` need. This check then rejects the same cast for columns.

use datafusion::{
    arrow::datatypes::DataType,
    common::{DFSchema, ScalarValue, tree_node::TreeNode},
    error::Result,
    logical_expr::{Expr, ExprSchemable, Volatility, expr::ScalarFunction as ScalarCall},
};

use super::{description::Typing, scalar::ScalarFunction};

/// Returns the types that a call's arguments must be cast to, or `None` for DataFusion's own functions.
///
/// # Errors
/// If a non-literal argument would be cast from text or to a smaller integer; if a text literal is ambiguous
/// between several types; or if an argument must be constant and isn't.
pub(in crate::engine) fn argument_types(
    call: &ScalarCall,
    schema: &DFSchema,
) -> Result<Option<Vec<DataType>>> {
    let Some(own) = call.func.inner().downcast_ref::<ScalarFunction>() else {
        return Ok(None);
    };
    // Lambda variables have no type outside their call.
    let Ok(mut types) = call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<DataType>>>()
    else {
        return Ok(None);
    };
    if own.function.has_common_type() {
        narrow_literals(&mut types, &call.args);
    }
    let literal: Vec<bool> = call.args.iter().map(|arg| literal(arg).is_some()).collect();
    let resolved = own.function.resolve(&types, &literal)?;
    let literals: Vec<Option<&ScalarValue>> = call.args.iter().map(|arg| literal_value(arg)).collect();
    let varying: Vec<bool> = call.args.iter().map(varies).collect();
    resolved.gives(&Typing {
        types: &resolved.types,
        literals: &literals,
        varying: &varying,
        strict: true,
    })?;
    Ok(Some(resolved.types))
}

/// Returns whether a value may vary by row.
fn varies(expression: &Expr) -> bool {
    let found = expression.exists(|part| {
        Ok(match part {
            Expr::Column(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::LambdaVariable(_)
            | Expr::ScalarSubquery(_) => true,
            Expr::ScalarFunction(call) => call.func.signature().volatility == Volatility::Volatile,
            _ => false,
        })
    });
    found.unwrap_or(true)
}

/// Gives integer literals the smallest type that holds them where they meet non-literal integers:
/// `greatest(tiny, 0)` is as small as `tiny`.
fn narrow_literals(types: &mut [DataType], args: &[Expr]) {
    let all_integers = types.iter().all(DataType::is_integer);
    if !all_integers || args.iter().all(|arg| literal(arg).is_some()) {
        return;
    }
    for (of, arg) in types.iter_mut().zip(args) {
        let value = match literal(arg) {
            Some(ScalarValue::Int32(Some(value))) => i64::from(*value),
            Some(ScalarValue::Int64(Some(value))) => *value,
            _ => continue,
        };
        if i8::try_from(value).is_ok() {
            *of = DataType::Int8;
        } else if i16::try_from(value).is_ok() {
            *of = DataType::Int16;
        } else if i32::try_from(value).is_ok() {
            *of = DataType::Int32;
        }
    }
}

/// Returns the literal's value if the whole expression is a literal.
fn literal_value(expression: &Expr) -> Option<&ScalarValue> {
    match expression {
        Expr::Literal(value, _) => Some(value),
        Expr::Alias(alias) => literal_value(&alias.expr),
        _ => None,
    }
}

/// Returns the literal if the expression is one, possibly with a sign.
fn literal(expression: &Expr) -> Option<&ScalarValue> {
    match expression {
        Expr::Negative(inner) => literal(inner),
        other => literal_value(other),
    }
}
