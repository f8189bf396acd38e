//! Casts batches to the schema of the table they are written to. A value that the table can't store is an
//! error that names the column and the value.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    misfit::{self, Misfit, MisfitReason},
    schema,
};
use crate::engine::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, StructArray},
        compute::{CastOptions, cast, cast_with_options},
        datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Schema, SchemaRef},
        error::ArrowError,
        util::display::FormatOptions,
    },
    types::type_name,
};

/// Maps a query's columns by name to the order and types of a table.
#[derive(Debug, Clone)]
pub(super) struct Conform {
    table: SchemaRef,
    columns: Vec<ColumnMapping>,
}

/// The source of a table column.
#[derive(Debug, Clone)]
struct ColumnMapping {
    /// Its position in the query.
    position: usize,
    /// Its field in the query, if it contains UUIDs to convert to text.
    uuids: Option<FieldRef>,
    is_partition: bool,
}

impl Conform {
    /// Maps the columns of `query` to those of `table`, which must all be among them. `partition_by` holds
    /// positions in the table.
    pub(super) fn new(query: &Schema, table: &SchemaRef, partition_by: &[usize]) -> Result<Self, ArrowError> {
        let columns = table.fields().iter().enumerate().map(|(index, field)| {
            let position = query.index_of(field.name())?;
            let uuids = Some(&query.fields()[position]).filter(|field| schema::has_uuid(field)).cloned();
            Ok(ColumnMapping { position, uuids, is_partition: partition_by.contains(&index) })
        });
        Ok(Self { table: SchemaRef::clone(table), columns: columns.collect::<Result<_, ArrowError>>()? })
    }

    /// Casts a batch to the table's schema.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, Misfit> {
        let columns = self.columns.iter().zip(self.table.fields()).map(|(column, field)| {
            let mut values = ArrayRef::clone(batch.column(column.position));
            if let Some(uuids) = &column.uuids {
                values = with_uuids_as_text(&values, uuids)?;
            }
            let mut values = conform(&values, field)?;
            misfit::check(&values, field.name())?;
            if column.is_partition {
                misfit::check_partition(&values, field.name())?;
                values = without_negative_zero(values);
            }
            Ok(values)
        });
        let columns = columns.collect::<Result<Vec<_>, Misfit>>()?;
        Ok(RecordBatch::try_new(self.table.clone(), columns)?)
    }
}

/// Casts values to a column's type.
fn conform(values: &ArrayRef, field: &Field) -> Result<ArrayRef, Misfit> {
    if values.data_type() == field.data_type() {
        return Ok(ArrayRef::clone(values));
    }
    let options = CastOptions { safe: false, format_options: FormatOptions::default() };
    cast_with_options(values, field.data_type(), &options).map_err(|error| {
        let value = cast(values, field.data_type()).ok().and_then(|cast| misfit::lost(values, &cast));
        match value {
            Some(value) => Misfit::Value {
                column: field.name().clone(),
                value,
                reason: MisfitReason::Type(type_name(field.data_type())),
            },
            None => ArrowError::CastError(format!("column {}: {error}", field.name())).into(),
        }
    })
}

/// Converts UUIDs to text, since Delta has no type for them.
fn with_uuids_as_text(values: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
    if schema::is_uuid(field)
        && let Some(bytes) = values.as_fixed_size_binary_opt()
    {
        let text = |bytes: &[u8]| Uuid::from_slice(bytes).unwrap_or_default().hyphenated().to_string();
        return Ok(Arc::new(bytes.iter().map(|bytes| bytes.map(text)).collect::<StringArray>()));
    }
    match (field.data_type(), values.data_type()) {
        (DataType::Struct(fields), DataType::Struct(_)) => {
            let structs = values.as_struct();
            let columns = fields
                .iter()
                .zip(structs.columns())
                .map(|(field, child)| with_uuids_as_text(child, field))
                .collect::<Result<Vec<_>, _>>()?;
            let renewed = fields.iter().zip(&columns).map(|(field, child)| retyped(field, child)).collect();
            Ok(Arc::new(StructArray::try_new(renewed, columns, structs.nulls().cloned())?))
        }
        (DataType::List(item), DataType::List(_)) => {
            let lists = values.as_list::<i32>();
            let elements = with_uuids_as_text(lists.values(), item)?;
            let (item, offsets) = (retyped(item, &elements), lists.offsets().clone());
            Ok(Arc::new(ListArray::try_new(item, offsets, elements, lists.nulls().cloned())?))
        }
        _ => Ok(ArrayRef::clone(values)),
    }
}

