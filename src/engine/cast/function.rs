//! The cast as a function of one argument.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, AsArray, new_null_array},
        datatypes::{DataType, FieldRef},
    },
    common::{ScalarValue, exec_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::{convert::convert, interval};
use crate::engine::cast::types::{self, CastTarget, TypeRule};

/// A cast as a function of one argument.
#[derive(Debug)]
pub(in crate::engine) struct CastFunction {
    target: CastTarget,
    /// If true, a value that doesn't fit becomes NULL.
    lenient: bool,
    /// The cast column or expression, for messages, and its line in the statement.
    subject: (String, Option<u64>),
    signature: Signature,
}

impl CastFunction {
    pub(super) fn new(target: CastTarget, lenient: bool, subject: (String, Option<u64>)) -> Self {
        Self { target, lenient, subject, signature: Signature::any(1, Volatility::Immutable) }
    }

    /// Returns the rule that the result's values follow.
    pub(super) fn rule(&self) -> TypeRule {
        self.target.rule
    }

    /// Returns whether the result is JSON.
    pub(in crate::engine) fn gives_json(&self) -> bool {
        self.target.rule == TypeRule::Json
    }
}

impl PartialEq for CastFunction {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target && self.lenient == other.lenient
    }
}

impl Eq for CastFunction {}

impl Hash for CastFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.lenient.hash(state);
    }
}

impl ScalarUDFImpl for CastFunction {
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

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalLength(Signature);

impl IntervalLength {
    pub(super) fn new() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

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

/// The maximum depth of an expression whose name is written in full.
const WHOLE: usize = 64;

/// Returns the column name of a cast. DataFusion asks every level of an expression for its name whenever it
/// asks for a type, so a deep value has a short name.
pub(in crate::engine) fn cast_name(lenient: bool, value: &Expr, data_type: &str) -> String {
    let function = if lenient { "TRY_CAST" } else { "CAST" };
    if is_deeper(value, WHOLE) {
        return format!("{function}(… AS {data_type})");
    }
    format!("{function}({} AS {data_type})", value.schema_name())
}

/// Returns whether an expression is deeper than `levels`, following its first or its last operands.
pub(in crate::engine) fn is_deeper(expr: &Expr, levels: usize) -> bool {
    let down = |last: bool| {
        let mut at = expr;
        for _ in 0..levels {
            at = match at {
                Expr::Cast(cast) => &cast.expr,
                Expr::Alias(alias) => &alias.expr,
                Expr::ScalarFunction(call) => {
                    let next = if last { call.args.last() } else { call.args.first() };
                    let Some(next) = next else { return false };
                    next
                }
                _ => return false,
            };
        }
        true
    };
    down(false) || down(true)
}

#[cfg(test)]
mod tests {
    use datafusion::{arrow::datatypes::DataType, logical_expr::cast};

    use super::*;

    #[test]
    fn names_of_deep_casts_are_short() {
        let nested =
            |levels| (0..levels).fold(datafusion::prelude::col("a"), |value, _| cast(value, DataType::Int64));
        assert_eq!(cast_name(false, &nested(1), "INT"), format!("CAST({} AS INT)", nested(1).schema_name()));
        assert_eq!(cast_name(true, &nested(WHOLE + 1), "INT"), "TRY_CAST(… AS INT)");
    }
}
