//! Documents in columns.

use datafusion::arrow::{array::Array, datatypes::DataType};

use super::convert::json_of;
use crate::engine::{
    function::call::Call,
    json::{parse::parsed, value::Json},
};

/// Returns an argument's documents, each parsed once. Lists, structs and maps are converted.
pub(super) fn documents(call: &Call, argument: usize) -> datafusion::error::Result<Vec<Option<Json>>> {
    if call.type_of(argument) != &DataType::Utf8 {
        let column = call.array(argument)?;
        let document = |row| {
            if column.is_null(row) { Ok(None) } else { json_of(&column, row).map(Some) }
        };
        return (0..call.rows()).map(document).collect();
    }
    let column = call.column::<&str>(argument)?;
    if call.constant(argument).is_some() {
        let one = column.at(0).map(parsed).transpose()?;
        return Ok(vec![one; call.rows()]);
    }
    (0..call.rows()).map(|row| column.at(row).map(parsed).transpose()).collect()
}
