//! JSON functions. JSON has the type text; a document is validated where a function parses it.
//!
//! - `value`: documents and their writer; `parse`: their parser
//! - `path`: paths into documents
//! - `extract`: functions that query documents
//! - `make`: construction of documents from values
//! - `nested`: JSON within JSON
//! - `structure`: the inferred structure of documents
//! - `transform`: conversion of documents to values, given a structure

mod extract;
mod make;
pub(super) mod nested;
mod parse;
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

/// Parses a row's document.
fn parsed(text: &str) -> datafusion::error::Result<Json> {
    Json::parse(text).or_else(|error| {
        let mut shown: String = text.chars().take(80).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        fail(format!("{error}, in `{shown}`"))
    })
}

/// Returns an argument's documents, each parsed once. Lists, structs and maps are converted.
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

/// Returns whether a text is a valid JSON document.
pub(in crate::engine) fn is_json(text: &str) -> bool {
    value::Json::parse(text).is_ok()
}
