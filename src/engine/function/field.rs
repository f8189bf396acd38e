//! Struct field access that returns NULL where the struct is NULL.
//!
//! DataFusion returns the field's column unchanged, and kernels that set structs to NULL leave stale values
//! in their fields.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{Array, AsArray, BooleanArray},
        compute::nullif,
        datatypes::{DataType, FieldRef},
    },
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        expr::ScalarFunction as ScalarCall,
    },
};

/// Makes a field access return NULL for NULL structs; returns other calls unchanged.
pub(in crate::engine) fn of_null_structs(mut call: ScalarCall) -> ScalarCall {
    if call.func.name() == "get_field"
        && (call.func.inner().as_ref() as &dyn std::any::Any).downcast_ref::<FieldAccess>().is_none()
    {
        let inner = Arc::clone(&call.func);
        call.func = Arc::new(ScalarUDF::new_from_impl(FieldAccess(inner)));
    }
    call
}

/// A wrapper around DataFusion's function that keeps its name.
#[derive(Debug)]
struct FieldAccess(Arc<ScalarUDF>);

impl PartialEq for FieldAccess {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for FieldAccess {}

impl Hash for FieldAccess {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl ScalarUDFImpl for FieldAccess {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.0.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(types)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.0.return_field_from_args(args)
    }

    /// Returns the field, or NULL where any struct on its path is NULL.
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(ColumnarValue::Array(first)) = args.args.first() else {
            return self.0.invoke_with_args(args);
        };
        let mut nulls = None;
        let mut level = Arc::clone(first);
        for name in &args.args[1..] {
            let Some(parent) = level.as_struct_opt() else { break };
            nulls = datafusion::arrow::buffer::NullBuffer::union(nulls.as_ref(), parent.nulls());
            let ColumnarValue::Scalar(name) = name else { break };
            let name = name.try_as_str().flatten().unwrap_or_default();
            let Some(child) = parent.column_by_name(name) else { break };
            let child = Arc::clone(child);
            level = child;
        }
        let found = self.0.invoke_with_args(args)?;
        match (nulls, found) {
            (Some(nulls), ColumnarValue::Array(found)) if nulls.null_count() > 0 => {
                let null: BooleanArray = nulls.iter().map(|valid| Some(!valid)).collect();
                Ok(ColumnarValue::Array(nullif(&found, &null)?))
            }
            (_, found) => Ok(found),
        }
    }
}
