//! JSON functions. JSON has the type text; a document is validated where a function parses it.
//!
//! - `value`: documents and their writer; `parse`: their parser
//! - `path`: paths into documents
//! - `extract`: functions that query documents
//! - `make`: construction of documents from values; `convert`: one value as a document
//! - `documents`: documents in columns
//! - `nested`: JSON within JSON
//! - `structure`: the inferred structure of documents
//! - `transform`: conversion of documents to values, given a structure

mod convert;
mod documents;
mod extract;
mod make;
pub(super) mod nested;
mod parse;
mod path;
mod structure;
mod transform;
pub(super) mod value;

pub(super) use self::convert::json_of;
use super::description::Function;

/// The functions of this family.
pub(super) const FUNCTIONS: &[&[Function]] = &[extract::FUNCTIONS, make::FUNCTIONS, transform::FUNCTIONS];

/// Returns whether a text is a valid JSON document.
pub(in crate::engine) fn is_json(text: &str) -> bool {
    value::Json::parse(text).is_ok()
}
