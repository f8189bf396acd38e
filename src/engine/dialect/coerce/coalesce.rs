//! `coalesce` until the type check, which knows the common type of its values and their literals.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{exec_err, internal_err, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
    },
};

use super::operand::common_type;

/// A `coalesce` before the type check. DataFusion's own rejects a date and a text literal while it plans.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::engine::dialect) struct CoalescePlaceholder {
    signature: Signature,
}

impl CoalescePlaceholder {
    pub(in crate::engine::dialect) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CoalescePlaceholder {
    fn name(&self) -> &'static str {
        "coalesce"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if types.is_empty() { plan_err!("coalesce takes at least one value") } else { Ok(types.to_vec()) }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of coalesce depends on its literals")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types = args.arg_fields.iter().map(|field| field.data_type().clone());
        let data_type = common_type(types.zip(args.scalar_arguments.iter().copied()));
        Ok(Arc::new(Field::new(self.name(), data_type.unwrap_or(DataType::Null), true)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("a coalesce was not type-checked")
    }
}
