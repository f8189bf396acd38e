//! SQL text of expressions for messages.

use datafusion::{arrow::datatypes::DataType as T, logical_expr::Expr};

use super::{convert::LONGEST, format::value_text, function::CastFunction};
use crate::engine::{cast::types, operation::Operation};

/// Returns the approximate SQL of an expression, or `None` if it would be too long.
pub(in crate::engine) fn written(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Column(column) => identifier(&column.name)?,
        Expr::Alias(alias) => return written(&alias.expr),
        Expr::Cast(cast) => return written(&cast.expr),
        Expr::Literal(value, _) => {
            let array = value.to_array().ok()?;
            let text = value_text(&array, 0).ok()?.unwrap_or_else(|| "NULL".into());
            let quoted = || format!("'{}'", text.replace('\'', "''"));
            match array.data_type() {
                T::Date32 if !value.is_null() => format!("date {}", quoted()),
                T::Timestamp(_, None) if !value.is_null() => format!("timestamp {}", quoted()),
                T::Timestamp(..) if !value.is_null() => format!("timestamptz {}", quoted()),
                T::Time64(_) if !value.is_null() => format!("time {}", quoted()),
                T::Interval(_) if !value.is_null() => format!("interval {}", quoted()),
                data_type if types::is_text(data_type) => quoted(),
                _ => text,
            }
        }
        Expr::ScalarFunction(call) => {
            let function = call.func.inner().as_ref() as &dyn std::any::Any;
            let args: Vec<String> = call.args.iter().map(written).collect::<Option<_>>()?;
            let text = match (args.as_slice(), Operation::of_name(call.name())) {
                ([value], None) if function.is::<CastFunction>() => value.clone(),
                ([left, right], Some(operation)) => format!("{left} {} {right}", operation.symbol()),
                _ => format!("{}({})", call.name(), args.join(", ")),
            };
            return (text.len() <= LONGEST).then_some(text);
        }
        _ => return None,
    })
}

/// Returns a column's name as SQL, or `None` for one that the engine made up.
fn identifier(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_';
    if name.contains(['(', ')', '"']) {
        return None;
    }
    Some(if name.chars().all(is_plain) { name.to_owned() } else { format!("\"{name}\"") })
}
