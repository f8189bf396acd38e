//! Column conversion from a Parquet or Avro file to the source: as is, by a lossless cast, or value by value.

use std::sync::Arc;

use datafusion::arrow::{
    compute::can_cast_types,
    datatypes::{DataType, Field, FieldRef, TimeUnit},
};

use crate::{
    engine::types::type_name,
    source::{kind::ColumnKind, names},
};

/// The metadata key of a field's Avro logical type.
pub(super) const LOGICAL_TYPE: &str = "logicalType";

/// The conversion of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ColumnReading {
    /// No conversion.
    Same,
    /// A cast: it can't fail, or values of the type can't be validated one by one.
    Cast,
    /// Each value is validated, and kept if it fits.
    Judge(ColumnKind),
    /// Values are unchanged, but must be within the calendar.
    Bounded,
    /// Bytes become the text of a UUID.
    Uuid,
}

impl ColumnReading {
    /// Returns whether rows must be validated one by one.
    pub(super) fn is_judged(&self) -> bool {
        matches!(self, Self::Judge(_) | Self::Bounded | Self::Uuid)
    }
}

/// Returns whether a field holds UUIDs: 16 bytes in the file, text in SQL.
pub(super) fn is_uuid(field: &Field) -> bool {
    let metadata = field.metadata();
    *field.data_type() == DataType::FixedSizeBinary(16)
        && (metadata.get(LOGICAL_TYPE).is_some_and(|name| name == "uuid")
            || metadata.get("ARROW:extension:name").is_some_and(|name| name == "arrow.uuid"))
}

/// Returns the type of an undeclared column, from the file's type.
pub(super) fn own_type(field: &Field) -> DataType {
    if is_uuid(field) { DataType::Utf8View } else { plain(field.data_type()) }
}

/// Returns the type without dictionaries, which are a storage encoding and not a SQL type.
fn plain(data_type: &DataType) -> DataType {
    let of = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(plain(field.data_type())));
    match data_type {
        DataType::Dictionary(_, values) if is_text(values) => DataType::Utf8View,
        DataType::Dictionary(_, values) => plain(values),
        DataType::List(item) => DataType::List(of(item)),
        DataType::LargeList(item) => DataType::LargeList(of(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(of).collect()),
        other => other.clone(),
    }
}

/// Returns how to convert a file's column to a type. `is_bounded` means that all its instants are within the
/// calendar.
///
/// # Errors
/// If no value of the one type can become a value of the other.
pub(super) fn reading(field: &Field, to: &DataType, is_bounded: bool) -> Result<ColumnReading, String> {
    let from = field.data_type();
    let is_instant = |data_type: &DataType| {
        matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
    };
    let kind = ColumnKind::from_arrow(to);
    // A 16-byte Avro field declared as text can only be a UUID.
    if *from == DataType::FixedSizeBinary(16) && kind == Some(ColumnKind::Text) {
        return Ok(ColumnReading::Uuid);
    }
    if is_instant(from) && is_instant(to) {
        return Ok(match (from == to, is_bounded, kind) {
            (true, true, _) => ColumnReading::Same,
            (true, false, _) => ColumnReading::Bounded,
            (false, true, _) if !cuts_time(from, to) => ColumnReading::Cast,
            (false, _, Some(kind)) => ColumnReading::Judge(kind),
            (false, _, None) => ColumnReading::Cast,
        });
    }
    if from == to {
        return Ok(ColumnReading::Same);
    }
    if is_lossless(from, to) {
        return Ok(ColumnReading::Cast);
    }
    match kind {
        Some(kind) if is_scalar(from) || !to.is_nested() || !is_alike(from, to) => {
            Ok(ColumnReading::Judge(kind))
        }
        _ if can_cast_types(from, to) => Ok(ColumnReading::Cast),
        _ => Err(format!("a {} can't be read as {}", type_name(from), type_name(to))),
    }
}

