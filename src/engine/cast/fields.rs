//! Fields of structs and maps that correspond to each other.

use datafusion::{
    arrow::datatypes::{DataType, FieldRef, Fields},
    common::not_impl_err,
    error::Result,
};

use crate::engine::cast::types;

/// Returns the position of the field that becomes field `at` of another struct: by position in a row, else by
/// name.
pub(super) fn source_of(from: &Fields, to: &Fields, at: usize) -> Option<usize> {
    if types::is_row(from) && from.len() == to.len() { Some(at) } else { position(from, to[at].name()) }
}

/// Returns the fields of a map's entries.
pub(super) fn entry_fields(entries: &FieldRef) -> Result<&Fields> {
    match entries.data_type() {
        DataType::Struct(parts) if parts.len() == 2 => Ok(parts),
        _ => not_impl_err!("a map without keys or values"),
    }
}

/// Returns the position of a field by its name: an exact match first, then a case-insensitive one.
pub(crate) fn position(fields: &Fields, name: &str) -> Option<usize> {
    fields
        .iter()
        .position(|field| field.name() == name)
        .or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)))
}
