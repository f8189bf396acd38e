//! Adapter from [`Function`] to DataFusion's scalar functions.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::ScalarValue,
    error::{DataFusionError, Result},
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

use super::{
    call::Call,
    description::{Function, Typing},
};

/// The implementation of every function of the dialect.
#[derive(Debug)]
pub(super) struct ScalarFunction {
    pub(super) function: &'static Function,
    aliases: Vec<String>,
    signature: Signature,
}

impl ScalarFunction {
    pub(super) fn new(function: &'static Function) -> Self {
        Self {
            function,
            aliases: function.names[1..].iter().map(|name| (*name).to_owned()).collect(),
            signature: Signature::user_defined(function.volatility),
        }
    }
}

impl PartialEq for ScalarFunction {
    fn eq(&self, other: &Self) -> bool {
        self.function.names == other.function.names
    }
}

impl Eq for ScalarFunction {}

impl Hash for ScalarFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.names.hash(state);
    }
}

impl ScalarUDFImpl for ScalarFunction {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let literals = vec![None; types.len()];
        self.function.resolve_leniently(types)?.gives(&Typing {
            types,
            literals: &literals,
            varying: &[],
            strict: false,
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let typing = Typing { types: &types, literals: args.scalar_arguments, varying: &[], strict: false };
        // Accept any types here: the type check reports mismatches, and knows their position.
        let gives = self.function.resolve_leniently(&types).and_then(|resolved| resolved.gives(&typing));
        Ok(Arc::new(Field::new(self.name(), gives.unwrap_or(DataType::Null), true)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.function.resolve_leniently(types).map_or_else(|_| types.to_vec(), |resolved| resolved.types))
    }

    /// Folds clock functions into constants, so that all rows of a query see the same time.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let now = info.query_execution_start_time();
        let (Volatility::Stable, true, Some(now)) = (self.function.volatility, args.is_empty(), now) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let gives = self.return_type(&[])?;
        let call = Call::new(&[], 1, &gives)?.at(now.timestamp_micros());
        let column = (self.function.resolve_leniently(&[])?.overload.body)(&call)?;
        let value = ScalarValue::try_from_array(&column, 0)?;
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // Only `simplify` knows the query's start time. DataFusion tries constant evaluation first, and
        // continues if it fails.
        if self.function.volatility == Volatility::Stable {
            return Err(DataFusionError::Execution(format!(
                "`{}` is a constant of the query, and has no value outside of one",
                self.name()
            )));
        }
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let resolved = self.function.resolve_leniently(&types)?;
        let constant = self.function.volatility != Volatility::Volatile
            && args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let call = Call::new(&args.args, rows, args.return_field.data_type())?;
        let column = (resolved.overload.body)(&call)?;
        if column.len() != rows || column.data_type() != args.return_field.data_type() {
            return Err(DataFusionError::Internal(format!(
                "{} returned {} rows of {} where {rows} of {} were due",
                self.name(),
                column.len(),
                column.data_type(),
                args.return_field.data_type()
            )));
        }
        if constant {
            return ScalarValue::try_from_array(&column, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(column))
    }
}