/// Returns whether two nested types have the same parts, and each part of the one converts to the other's
/// without loss. Otherwise a cast would silently drop fields, or turn values into NULL.
fn is_alike(from: &DataType, to: &DataType) -> bool {
    use DataType::{LargeList, List, Map, Struct};
    match (from, to) {
        (List(from) | LargeList(from), List(to)) | (Map(from, _), Map(to, _)) => {
            is_alike(from.data_type(), to.data_type())
        }
        (Struct(from), Struct(to)) => {
            let mut parts = from.iter().zip(to);
            // The names of a map's parts depend on the writer. A struct's field names are compared.
            from.len() == to.len()
                && parts.all(|(from, to)| {
                    let is_entry = matches!(from.name().as_str(), "key" | "keys" | "value" | "values");
                    (from.name() == to.name() || is_entry) && is_alike(from.data_type(), to.data_type())
                })
        }
        (from, to) => from == to || is_lossless(from, to),
    }
}

/// Returns whether the conversion would truncate instants to days.
fn cuts_time(from: &DataType, to: &DataType) -> bool {
    matches!((from, to), (DataType::Timestamp(..) | DataType::Date64, DataType::Date32))
}

fn is_scalar(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_scalar(values),
        other => !other.is_nested(),
    }
}

/// Returns whether a cast can't fail, and loses no more than SQL's own cast to a wider type.
fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, Boolean, Dictionary, FixedSizeBinary, Float32, Float64, Int64, Null, Timestamp, Utf8View,
    };
    match (from, to) {
        (Null, _) => true,
        (Dictionary(_, values), to) => **values == *to || is_lossless(values, to),
        (from, Utf8View) if is_text(from) => true,
        (from, Binary) => is_text(from) || is_binary(from) || matches!(from, FixedSizeBinary(_)),
        (
            Boolean
            | Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Decimal128(..),
            Utf8View,
        )
        | (Timestamp(..), Int64)
        | (Float32, Float64) => true,
        (from, Utf8View) => from.is_integer() || from.is_floating(),
        (from, to) if from.is_integer() => match to {
            Float64 => true,
            DataType::Decimal128(precision, scale) => {
                digits(from) + i16::from(*scale) <= i16::from(*precision)
            }
            _ => to.is_integer() && holds(from, to),
        },
        (DataType::Decimal128(p, s), DataType::Decimal128(precision, scale)) => {
            scale >= s && i16::from(*precision) - i16::from(*scale) >= i16::from(*p) - i16::from(*s)
        }
        _ => false,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

/// Returns the number of value bits of an integer type, without the sign bit.
fn bits(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Int8 => 7,
        DataType::UInt8 => 8,
        DataType::Int16 => 15,
        DataType::UInt16 => 16,
        DataType::Int32 => 31,
        DataType::UInt32 => 32,
        DataType::Int64 => 63,
        _ => 64,
    }
}

fn holds(from: &DataType, to: &DataType) -> bool {
    bits(from) <= bits(to) && (from.is_unsigned_integer() || to.is_signed_integer())
}

/// Returns the number of decimal digits that an integer type may need.
fn digits(data_type: &DataType) -> i16 {
    match bits(data_type) {
        0..=8 => 3,
        9..=16 => 5,
        17..=32 => 10,
        33..=63 => 19,
        _ => 20,
    }
}

/// Widens a type to hold the column of one more file.
///
/// # Errors
/// If no type holds the values of all files.
pub(super) fn widen<'a>(
    others: &mut Vec<(Field, &'a str)>,
    field: &Field,
    file: &'a str,
) -> Result<(), String> {
    let own = own_type(field);
    let Some((known, other)) = others.iter_mut().find(|(known, _)| names::same(known.name(), field.name()))
    else {
        others.push((Field::new(field.name(), own, true), file));
        return Ok(());
    };
    let wider = widened(known.data_type(), &own).ok_or_else(|| {
        let (one, two) = (type_name(known.data_type()), type_name(&own));
        format!(
            "the column `{}` is {one} in {other} and {two} in {file}, and no type holds both: declare its `data_type`, \
             and rows that don't fit are set aside",
            field.name(),
        )
    })?;
    *known = Field::new(known.name(), wider, true);
    Ok(())
}

