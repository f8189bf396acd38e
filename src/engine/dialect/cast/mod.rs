//! DuckDB's casts: a function for each conversion that Arrow lacks or does differently.
//!
//! Kernels never fail on a value: one that doesn't fit becomes NULL, and [`convert`] turns each new NULL into
//! an error that names the value. So `try_cast` and `cast` share their code.
//!
//! - `possible`: which casts exist; `convert`: casts an array; `written`: expressions in messages
//! - `number`: between numbers and booleans
//! - `text`: text → numbers, booleans, bytes, UUID, JSON; `decimal`: digits of any length
//! - `calendar`: text → dates, times, timestamps; `time`: between dates, times and timestamps; `interval`:
//!   intervals
//! - `format`: everything → text
//! - `nested`: lists, structs, maps; `parts`: their elements in text

mod calendar;
mod convert;
mod decimal;
mod format;
mod interval;
mod nested;
mod number;
mod parts;
mod possible;
mod text;
mod time;
mod written;

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, AsArray, new_null_array},
        datatypes::{DataType, FieldRef},
    },
    common::{ScalarValue, exec_err, metadata::FieldMetadata, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, expr::ScalarFunction,
    },
};

pub(super) use self::{convert::convert, written::written};
use self::{
    convert::{Converted, arrow, kernel},
    possible::{advice, is_exact, refused},
};
pub(super) use self::{decimal::scaled, interval::length};
pub(in crate::engine) use self::{
    format::{double, value_text, value_texts},
    possible::is_possible,
};
use super::{
    placeholder::cast_name,
    types::{self, Rule, Target},
};
use crate::engine::function::function;

/// Converts values to an Arrow type without special rules, with NULL for each value that doesn't fit.
pub(in crate::engine) fn converted(
    array: &datafusion::arrow::array::ArrayRef,
    to: &DataType,
) -> Result<datafusion::arrow::array::ArrayRef> {
    values(array, &Target::plain(to.clone()))
}

/// Converts values to another type, with NULL for each value that doesn't fit.
pub(super) fn values(
    array: &datafusion::arrow::array::ArrayRef,
    target: &Target,
) -> Result<datafusion::arrow::array::ArrayRef> {
    kernel(array, target).map(|converted| converted.array)
}

/// A cast as a function of one argument.
#[derive(Debug)]
pub(super) struct Cast {
    target: Target,
    /// If true, a value that doesn't fit becomes NULL.
    lenient: bool,
    /// The cast column or expression, for messages, and its line in the statement.
    subject: (String, Option<u64>),
    signature: Signature,
}

impl Cast {
    fn new(target: Target, lenient: bool, subject: (String, Option<u64>)) -> Self {
        Self { target, lenient, subject, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl Cast {
    /// Returns whether the result is JSON.
    pub(super) fn gives_json(&self) -> bool {
        self.target.rule == Rule::Json
    }
}

impl PartialEq for Cast {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.lenient == other.lenient
    }
}

impl Eq for Cast {}

impl Hash for Cast {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.lenient.hash(state);
    }
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &'static str {
        if self.lenient { "try_cast" } else { "cast" }
    }

    /// Returns DuckDB's name for the cast.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(args.first().map_or_else(String::new, |arg| cast_name(self.lenient, arg, &self.target.name())))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.target.data_type.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = args.arg_fields.first().map_or("", |field| field.name());
        Ok(Arc::new(datafusion::arrow::datatypes::Field::new(name, self.target.data_type.clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(array)] => {
                Ok(ColumnarValue::Array(convert(array, &self.target, self.lenient, &self.subject)?))
            }
            [ColumnarValue::Scalar(value)] => {
                let array = convert(&value.to_array()?, &self.target, self.lenient, &self.subject)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?))
            }
            _ => exec_err!("a cast takes one value"),
        }
    }
}

/// Casts an expression with DuckDB's semantics. Uses DataFusion's own cast where both agree.
///
/// # Errors
/// If no value of type `from` converts to the target type.
pub(super) fn cast(expr: Expr, from: &DataType, target: &Target, lenient: bool) -> Result<Expr> {
    if from == &target.data_type && matches!(target.rule, Rule::Plain | Rule::Huge) {
        return Ok(expr);
    }
    let fits = match target.rule {
        Rule::Plain | Rule::Huge => is_possible(from, &target.data_type),
        Rule::Uuid | Rule::Json => types::is_text(from) || from == &DataType::Null,
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
        return Ok(if matches!(target.rule, Rule::Uuid | Rule::Json) {
            // Keep the cast, so that the rule of the text stays known.
            call(Cast::new(target.clone(), lenient, Default::default()), folded)
        } else {
            folded
        });
    }
    if is_exact(from, &target.data_type) && target.rule != Rule::Uuid && target.rule != Rule::Json {
        return Ok(Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(expr), target.data_type.clone())));
    }
    let subject = written(&expr).filter(|_| !matches!(expr, Expr::Literal(..))).unwrap_or_default();
    let line =
        expr.column_refs().iter().find_map(|column| column.spans().first()).map(|span| span.start.line);
    Ok(call(Cast::new(target.clone(), lenient, (subject, line)), expr))
}

fn call(function: impl ScalarUDFImpl + 'static, value: Expr) -> Expr {
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![value]))
}

/// Returns the rule that an expression's values are known to follow, which is the rule of a cast.
pub(super) fn rule_of(expr: &Expr) -> Rule {
    match expr {
        Expr::Alias(alias) => rule_of(&alias.expr),
        Expr::ScalarFunction(call) => {
            let cast = (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<Cast>();
            cast.map_or(Rule::Plain, |cast| cast.target.rule)
        }
        _ => Rule::Plain,
    }
}

/// Plans a cast from the user's SQL. A cast constant keeps its type, unlike a literal, which adapts to the
/// other operand; so the cast stays in the plan.
pub(super) fn explicit(expr: Expr, from: &DataType, target: &Target, lenient: bool) -> Result<Expr> {
    let rule = rule_of(&expr);
    if let Some(message) = refused(rule, target) {
        return plan_err!("{message}");
    }
    let is_document = types::is_text(from) && rule != Rule::Uuid;
    if target.rule == Rule::Json && !is_document && from != &DataType::Null {
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
    cast(expr, from, &Target::plain(to.clone()), false)
}

/// Returns the length of an interval in microseconds, by which intervals are compared.
pub(super) fn interval_length(expr: Expr) -> Expr {
    call(IntervalLength(Signature::any(1, Volatility::Immutable)), expr)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct IntervalLength(Signature);

impl ScalarUDFImpl for IntervalLength {
    fn name(&self) -> &'static str {
        "interval_length"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(types::HUGEINT)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let array = args.args[0].to_array(args.number_rows)?;
        if array.data_type() == &DataType::Null {
            return Ok(ColumnarValue::Array(new_null_array(&types::HUGEINT, array.len())));
        }
        let lengths = interval::lengths(array.as_primitive());
        Ok(ColumnarValue::Array(lengths))
    }
}
