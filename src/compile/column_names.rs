//! Column names of properties files, looked up in a table as SQL would: without case, if the dialect says so.

use crate::engine::{Engine, SchemaRef, arrow::datatypes::Field};

/// The columns of a table, by name.
#[derive(Clone, Copy)]
pub(super) struct ColumnNames<'s> {
    schema: &'s SchemaRef,
    ignores_case: bool,
}

impl<'s> ColumnNames<'s> {
    pub(super) fn new(schema: &'s SchemaRef, engine: &Engine) -> Self {
        Self { schema, ignores_case: engine.ignores_case() }
    }

    /// Returns the column of this name; one of exactly this spelling wins.
    pub(super) fn find(self, name: &str) -> Option<&'s Field> {
        let fields = self.schema.fields();
        let exact = fields.iter().find(|field| field.name() == name);
        let found = exact.or_else(|| fields.iter().find(|field| self.is_same(field.name(), name)));
        found.map(AsRef::as_ref)
    }

    /// Iterates over the columns in the table's order.
    pub(super) fn fields(self) -> impl Iterator<Item = &'s Field> {
        self.schema.fields().iter().map(AsRef::as_ref)
    }

    /// Returns the names of all columns.
    pub(super) fn all(self) -> Vec<&'s str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    fn is_same(self, one: &str, other: &str) -> bool {
        self.ignores_case && one.to_lowercase() == other.to_lowercase()
    }
}
