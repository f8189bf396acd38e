//! SQL text of expressions for messages.

use datafusion::logical_expr::Expr;

use super::{convert::LONGEST, format::value_text, function::CastFunction};
use crate::engine::dialect::{arithmetic::Arithmetic, types};

/// Returns the approximate SQL of an expression, or `None` if it would be too long.
pub(in crate::engine::dialect) fn written(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Column(column) => column.name.clone(),
        Expr::Alias(alias) => return written(&alias.expr),
        Expr::Cast(cast) => return written(&cast.expr),
        Expr::Literal(value, _) => {
            let array = value.to_array().ok()?;
            let text = value_text(&array, 0).ok()?.unwrap_or_else(|| "NULL".into());
            if types::is_text(array.data_type()) { format!("'{}'", text.replace('\'', "''")) } else { text }
        }
        Expr::ScalarFunction(call) => {
            let function = call.func.inner().as_ref() as &dyn std::any::Any;
            let args: Vec<String> = call.args.iter().map(written).collect::<Option<_>>()?;
            let text = match (args.as_slice(), function.downcast_ref::<Arithmetic>()) {
                ([value], None) if function.is::<CastFunction>() => value.clone(),
                ([left, right], Some(operator)) => {
                    format!("{left} {} {right}", operator.operation().symbol())
                }
                _ => format!("{}({})", call.name(), args.join(", ")),
            };
            return (text.len() <= LONGEST).then_some(text);
        }
        _ => return None,
    })
}
