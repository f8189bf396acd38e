//! Binary Avro values: computes each value's length from the file's schema, without decoding it.
//!
//! Format: Apache Avro 1.12 specification, "Binary Encoding".

use std::collections::HashMap;

use serde_json::Value;

/// The maximum nesting depth of values.
const DEPTH: usize = 200;

/// The binary layout of a schema's values.
#[derive(Debug)]
enum AvroLayout {
    Null,
    Boolean,
    Int,
    Long,
    Fixed(usize),
    Bytes,
    Text,
    /// An enum with this many symbols.
    Enum(usize),
    Array(Box<Self>),
    Map(Box<Self>),
    Union(Vec<Self>),
    /// A named type, by its index.
    Named(usize),
}

/// A file's schema, reduced to what determines the lengths of its values.
#[derive(Debug)]
pub(super) struct AvroValues {
    row: AvroLayout,
    /// The fields of each record. Empty while the record's own type is being parsed.
    records: Vec<Vec<AvroLayout>>,
}

impl AvroValues {
    /// Parses the schema from a file's header. Returns `None` if it isn't supported.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let mut schemas = Schemas::default();
        let row = schemas.layout(schema, "", 0)?;
        Some(Self { row, records: schemas.records })
    }

    /// Skips `count` rows. Returns `None` if the bytes don't hold that many rows.
    pub(super) fn skip<'a>(&self, count: u64, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = bytes;
        for _ in 0..count {
            let before = rest.len();
            self.one(&self.row, &mut rest, 0)?;
            if rest.len() == before {
                // Rows have no bytes, so there may be any number of them.
                break;
            }
        }
        Some(rest)
    }

    fn one(&self, layout: &AvroLayout, rest: &mut &[u8], depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match layout {
            AvroLayout::Null => {}
            AvroLayout::Boolean => (take(rest, 1)?[0] <= 1).then_some(())?,
            AvroLayout::Int => i32::try_from(long(rest)?).ok().map(drop)?,
            AvroLayout::Long => long(rest).map(drop)?,
            AvroLayout::Fixed(size) => take(rest, *size).map(drop)?,
            AvroLayout::Bytes => bytes(rest).map(drop)?,
            AvroLayout::Text => str::from_utf8(bytes(rest)?).ok().map(drop)?,
            AvroLayout::Enum(symbols) => (usize::try_from(long(rest)?).ok()? < *symbols).then_some(())?,
            AvroLayout::Array(item) => self.items(rest, &|rest| self.one(item, rest, depth + 1))?,
            AvroLayout::Map(item) => self.items(rest, &|rest| {
                str::from_utf8(bytes(rest)?).ok()?;
                self.one(item, rest, depth + 1)
            })?,
            AvroLayout::Union(branches) => {
                let branch = branches.get(usize::try_from(long(rest)?).ok()?)?;
                self.one(branch, rest, depth + 1)?;
            }
            AvroLayout::Named(record) => {
                for field in self.records.get(*record)? {
                    self.one(field, rest, depth + 1)?;
                }
            }
        }
        Some(())
    }

    #[expect(clippy::unused_self, reason = "read beside what uses it")]
    fn items(&self, rest: &mut &[u8], one: &dyn Fn(&mut &[u8]) -> Option<()>) -> Option<()> {
        loop {
            let mut items = long(rest)?;
            if items < 0 {
                // After a negative count comes the block's size in bytes.
                long(rest)?;
                items = items.checked_neg()?;
            }
            if items == 0 {
                return Some(());
            }
            for _ in 0..items {
                let before = rest.len();
                one(rest)?;
                if rest.len() == before {
                    break;
                }
            }
        }
    }
}

pub(super) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

pub(super) fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(long(rest)?).ok()?;
    take(rest, length)
}

