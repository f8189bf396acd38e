//! DuckDB's casts: a function for each conversion that Arrow lacks or does differently.
//!
//! Kernels never fail on a value: one that doesn't fit becomes NULL, and [`mod@convert`] turns each new NULL
//! into an error that names the value. So `try_cast` and `cast` share their code.
//!
//! - `types`: types by their SQL names, and common types; `type_name`: the name of a type; `named_type`: a
//!   type given by its name; `keyword`: names that must be quoted
//! - `possible`: which casts exist; `convert`: casts an array; `converted`: its result
//! - `function`: the cast as a function; `written`: expressions in messages
//! - `number`: between numbers and booleans
//! - `text`: text → numbers, booleans, bytes, UUID, JSON; `decimal`: digits of any length
//! - `calendar`: text → dates, times, timestamps; `time`: between dates, times and timestamps; `interval`:
//!   intervals
//! - `format`: everything → text
//! - `convert::nested`: lists, structs, maps; `fields`: their fields; `parts`: their elements in text
//! - `zone`: time zones by name

mod calendar;
mod convert;
mod converted;
mod decimal;
mod fields;
mod format;
mod function;
mod interval;
pub(super) mod keyword;
mod named_type;
mod number;
mod parts;
mod possible;
mod text;
mod time;
pub(super) mod type_name;
pub(super) mod types;
mod written;
pub(super) mod zone;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::DataType,
    common::{ScalarValue, metadata::FieldMetadata, plan_err},
    error::Result,
    logical_expr::{Expr, ScalarUDF, ScalarUDFImpl, expr::ScalarFunction},
};

use self::types::{CastTarget, TypeRule};
pub(in crate::engine) use self::{
    convert::convert, decimal::scaled, function::CastFunction, interval::length, written::written,
};
use self::{
    convert::kernel,
    function::IntervalLength,
    possible::{advice, is_exact},
};
pub(in crate::engine) use self::{
    format::{double, value_text, value_texts},
    function::{cast_name, is_deeper},
    named_type::{NamedType, is_cast_to_json, parse_target},
    possible::{is_possible, refused},
};

/// Converts values to an Arrow type without special rules, with NULL for each value that doesn't fit.
pub(in crate::engine) fn converted(
    array: &datafusion::arrow::array::ArrayRef,
    to: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    values(array, &CastTarget::plain(to.clone()))
}

/// Converts values to another type, with NULL for each value that doesn't fit.
pub(crate) fn values(
    array: &datafusion::arrow::array::ArrayRef,
    target: &CastTarget,
) -> Result<datafusion::arrow::array::ArrayRef> {
    kernel(array, target).map(|converted| converted.array)
}

/// Casts an expression with DuckDB's semantics. Uses DataFusion's own cast where both agree.
///
/// # Errors
/// If no value of type `from` converts to the target type.
pub(crate) fn cast(expr: Expr, from: &DataType, target: &CastTarget, lenient: bool) -> Result<Expr> {
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
pub(crate) fn rule_of(expr: &Expr) -> TypeRule {
    match expr {
        Expr::Alias(alias) => rule_of(&alias.expr),
        Expr::ScalarFunction(call) => {
            let cast = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<CastFunction>();
            cast.map_or(TypeRule::Plain, CastFunction::rule)
        }
        _ => TypeRule::Plain,
    }
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
pub(crate) fn implicit(expr: Expr, from: &DataType, to: &DataType) -> Result<Expr> {
    cast(expr, from, &CastTarget::plain(to.clone()), false)
}

/// Returns the length of an interval in microseconds, by which intervals are compared.
pub(crate) fn interval_length(expr: Expr) -> Expr {
    call(IntervalLength::new(), expr)
}
