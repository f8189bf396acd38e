//! JSON functions. JSON has the type text; a document is validated where a function parses it.
//!
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
mod path;
mod structure;
mod transform;

pub(super) use self::convert::json_of;
use super::description::Function;

/// The functions of this family.
pub(super) const FUNCTIONS: &[&[Function]] = &[extract::FUNCTIONS, make::FUNCTIONS, transform::FUNCTIONS];
