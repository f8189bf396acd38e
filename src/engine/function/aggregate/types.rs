//! Argument types shared by several aggregate families.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// The 128-bit integer type: DuckDB's HUGEINT, with 38 digits.
pub(super) const HUGEINT: DataType = DataType::Decimal128(38, 0);

/// Returns whether a type is numeric or untyped NULL.
pub(super) fn is_number(given: &DataType) -> bool {
    given.is_numeric() || given.is_null()
}

/// Returns a microsecond timestamp type, keeping the time zone of `given`.
pub(super) fn micros(given: &DataType) -> DataType {
    match given {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}
