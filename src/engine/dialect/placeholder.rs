//! Cast placeholders: functions that stand in for casts between parsing and the type check, which replaces
//! them because only it knows the types.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{ScalarValue, exec_err, internal_err, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::marker::{CAST, TRY_CAST};
use crate::engine::cast::{cast_name, parse_target};

/// A cast whose type is still text.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CastPlaceholder {
    lenient: bool,
    signature: Signature,
}

impl CastPlaceholder {
    /// Creates a placeholder for `cast`, or for `try_cast` if `lenient`.
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, signature: Signature::any(2, Volatility::Immutable) }
    }

    /// Returns whether a value that doesn't fit becomes NULL.
    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }
}

impl ScalarUDFImpl for CastPlaceholder {
    fn name(&self) -> &'static str {
        if self.lenient { TRY_CAST } else { CAST }
    }

    /// Returns DuckDB's name for the cast.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [value, Expr::Literal(ScalarValue::Utf8(Some(name)), _)] => {
                let name = parse_target(name).map_or_else(|_| name.clone(), |target| target.name());
                Ok(cast_name(self.lenient, value, &name))
            }
            _ => Ok(self.name().to_owned()),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("a cast's type is among its arguments")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = args.arg_fields.first().map_or("", |field| field.name());
        if let Some(Some(ScalarValue::Utf8(Some(data_type)))) = args.scalar_arguments.get(1) {
            Ok(Arc::new(Field::new(name, parse_target(data_type)?.data_type, true)))
        } else {
            plan_err!("a cast needs a type")
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("a cast was not type-checked")
    }
}
