//! Casts that users write.

use datafusion::{
    arrow::datatypes::DataType,
    common::plan_err,
    error::Result,
    logical_expr::{Expr, expr::ScalarFunction},
};

use crate::engine::{
    cast::{
        cast, implicit, refused, rule_of,
        types::{self, CastTarget, TypeRule},
    },
    function::function,
};

/// Plans a cast from the user's SQL. A cast constant keeps its type, unlike a literal, which adapts to the
/// other operand; so the cast stays in the plan.
pub(super) fn explicit(expr: Expr, from: &DataType, target: &CastTarget, lenient: bool) -> Result<Expr> {
    let rule = rule_of(&expr);
    if let Some(message) = refused(rule, target) {
        return plan_err!("{message}");
    }
    let is_document = types::is_text(from) && rule != TypeRule::Uuid;
    if target.rule == TypeRule::Json && !is_document && from != &DataType::Null {
        let Some(function) = function("to_json") else { return plan_err!("there is no cast to JSON") };
        // Bytes become the text that they are printed as.
        let expr =
            if matches!(from, DataType::Binary) { implicit(expr, from, &DataType::Utf8)? } else { expr };
        return Ok(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr])));
    }
    let typed = cast(expr, from, target, lenient)?;
    let adapts = target.data_type.is_integer() || types::is_text(&target.data_type);
    if adapts && matches!(typed, Expr::Literal(..)) {
        return Ok(Expr::Cast(datafusion::logical_expr::Cast::new(
            Box::new(typed),
            target.data_type.clone(),
        )));
    }
    Ok(typed)
}