fn retyped(field: &FieldRef, values: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(field.name(), values.data_type().clone(), field.is_nullable()))
}

/// Replaces -0 with 0 in partition values: they are equal, so they belong to one partition.
fn without_negative_zero(values: ArrayRef) -> ArrayRef {
    match values.data_type() {
        DataType::Float64 => {
            Arc::new(values.as_primitive::<Float64Type>().unary::<_, Float64Type>(|value| value + 0.0))
        }
        DataType::Float32 => {
            Arc::new(values.as_primitive::<Float32Type>().unary::<_, Float32Type>(|value| value + 0.0))
        }
        _ => values,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::engine::arrow::{
        array::{FixedSizeBinaryArray, Float64Array, Int64Array, TimestampSecondArray},
        datatypes::TimeUnit,
    };

    fn applied(name: &str, values: ArrayRef, to: DataType) -> Result<RecordBatch, Misfit> {
        let batch = RecordBatch::try_from_iter([(name, values)]).unwrap();
        let table = Arc::new(Schema::new(vec![Field::new(name, to, true)]));
        Conform::new(&batch.schema(), &table, &[]).unwrap().apply(&batch)
    }

    #[test]
    fn a_value_that_a_cast_loses_is_named() {
        let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(70_000)]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1", "one"]));
        let late: ArrayRef = Arc::new(TimestampSecondArray::from(vec![0, i64::MAX / 1000]));
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        insta::assert_snapshot!(
            [
                applied("n", number, DataType::Int16).unwrap_err(),
                applied("t", text, DataType::Int64).unwrap_err(),
                applied("at", late, micros).unwrap_err(),
            ]
            .map(|misfit| misfit.to_string())
            .join("\n"),
            @r"
        column n has the value 70000, which its type smallint can't hold: cast it in the query
        column t has the value 'one', which its type bigint can't hold: cast it in the query
        column at has the value 9223372036854775 seconds since 1970-01-01, which its type timestamp can't hold: cast it in the query
        "
        );
    }

    #[test]
    fn a_uuid_becomes_its_text_also_within_others() {
        let named = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())]);
        let id = Arc::new(Field::new("id", DataType::FixedSizeBinary(16), true).with_metadata(named));
        let bytes: ArrayRef = Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([0xd2; 16]), None].into_iter(), 16)
                .unwrap(),
        );
        let within = StructArray::new(vec![id.clone()].into(), vec![bytes.clone()], None);
        let outer = Field::new("s", DataType::Struct(vec![id.clone()].into()), true);
        let query = Arc::new(Schema::new(vec![id.as_ref().clone(), outer]));
        let batch = RecordBatch::try_new(query.clone(), vec![bytes, Arc::new(within)]).unwrap();
        let table = schema::delta_schema(&query, &[]).unwrap();
        assert_eq!(table.field(0).data_type(), &DataType::Utf8);
        let written = Conform::new(&query, &table, &[]).unwrap().apply(&batch).unwrap();
        let expected = [Some("d2d2d2d2-d2d2-d2d2-d2d2-d2d2d2d2d2d2"), None];
        let inner = written.column(1).as_struct().column(0).clone();
        for texts in [written.column(0), &inner] {
            assert_eq!(texts.as_string::<i32>().iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn zeros_lie_in_one_partition() {
        let values: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(-0.0), Some(0.0), None, Some(f64::NAN)]));
        let batch = RecordBatch::try_from_iter([("x", values)]).unwrap();
        let written = Conform::new(&batch.schema(), &batch.schema(), &[0]).unwrap().apply(&batch).unwrap();
        let bits: Vec<_> =
            written.column(0).as_primitive::<Float64Type>().iter().flatten().map(f64::to_bits).collect();
        assert_eq!(bits[..2], [0, 0]);
        assert!(f64::from_bits(bits[2]).is_nan());
    }
}
