//! Avro support that DataFusion's reader lacks: integrity checks (`container`, `values`) and UUIDs.
//! DataFusion's reader returns UUIDs as 16 bytes and drops the logical type that tells them from other bytes,
//! so the schema in the file's header is also parsed here.
//!
//! Delete [`with_uuids`] once `arrow-avro` keeps the logical type or the Arrow extension type of such a
//! field.

mod container;
#[cfg(test)]
pub(super) mod testing;
mod values;

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::Value;

pub(super) use self::container::{Break, check};
use self::values::{bytes, long, take};
use super::reading::LOGICAL_TYPE;

/// The size of the first read, in bytes. Most headers are shorter.
const FIRST: u64 = 16 * 1024;

/// The magic bytes of an Avro object container file.
const MAGIC: &[u8] = b"Obj\x01";

/// The key of the header entry that holds the schema.
const SCHEMA: &[u8] = b"avro.schema";

/// Adds the logical type to each field that the file's own schema declares as a UUID.
///
/// # Errors
/// If the file can't be read. An invalid header is left to DataFusion's reader.
pub(super) async fn with_uuids(
    schema: SchemaRef,
    store: &Arc<dyn ObjectStore>,
    file: &ObjectMeta,
) -> object_store::Result<SchemaRef> {
    let mut length = FIRST.min(file.size);
    loop {
        let bytes = store.get_range(&file.location, 0..length).await?;
        match AvroFileHeader(&bytes).schema() {
            Some(own) => return Ok(marked(&schema, &own)),
            None if length < file.size => length = (length * 8).min(file.size),
            None => return Ok(schema),
        }
    }
}

/// Sets the logical type of the fields that the file's own schema declares as UUIDs.
fn marked(schema: &SchemaRef, own: &Value) -> SchemaRef {
    let is_uuid = |field: &Field| {
        let mut fields = own.get("fields").and_then(Value::as_array).into_iter().flatten();
        let found = fields.find(|own| own.get("name").and_then(Value::as_str) == Some(field.name()));
        found.and_then(|own| own.get("type")).is_some_and(holds_uuids)
    };
    if !schema.fields().iter().any(|field| is_uuid(field)) {
        return Arc::clone(schema);
    }
    let fields = schema.fields().iter().map(|field| {
        if !is_uuid(field) {
            return Arc::clone(field);
        }
        let logical = HashMap::from([(LOGICAL_TYPE.to_owned(), "uuid".to_owned())]);
        Arc::new(field.as_ref().clone().with_metadata(logical))
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// Returns whether an Avro type is a UUID, or a union that includes one.
fn holds_uuids(own: &Value) -> bool {
    match own {
        Value::Array(parts) => parts.iter().any(holds_uuids),
        own => own.get("logicalType").and_then(Value::as_str) == Some("uuid"),
    }
}

/// The unread bytes of a header. Format: Apache Avro 1.12 specification, "Object Container Files".
struct AvroFileHeader<'a>(&'a [u8]);

impl AvroFileHeader<'_> {
    /// Parses the schema. Returns `None` if the header is truncated or invalid.
    fn schema(mut self) -> Option<Value> {
        if take(&mut self.0, MAGIC.len())? != MAGIC {
            return None;
        }
        loop {
            let mut entries = long(&mut self.0)?;
            if entries < 0 {
                // After a negative count comes the block's size in bytes.
                long(&mut self.0)?;
                entries = entries.checked_neg()?;
            }
            if entries == 0 {
                return None;
            }
            for _ in 0..entries {
                let (name, value) = (bytes(&mut self.0)?, bytes(&mut self.0)?);
                if name == SCHEMA {
                    return serde_json::from_slice(value).ok();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_found_whatever_the_bytes_end_with() {
        let file = include_bytes!("../../../tests/sources/uuid.avro");
        let own = AvroFileHeader(file).schema().unwrap();
        assert_eq!(own["fields"][1]["type"]["logicalType"], "uuid");
        assert!(holds_uuids(&own["fields"][2]["type"]) && !holds_uuids(&own["fields"][0]["type"]));
        for length in [0, 3, 4, 5, 20, 40, 200] {
            assert_eq!(AvroFileHeader(&file[..length]).schema(), None, "{length} bytes");
        }
        assert_eq!(AvroFileHeader(b"Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").schema(), None);
    }
}