/// Decodes a zigzag varint: seven bits a byte, lowest first.
pub(super) fn long(rest: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

/// The named types, in the order in which the schema defines them.
#[derive(Default)]
struct Schemas {
    named: HashMap<String, NamedAvroType>,
    records: Vec<Vec<AvroLayout>>,
}

#[derive(Clone, Copy)]
enum NamedAvroType {
    Record(usize),
    Enum(usize),
    Fixed(usize),
}

impl NamedAvroType {
    fn layout(self) -> AvroLayout {
        match self {
            Self::Record(at) => AvroLayout::Named(at),
            Self::Enum(symbols) => AvroLayout::Enum(symbols),
            Self::Fixed(size) => AvroLayout::Fixed(size),
        }
    }
}

impl Schemas {
    fn layout(&mut self, schema: &Value, space: &str, depth: usize) -> Option<AvroLayout> {
        if depth > DEPTH {
            return None;
        }
        let object = match schema {
            Value::String(name) => return self.name(name, space),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.layout(branch, space, depth + 1));
                return Some(AvroLayout::Union(branches.collect::<Option<_>>()?));
            }
            Value::Object(object) => object,
            _ => return None,
        };
        let kind = object.get("type")?;
        let Some(kind) = kind.as_str() else { return self.layout(kind, space, depth + 1) };
        let item = |key: &str| object.get(key);
        match kind {
            "array" => Some(AvroLayout::Array(Box::new(self.layout(item("items")?, space, depth + 1)?))),
            "map" => Some(AvroLayout::Map(Box::new(self.layout(item("values")?, space, depth + 1)?))),
            "record" | "error" | "enum" | "fixed" => {
                let name = item("name")?.as_str()?;
                let (space, name) = match (name.rsplit_once('.'), item("namespace").and_then(Value::as_str)) {
                    (Some((space, _)), _) => (space.to_owned(), name.to_owned()),
                    (None, given) => {
                        let space = given.unwrap_or(space);
                        (space.to_owned(), full(space, name))
                    }
                };
                let known = match kind {
                    "enum" => NamedAvroType::Enum(item("symbols")?.as_array()?.len()),
                    "fixed" => NamedAvroType::Fixed(usize::try_from(item("size")?.as_u64()?).ok()?),
                    _ => {
                        self.records.push(Vec::new());
                        NamedAvroType::Record(self.records.len() - 1)
                    }
                };
                // Records may be recursive, so the name is registered before the fields are parsed.
                self.named.insert(name, known);
                if let NamedAvroType::Record(at) = known {
                    let fields = item("fields")?.as_array()?.iter();
                    let fields = fields.map(|field| self.layout(field.get("type")?, &space, depth + 1));
                    self.records[at] = fields.collect::<Option<_>>()?;
                }
                Some(known.layout())
            }
            name => self.name(name, space),
        }
    }

    fn name(&self, name: &str, space: &str) -> Option<AvroLayout> {
        Some(match name {
            "null" => AvroLayout::Null,
            "boolean" => AvroLayout::Boolean,
            "int" => AvroLayout::Int,
            "long" => AvroLayout::Long,
            "float" => AvroLayout::Fixed(4),
            "double" => AvroLayout::Fixed(8),
            "bytes" => AvroLayout::Bytes,
            "string" => AvroLayout::Text,
            name => {
                let inner = if name.contains('.') { None } else { self.named.get(&full(space, name)) };
                inner.or_else(|| self.named.get(name))?.layout()
            }
        })
    }
}

fn full(space: &str, name: &str) -> String {
    if space.is_empty() { name.to_owned() } else { format!("{space}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_length() {
        let schema = serde_json::json!({"type": "record", "name": "a.r", "fields": [
            {"name": "n", "type": "null"}, {"name": "b", "type": "boolean"}, {"name": "i", "type": "int"},
            {"name": "l", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "f", "type": "float"}, {"name": "d", "type": "double"}, {"name": "y", "type": "bytes"},
            {"name": "s", "type": "string"}, {"name": "x", "type": {"type": "fixed", "name": "x", "size": 3}},
            {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["P", "Q"]}}, {"name": "e2", "type": "e"},
            {"name": "a", "type": {"type": "array", "items": "int"}}, {"name": "m", "type": {"type": "map", "values": "a.x"}},
            {"name": "u", "type": ["null", "string", "r"]},
        ]});
        let values = AvroValues::of(&schema).unwrap();
        let row = [
            &[1][..],
            &[2],
            &[0x80, 1],
            &[0; 4],
            &[0; 8],
            &[4, 9, 9],
            &[2, b'h'],
            &[7; 3],
            &[2],
            &[0],
            &[4, 2, 4, 0],
            &[1, 10, 2, b'k', 7, 7, 7, 0],
            &[2, 2, b'z'],
        ]
        .concat();
        let rows = [row.clone(), row.clone()].concat();
        assert_eq!(values.skip(2, &rows), Some(&[][..]));
        assert_eq!(values.skip(1, &rows), Some(&row[..]));
        for end in 0..row.len() {
            assert_eq!(values.skip(1, &row[..end]), None, "{end} bytes");
        }
        let mut bad = row.clone();
        bad[0] = 2;
        assert_eq!(values.skip(1, &bad), None, "a boolean is 0 or 1");
    }

    #[test]
    fn rows_without_bytes_end() {
        let empty = serde_json::json!({"type": "record", "name": "r", "fields": []});
        assert_eq!(AvroValues::of(&empty).unwrap().skip(u64::MAX, &[]), Some(&[][..]));
        let nulls = serde_json::json!({"type": "array", "items": "null"});
        let many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0];
        assert_eq!(AvroValues::of(&nulls).unwrap().skip(1, &many), Some(&[][..]));
        assert!(AvroValues::of(&serde_json::json!("unknown")).is_none());
    }
}
