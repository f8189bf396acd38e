//! Types of arguments that several families of aggregates ask about.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// The type of integers of 128 bits: DuckDB's HUGEINT, with 38 digits.
pub(super) const HUGEINT: DataType = DataType::Decimal128(38, 0);

/// Returns whether a type is a number, or NULL without a type.
pub(super) fn is_number(given: &DataType) -> bool {
    given.is_numeric() || given.is_null()
}

/// A timestamp of our unit, in the zone of `given` if it has one.
pub(super) fn micros(given: &DataType) -> DataType {
    match given {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}
