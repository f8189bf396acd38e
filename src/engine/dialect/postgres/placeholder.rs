//! Placeholders: functions that stand in for casts and for values of a common type until the type check.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{ScalarValue, exec_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::types;
use crate::engine::function::postgres::kind::{array_of, as_numeric};

/// A cast. Its arguments are the value and the name of a type.
pub(super) const CAST: &str = "$cast";
/// A text literal among values of other types in VALUES, which the planner would reject.
pub(super) const UNKNOWN: &str = "$unknown";
/// The names of all placeholders.
pub(super) const ALL: [&str; 7] = [CAST, UNKNOWN, "$coalesce", "$greatest", "$least", "$nullif", "$array"];

/// A function that the type check replaces.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Placeholder {
    name: &'static str,
    signature: Signature,
}

impl Placeholder {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Returns the name of the placeholder.
    pub(super) fn kind(&self) -> &'static str {
        self.name
    }
}

impl ScalarUDFImpl for Placeholder {
    fn name(&self) -> &str {
        self.name
    }

    /// Returns the name and the arguments of the call.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("{}({})", self.name, args.join(", ")))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Null)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let literal = |at: usize| args.scalar_arguments.get(at).copied().flatten();
        let own = args.arg_fields.first().map_or(DataType::Null, |field| field.data_type().clone());
        let result = if self.name == UNKNOWN {
            DataType::Null
        } else if self.name == CAST {
            let target = match literal(1) {
                Some(ScalarValue::Utf8(Some(name))) => types::parse(name).ok(),
                _ => None,
            };
            let text = literal(0).and_then(|value| value.try_as_str().flatten());
            target.map_or(DataType::Null, |target| target.data_type.unwrap_or_else(|| as_numeric(&own, text)))
        } else {
            let sides: Vec<types::PostgresOperand> = args
                .arg_fields
                .iter()
                .enumerate()
                .map(|(at, field)| {
                    let text = literal(at).and_then(|value| value.try_as_str().flatten()).map(str::to_owned);
                    types::PostgresOperand {
                        data_type: field.data_type().clone(),
                        unknown: field.data_type() == &DataType::Null || text.is_some(),
                        text,
                    }
                })
                .collect();
            let common = types::common(&sides).unwrap_or(DataType::Null);
            match self.name {
                "$array" => array_of(common),
                _ => common,
            }
        };
        Ok(Arc::new(Field::new(self.name, result, true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("`{}` was not type-checked", self.name)
    }
}
