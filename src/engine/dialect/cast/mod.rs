//! DuckDB's casts: a function for each conversion that Arrow lacks or does differently.
//!
//! Kernels never fail on a value: one that doesn't fit becomes NULL, and [`convert`] turns each new NULL into
//! an error that names the value. So `try_cast` and `cast` share their code.
//!
//! - `possible`: which casts exist; `convert`: casts an array; `converted`: its result
//! - `function`: the cast as a function; `written`: expressions in messages
//! - `number`: between numbers and booleans
//! - `text`: text → numbers, booleans, bytes, UUID, JSON; `decimal`: digits of any length
//! - `calendar`: text → dates, times, timestamps; `time`: between dates, times and timestamps; `interval`:
//!   intervals
//! - `format`: everything → text
//! - `nested`: lists, structs, maps; `parts`: their elements in text

mod calendar;
mod convert;
mod converted;
mod decimal;
mod format;
mod function;
mod interval;
mod nested;
mod number;
mod parts;
mod possible;
mod text;
mod time;
mod written;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{ScalarValue, metadata::FieldMetadata, plan_err},
    error::Result,
    logical_expr::{Expr, ScalarUDF, ScalarUDFImpl, expr::ScalarFunction},
};

pub(super) use self::{
    convert::convert, decimal::scaled, function::CastFunction, interval::length, written::written,
};
use self::{
    convert::kernel,
    function::IntervalLength,
    possible::{advice, is_exact, refused},
};
pub(in crate::engine) use self::{
    format::{double, value_text, value_texts},
    possible::is_possible,
};
use super::types::{self, CastTarget, TypeRule};
use crate::engine::function::function;

/// Converts values to an Arrow type without special rules, with NULL for each value that doesn't fit.
pub(in crate::engine) fn converted(
    array: &datafusion::arrow::array::ArrayRef,
    to: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    values(array, &CastTarget::plain(to.clone()))
}

/// Converts values to another type, with NULL for each value that doesn't fit.
pub(super) fn values(
    array: &datafusion::arrow::array::ArrayRef,
    target: &CastTarget,
) -> Result<datafusion::arrow::array::ArrayRef> {
    kernel(array, target).map(|converted| converted.array)
}

/// Casts an expression with DuckDB's semantics. Uses DataFusion's own cast where both agree.
///
/// # Errors
/// If no value of type `from` converts to the target type.
pub(super) fn cast(expr: Expr, from: &DataType, target: &CastTarget, lenient: bool) -> Result<Expr> {
    if from == &target.data_type && matches!(target.rule, TypeRule::Plain | TypeRule::Huge) {
        return Ok(expr);
    }
    let fits = match target.rule {
        TypeRule::Plain | TypeRule::Huge => is_possible(from, &target.data_type),
        TypeRule::Uuid | TypeRule::Json => types::is_text(from) || from == &DataType::Null,
    };
    if !fits {
        return plan_err!(
            "can't cast {} to {}{}",
            types::name(from),
            target.name(),
            advice(from, &target.data_type)
        );
    }
    if let Some((value, metadata)) = constant(&expr)
        && let Ok(array) = value.to_array()
    {
        let array = convert(&array, target, lenient, &Default::default())?;
        let folded = Expr::Literal(ScalarValue::try_from_array(&array, 0)?, metadata.clone());
        return Ok(if matches!(target.rule, TypeRule::Uuid | TypeRule::Json) {
            // Keep the cast, so that the rule of the text stays known.
            call(CastFunction::new(target.clone(), lenient, Default::default()), folded)
        } else {
            folded
        });
    }
    if is_exact(from, &target.data_type) && target.rule != TypeRule::Uuid && target.rule != TypeRule::Json {
        let to = target.data_type.clone();
        // The only values that don't fit are dates that a timestamp can't hold.
        return Ok(if lenient && from == &DataType::Date32 {
            Expr::TryCast(datafusion::logical_expr::TryCast::new(Box::new(expr), to))
        } else {
            Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(expr), to))
        });
    }
    let subject = written(&expr).filter(|_| !matches!(expr, Expr::Literal(..))).unwrap_or_default();
    let line =
        expr.column_refs().iter().find_map(|column| column.spans().first()).map(|span| span.start.line);
    Ok(call(CastFunction::new(target.clone(), lenient, (subject, line)), expr))
}

fn call(function: impl ScalarUDFImpl + 'static, value: Expr) -> Expr {
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value]))
}

/// Returns the rule that an expression's values are known to follow, which is the rule of a cast.
pub(super) fn rule_of(expr: &Expr) -> TypeRule {
    match expr {
        Expr::Alias(alias) => rule_of(&alias.expr),
        Expr::ScalarFunction(call) => {
            let cast = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<CastFunction>();
            cast.map_or(TypeRule::Plain, CastFunction::rule)
        }
        _ => TypeRule::Plain,
    }
}

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

/// Returns the constant in an expression: a literal, or a literal that is already cast.
fn constant(expr: &Expr) -> Option<(&ScalarValue, &Option<FieldMetadata>)> {
    match expr {
        Expr::Literal(value, metadata) => Some((value, metadata)),
        Expr::Cast(cast) => {
            constant(&cast.expr).filter(|(value, _)| value.data_type() == *cast.field.data_type())
        }
        _ => None,
    }
}

/// Casts an expression to a type without special rules.
pub(super) fn implicit(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    cast(expr, from, &CastTarget::plain(to.clone()), false)
}

/// Returns the length of an interval in microseconds, by which intervals are compared.
pub(super) fn interval_length(expr: Expr) -> Expr {
    call(IntervalLength::new(), expr)
}