/// Returns the narrowest type that holds all values of both, if there is one.
pub(super) fn widened(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType::{Decimal128, Float64, Int64, Timestamp};
    if one == other {
        return Some(one.clone());
    }
    let wider = |from: &DataType, to: &DataType| match (from, to) {
        (DataType::Null, _) => true,
        (from, to) if is_text(from) || is_binary(from) => {
            (is_text(from) && is_text(to)) || (is_binary(from) && is_binary(to))
        }
        // A bigint may need more digits than a double has.
        (from, DataType::Float64) if from.is_integer() => bits(from) <= 32,
        (from, to) => !is_text(to) && !matches!((from, to), (Timestamp(..), Int64)) && is_lossless(from, to),
    };
    if is_text(one) && is_text(other) {
        return Some(DataType::Utf8View);
    }
    if wider(one, other) {
        return Some(other.clone());
    }
    if wider(other, one) {
        return Some(one.clone());
    }
    match (one, other) {
        (one, other) if one.is_integer() && other.is_integer() => {
            Some(if bits(one).max(bits(other)) < 64 { Int64 } else { Decimal128(20, 0) })
        }
        (Timestamp(_, one), Timestamp(_, other)) if one == other => {
            Some(Timestamp(TimeUnit::Microsecond, one.clone()))
        }
        (Decimal128(p, s), Decimal128(precision, scale)) => {
            let most = (s.max(scale)).to_owned();
            let whole = (i16::from(*p) - i16::from(*s)).max(i16::from(*precision) - i16::from(*scale));
            let precision =
                u8::try_from(whole + i16::from(most)).ok().filter(|precision| *precision <= 38)?;
            Some(Decimal128(precision, most))
        }
        (from, DataType::Float32) | (DataType::Float32, from) if from.is_integer() && bits(from) <= 32 => {
            Some(Float64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn how(from: DataType, to: DataType) -> ColumnReading {
        reading(&Field::new("c", from, true), &to, false).unwrap()
    }

    #[test]
    fn what_can_fail_is_judged_value_by_value() {
        use DataType::{Boolean, Date32, Float64, Int32, Int64, Utf8, Utf8View};
        assert_eq!(how(Int32, Int64), ColumnReading::Cast);
        assert_eq!(how(Int64, Int32), ColumnReading::Judge(ColumnKind::Int32));
        assert_eq!(how(Float64, Int64), ColumnReading::Judge(ColumnKind::Int64));
        assert_eq!(how(Utf8, Utf8View), ColumnReading::Cast);
        assert_eq!(how(Utf8, Date32), ColumnReading::Judge(ColumnKind::Date));
        assert_eq!(how(Int64, Boolean), ColumnReading::Judge(ColumnKind::Boolean));
        assert_eq!(how(Date32, Date32), ColumnReading::Bounded);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert_eq!(
            how(micros.clone(), Date32),
            ColumnReading::Judge(ColumnKind::Date),
            "a time of day is not cut off"
        );
        assert_eq!(how(DataType::Decimal128(10, 2), DataType::Decimal128(12, 2)), ColumnReading::Cast);
        assert_eq!(
            how(DataType::Decimal128(10, 2), DataType::Decimal128(10, 3)),
            ColumnReading::Judge(ColumnKind::Decimal { precision: 10, scale: 3 })
        );
    }

    #[test]
    fn dictionaries_are_values() {
        let coded = |values| DataType::Dictionary(Box::new(DataType::Int8), Box::new(values));
        let own = |data_type| own_type(&Field::new("c", data_type, true));
        assert_eq!(own(coded(DataType::Utf8)), DataType::Utf8View);
        assert_eq!(own(coded(DataType::LargeUtf8)), DataType::Utf8View);
        assert_eq!(own(coded(DataType::Int64)), DataType::Int64);
        let list = |item| DataType::new_list(item, true);
        assert_eq!(own(list(coded(DataType::Utf8))), list(DataType::Utf8View));
    }

    #[test]
    fn types_are_widened_where_nothing_is_lost() {
        use DataType::{Decimal128, Float64, Int32, Int64, UInt32, UInt64, Utf8, Utf8View};
        assert_eq!(widened(&Int32, &Int64), Some(Int64));
        assert_eq!(widened(&UInt32, &Int32), Some(Int64));
        assert_eq!(widened(&UInt64, &Int64), Some(Decimal128(20, 0)));
        assert_eq!(widened(&Int32, &Float64), Some(Float64));
        assert_eq!(widened(&Int64, &Float64), None, "a double rounds above 2^53");
        assert_eq!(widened(&Int64, &Utf8), None);
        assert_eq!(widened(&Utf8, &Utf8View), Some(Utf8View));
        assert_eq!(widened(&Decimal128(10, 2), &Decimal128(5, 4)), Some(Decimal128(12, 4)));
    }
}
