//! Brings batches into the form of the table they are written to.

use crate::engine::arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::{CastOptions, cast_with_options},
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
    util::display::FormatOptions,
};

/// From a query's columns to a table's, by their names: their order and their types.
#[derive(Debug, Clone)]
pub(super) struct Conform {
    table: SchemaRef,
    /// For each of the table's columns, its position in the query.
    order: Vec<usize>,
}

impl Conform {
    /// From the columns `query` to those of `table`, which must be among them.
    pub(super) fn new(query: &Schema, table: &SchemaRef) -> Result<Self, ArrowError> {
        let order = table.fields().iter().map(|field| query.index_of(field.name()));
        Ok(Self { table: SchemaRef::clone(table), order: order.collect::<Result<_, _>>()? })
    }

    /// The batch as the table holds it. A value that does not fit is an error that names its column.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let options = CastOptions { safe: false, format_options: FormatOptions::default() };
        let columns = self.order.iter().zip(self.table.fields()).map(|(index, field)| {
            let column = batch.column(*index);
            if column.data_type() == field.data_type() {
                return Ok(ArrayRef::clone(column));
            }
            cast_with_options(column, field.data_type(), &options)
                .map_err(|error| ArrowError::CastError(format!("column {}: {error}", field.name())))
        });
        RecordBatch::try_new(self.table.clone(), columns.collect::<Result<_, _>>()?)
    }
}
