//! Functions of JSON. JSON is text here: a document is checked where a function reads it.
//!
//! - `value`: documents, read and written
//! - `path`: paths into documents
//! - `extract`: functions that look into documents
//! - `make`: documents from values
//! - `nested`: JSON within JSON
//! - `structure`: the structure of documents
//! - `transform`: values from documents, by a structure

mod extract;
mod make;
pub(super) mod nested;
mod path;
mod structure;
mod transform;
pub(super) mod value;

use datafusion::arrow::{array::Array, datatypes::DataType};

pub(super) use self::make::json_of;
use self::value::Json;
use super::{
    call::{Call, fail},
    description::Function,
};

/// The functions of this family.
pub(super) const FUNCTIONS: &[&[Function]] = &[extract::FUNCTIONS, make::FUNCTIONS, transform::FUNCTIONS];

/// Reads a document of a row.
fn parsed(text: &str) -> datafusion::error::Result<Json> {
    Json::parse(text).or_else(|error| {
        let mut shown: String = text.chars().take(80).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        fail(format!("{error}, in `{shown}`"))
    })
}

/// The documents of an argument, each read once. Lists, structs and maps are documents already.
fn documents(call: &Call, argument: usize) -> datafusion::error::Result<Vec<Option<Json>>> {
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

/// Returns whether a text is a JSON document.
pub(in crate::engine) fn is_json(text: &str) -> bool {
    value::Json::parse(text).is_ok()
}
