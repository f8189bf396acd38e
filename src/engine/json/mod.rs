//! JSON documents as DuckDB reads and writes them.

pub(in crate::engine) mod parse;
pub(in crate::engine) mod value;

/// Returns whether a text is a valid JSON document.
pub(in crate::engine) fn is_json(text: &str) -> bool {
    value::Json::parse(text).is_ok()
}
