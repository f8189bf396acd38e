//! Calls as DataFusion sees them: identified by name until the type check, then bound to one overload.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility, expr::ScalarFunction,
    },
};

use super::{
    kind::GivenArgument,
    overload::Routine,
    resolve::{ResolvedRoutine, resolve},
    unresolved::Unresolved,
};
use crate::engine::function::call::Call;

/// A function identified by name, as planned from SQL.
#[derive(Debug)]
pub(in crate::engine) struct NamedRoutine {
    name: &'static str,
    overloads: &'static [&'static Routine],
    signature: Signature,
}

impl NamedRoutine {
    pub(super) fn new(name: &'static str, overloads: &'static [&'static Routine]) -> Self {
        let volatility = overloads.first().map_or(Volatility::Immutable, |one| one.volatility);
        Self { name, overloads, signature: Signature::user_defined(volatility) }
    }

    /// Returns the name for messages.
    pub(in crate::engine) fn name(&self) -> &'static str {
        self.name
    }

    /// Resolves a call to an overload.
    pub(in crate::engine) fn resolve(&self, given: &[GivenArgument]) -> Result<ResolvedRoutine, Unresolved> {
        resolve(self.name, self.overloads, given)
    }
}

impl PartialEq for NamedRoutine {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedRoutine {}

impl Hash for NamedRoutine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for NamedRoutine {
    fn name(&self) -> &str {
        self.name
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

    /// Accepts any arguments, because the type check reports mismatches with better messages.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let given: Vec<GivenArgument> = args
            .arg_fields
            .iter()
            .zip(args.scalar_arguments)
            .map(|(field, literal)| GivenArgument {
                data_type: field.data_type().clone(),
                literal: literal.cloned(),
            })
            .collect();
        let result = self.resolve(&given).map_or(DataType::Null, |resolved| resolved.result);
        Ok(Arc::new(Field::new(self.name, result, true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("`{}` was not type-checked", self.name)))
    }
}

/// A call of an overload whose arguments have the overload's types.
#[derive(Debug)]
pub(in crate::engine) struct BoundRoutine {
    name: &'static str,
    overload: &'static Routine,
    result: DataType,
    signature: Signature,
}

/// Builds a call of a resolved overload.
pub(in crate::engine) fn bind(resolved: &ResolvedRoutine, args: Vec<Expr>) -> Expr {
    let function = BoundRoutine {
        name: resolved.overload.name,
        overload: resolved.overload,
        result: resolved.result.clone(),
        signature: Signature::user_defined(resolved.overload.volatility),
    };
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(function)), args))
}

impl PartialEq for BoundRoutine {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.overload, other.overload) && self.result == other.result
    }
}

impl Eq for BoundRoutine {}

impl Hash for BoundRoutine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.result.hash(state);
    }
}

impl ScalarUDFImpl for BoundRoutine {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(types.to_vec())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.result.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = self.overload.volatility != Volatility::Volatile
            && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let call = Call::new(&args.args, rows, &self.result)?;
        let column = (self.overload.body)(&call)?;
        if column.len() != rows || column.data_type() != &self.result {
            return Err(DataFusionError::Internal(format!(
                "{} returned {} rows of {} where {rows} of {} were due",
                self.name,
                column.len(),
                column.data_type(),
                self.result
            )));
        }
        if constant {
            return ScalarValue::try_from_array(&column, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(column))
    }
}
