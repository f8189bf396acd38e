//! Functions that are computed as in dialect `duckdb`.

use datafusion::{
    arrow::{array::ArrayRef, compute::cast, datatypes::DataType},
    error::Result,
};

use crate::engine::function::call::Call;

/// Evaluates a call with the equivalent DuckDB function, and casts the result to the expected type.
pub(super) fn as_in_duckdb(name: &str, call: &Call) -> Result<ArrayRef> {
    let types: Vec<DataType> = (0..call.len()).map(|at| call.type_of(at).clone()).collect();
    let Some(function) =
        crate::engine::function::catalog::functions().find(|function| function.names.contains(&name))
    else {
        return crate::engine::function::call::fail(format!("{name} is missing"));
    };
    let column = (function.resolve_leniently(&types)?.overload.body)(call)?;
    Ok(if column.data_type() == call.returns() { column } else { cast(&column, call.returns())? })
}
